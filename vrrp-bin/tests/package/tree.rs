//! Debian in a folder, and the package installed, upgraded and removed in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use libtest_mimic::Failed;

use crate::{
    Outcome, Test,
    archive::{later_package, package},
    folder, output,
};

const NEEDED: &[(&str, &str)] =
    &[("debootstrap", "debootstrap"), ("dpkg-shlibdeps", "dpkg-dev"), ("unshare", "util-linux")];

pub(crate) const TESTS: [Test; 1] =
    [("a_package_that_was_purged_has_left_nothing", nothing_is_left, NEEDED)];

/// What the tree has beside what every Debian has.
const PACKAGES: &str = "systemd,systemd-sysv,adduser,iproute2,kmod,libgcc-s1";

/// A Debian that nobody else uses, below `parent`.
pub(crate) fn debian(parent: &Path) -> Result<PathBuf, Failed> {
    let archive = archive()?;
    let tree = parent.join("tree");
    fs::create_dir_all(&tree)?;
    output(Command::new("tar").arg("-C").arg(&tree).arg("-xf").arg(archive))?;
    fs::copy(package()?, tree.join("first.deb"))?;
    fs::copy(later_package()?, tree.join("second.deb"))?;
    Ok(tree)
}

/// The one that an earlier run left, or a new one.
fn archive() -> Result<PathBuf, Failed> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock()?;
    let archive = folder().join("debian.tar");
    if archive.exists() {
        return Ok(archive);
    }
    println!("making Debian with {PACKAGES}");
    let place = tempfile::tempdir_in(folder())?;
    let tree = place.path().join("tree");
    let mut command = Command::new("debootstrap");
    command.args(["--variant=minbase", &format!("--include={PACKAGES}"), "bookworm"]).arg(&tree);
    output(&mut command)?;
    for useless in
        ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"]
    {
        let _ = fs::remove_dir_all(tree.join(useless));
    }
    let unfinished = archive.with_extension("unfinished");
    output(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(&unfinished).arg("."))?;
    fs::rename(unfinished, &archive)?;
    Ok(archive)
}

/// In a network and among processes of its own, where no service is started.
fn nothing_is_left() -> Outcome {
    let place = tempfile::tempdir_in(folder())?;
    let tree = debian(place.path())?;
    fs::write(tree.join("usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n")?;
    fs::write(tree.join("play.sh"), include_str!("install.sh"))?;
    output(Command::new("chmod").arg("755").arg(tree.join("usr/sbin/policy-rc.d")))?;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-ec"]);
    command.arg("mount -t proc proc \"$0/proc\"; exec chroot \"$0\" sh -eu /play.sh").arg(&tree);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
    println!("{}", output(&mut command)?);
    Ok(())
}
