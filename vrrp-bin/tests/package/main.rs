//! What comes with the program: the systemd unit, the Debian package, the dashboard and the alerts.
//!
//! The package is built, installed and booted only with `VRRP_TEST_ALL=1` (`./test --all` sets it).
//! What that makes is kept in `target/package`.

mod archive;
#[allow(dead_code, reason = "shared with the test program `kernels`, which uses the rest of it")]
#[path = "../kernels/packages.rs"]
mod kernels;
mod machine;
#[path = "../program/programs.rs"]
mod programs;
mod series;
mod tree;
mod unit;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use libtest_mimic::{Arguments, Failed, Trial};

use programs::{is_there, output, root};

type Outcome = Result<(), Failed>;

/// A test, its name, and the programs that it needs, each with Debian's package of it.
type Test = (&'static str, fn() -> Outcome, &'static [(&'static str, &'static str)]);

fn main() {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> =
        unit::TESTS.iter().chain(&series::TESTS).map(|test| trial(*test, None)).collect();
    let refused = possible().err();
    for test in archive::TESTS.iter().chain(&tree::TESTS).chain(&machine::TESTS) {
        trials.push(trial(*test, refused.as_deref()));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial((name, body, needed): Test, refused: Option<&str>) -> Trial {
    let missing = || {
        let (program, package) = needed.iter().find(|(program, _)| !is_there(program))?;
        Some(format!("{program} is missing; install the package {package}"))
    };
    match refused.map(str::to_owned).or_else(missing) {
        None => Trial::test(name, body),
        Some(reason) => {
            println!("skipped: {name}: {reason}");
            Trial::test(name, || Ok(())).with_ignored_flag(true)
        }
    }
}

/// Why this is not the place to build and install a package.
fn possible() -> Result<(), String> {
    if env::var_os("VRRP_TEST_ALL").is_none() {
        return Err("VRRP_TEST_ALL is not set (./test --all sets it)".to_owned());
    }
    if !cfg!(target_arch = "x86_64") {
        return Err("the emulated machine is x86_64, and runs this machine's programs".to_owned());
    }
    if !nix::unistd::geteuid().is_root() || !Path::new("/etc/debian_version").exists() {
        return Err("only root on Debian makes a tree to install a package into".to_owned());
    }
    fs::create_dir_all(folder()).map_err(|error| format!("{}: {error}", folder().display()))
}

fn folder() -> PathBuf {
    root().join("target/package")
}
