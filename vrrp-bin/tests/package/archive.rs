//! The Debian package: how it is made, and what it holds.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use libtest_mimic::Failed;

use crate::{Outcome, Test, folder, output, root};

const DPKG: &[(&str, &str)] = &[("dpkg-deb", "dpkg"), ("dpkg-shlibdeps", "dpkg-dev")];
const LINTIAN: &[(&str, &str)] = &[("dpkg-shlibdeps", "dpkg-dev"), ("lintian", "lintian")];

pub(crate) const TESTS: [Test; 2] = [
    ("the_package_holds_what_it_should", it_holds_what_it_should, DPKG),
    ("lintian_has_nothing_to_say", lintian_is_content, LINTIAN),
];

/// What the package has, beside its pages.
const FILES: [&str; 12] = [
    "usr/lib/systemd/system/vrrp.service",
    "usr/bin/vrrp",
    "usr/share/bash-completion/completions/vrrp",
    "usr/share/doc/vrrp/README.md",
    "usr/share/doc/vrrp/changelog.Debian.gz",
    "usr/share/doc/vrrp/copyright",
    "usr/share/doc/vrrp/examples/alerts.yml",
    "usr/share/doc/vrrp/examples/grafana.json",
    "usr/share/doc/vrrp/examples/vrrp.toml",
    "usr/share/fish/vendor_completions.d/vrrp.fish",
    "usr/share/man/man1/vrrp.1.gz",
    "usr/share/zsh/vendor-completions/_vrrp",
];

/// The package, made once. `VRRP_PACKAGE=FILE` takes that one, and builds none.
pub(crate) fn package() -> Result<&'static Path, Failed> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        if let Some(file) = env::var_os("VRRP_PACKAGE") {
            return Ok(root().join(file));
        }
        println!("building the Debian package");
        let said = output(&mut Command::new(root().join(".ci/package")));
        let said = said.map_err(|error| error.to_string())?;
        said.lines()
            .last()
            .map(|file| root().join(file))
            .ok_or_else(|| "no package was made".to_owned())
    });
    made.as_deref().map_err(Failed::from)
}

/// The same as a later version, for an upgrade.
pub(crate) fn later_package() -> Result<PathBuf, Failed> {
    let unpacked = tempfile::tempdir_in(folder())?;
    let (tree, later) = (unpacked.path().join("tree"), folder().join("later.deb"));
    output(Command::new("dpkg-deb").arg("-R").arg(package()?).arg(&tree))?;
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    let version = concat!("Version: ", env!("CARGO_PKG_VERSION"), "-1\n");
    assert!(text.contains(version), "{text}");
    fs::write(&control, text.replace(version, &version.replace("-1\n", "-2\n")))?;
    let mut command = Command::new("dpkg-deb");
    output(command.args(["-Znone", "--root-owner-group", "-b"]).arg(&tree).arg(&later))?;
    Ok(later)
}

fn field(name: &str) -> Result<String, Failed> {
    Ok(output(Command::new("dpkg-deb").arg("-f").arg(package()?).arg(name))?)
}

fn it_holds_what_it_should() -> Outcome {
    assert_eq!(field("Package")?, "vrrp");
    assert_eq!(field("Version")?, concat!(env!("CARGO_PKG_VERSION"), "-1"));
    let depends = field("Depends")?;
    let depends: BTreeSet<&str> =
        depends.split(", ").filter_map(|one| one.split_whitespace().next()).collect();
    // Every Debian has the last two; the unwinder of Rust's panics is in the last, if not in the program.
    let (libraries, others): (BTreeSet<&str>, _) =
        depends.into_iter().partition(|package| package.starts_with("lib"));
    assert_eq!(others, BTreeSet::from(["adduser"]));
    assert!(libraries.is_subset(&BTreeSet::from(["libc6", "libgcc-s1"])), "{libraries:?}");
    let listed = output(Command::new("dpkg-deb").arg("-c").arg(package()?))?;
    let files = listed.lines().filter(|line| line.starts_with('-'));
    let files = files.filter_map(|line| line.split_whitespace().last());
    let files: BTreeSet<&str> = files.map(|file| file.trim_start_matches("./")).collect();
    let missing: Vec<&&str> = FILES.iter().filter(|file| !files.contains(**file)).collect();
    assert!(missing.is_empty(), "there is no {missing:?} in\n{listed}");
    let configuration = files.iter().find(|file| file.starts_with("etc/"));
    assert_eq!(configuration, None, "the configuration is the operator's");
    Ok(())
}

fn lintian_is_content() -> Outcome {
    let mut command = Command::new("lintian");
    // Root may run it, and every tag is shown.
    command.args(["--allow-root", "--info", "--tag-display-limit=0", "--fail-on=error,warning"]);
    output(command.arg(package()?))?;
    Ok(())
}
