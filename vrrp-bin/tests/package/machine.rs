//! The package on a Debian that is booted, with systemd as its first process, beside another node in
//! a network namespace.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{Outcome, Test, folder, kernels, output, root, tree};

const NEEDED: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("debootstrap", "debootstrap"),
    ("dpkg-shlibdeps", "dpkg-dev"),
    ("cpio", "cpio"),
    ("modprobe", "kmod"),
];

pub(crate) const TESTS: [Test; 1] = [("the_package_under_systemd", it_is_played, NEEDED)];

/// What the guest tells of, in `guest/play.sh`.
const CHECKS: [&str; 12] = [
    "install",
    "start",
    "rights",
    "reload",
    "refused_reload",
    "vrrp_restart",
    "crash",
    "watchdog",
    "restart",
    "upgrade",
    "remove",
    "purge",
];

/// It takes a third of this on a machine that has time for it.
const LIMIT: Duration = Duration::from_secs(900);

fn it_is_played() -> Outcome {
    let kernel = &kernels::KERNELS[1];
    if let Err(reason) = kernels::fetch(kernel) {
        return Err(format!("the kernel cannot be had: {reason}").into());
    }
    let place = tempfile::tempdir_in(folder())?;
    let image = image(place.path(), &kernel.folder().join("root"))?;
    let begun = Instant::now();
    let told = boot(&kernel.file()?, &image)?;
    println!("{}the guest ran for {} s", told, begun.elapsed().as_secs());
    let is_told = |line: &str| told.lines().any(|told| told.trim() == line);
    let missing: Vec<&str> =
        CHECKS.into_iter().filter(|check| !is_told(&format!("ok {check}"))).collect();
    if missing.is_empty() && is_told("end") {
        return Ok(());
    }
    let console = fs::read(folder().join("console")).unwrap_or_default();
    Err(format!("{missing:?} failed; {}", String::from_utf8_lossy(&console)).into())
}

/// The initial file system: all of it, so that there is no disk.
fn image(place: &Path, modules: &Path) -> Result<PathBuf, Failed> {
    let tree = tree::debian(place)?;
    fs::write(tree.join("play.sh"), include_str!("guest/play.sh"))?;
    fs::write(tree.join("etc/systemd/system/play.service"), include_str!("guest/play.service"))?;
    let image = place.join("image");
    let mut command = Command::new("bash");
    command.arg(root().join("vrrp-bin/tests/package/image.sh"));
    output(command.arg(&tree).arg(modules).arg(&image))?;
    fs::remove_dir_all(tree)?;
    Ok(image)
}

/// Boots it, and returns what it told. Emulation in software: a virtual machine of the processor's
/// own is not to be had everywhere.
fn boot(kernel: &Path, image: &Path) -> Result<String, Failed> {
    let told = folder().join("told");
    let mut command = Command::new("setpriv");
    // It ends with who started it.
    command.args(["--pdeathsig", "KILL", "nice", "qemu-system-x86_64"]);
    command.args(["-accel", "tcg", "-cpu", "max", "-m", "2048", "-smp", "1", "-nodefaults"]);
    command.args(["-no-user-config", "-display", "none", "-no-reboot"]);
    for file in [folder().join("console"), told.clone()] {
        command.arg("-serial").arg(format!("file:{}", file.display()));
    }
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(image);
    command.arg("-append").arg(
        "console=ttyS0 loglevel=3 panic=1 no_timer_check rdinit=/lib/systemd/systemd \
         systemd.show_status=0 systemd.hostname=node",
    );
    let log = File::create(folder().join("qemu.log"))?;
    let mut child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(String::from_utf8_lossy(&fs::read(told)?).into_owned())
}
