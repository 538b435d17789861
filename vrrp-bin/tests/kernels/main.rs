//! The program on the kernels of older distributions, each booted in an emulated machine.
//!
//! It plays only with `VRRP_TEST_ALL=1` (`./test --all` sets it), where QEMU and the kernels' packages are to be had. A
//! guest is a kernel and one scenario of `guest/scenarios`; what that asserts is a trial each, and what it printed is
//! printed when one fails. Everything is kept in `target/kernels`; without that folder it is downloaded anew, and newer.
//!
//! `VRRP_KERNELS_BINARY=FILE` takes that static binary, and builds none.

mod guest;
mod packages;
mod report;
mod scenarios;
#[path = "../program/static_binary.rs"]
mod static_binary;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    guest::Guest,
    packages::{KERNELS, Kernel},
    scenarios::{SCENARIOS, Scenario},
};

/// Programs, and Debian's packages of them.
const NEEDED: [(&str, &str); 8] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("modprobe", "kmod"),
    ("ping", "iputils-ping"),
    ("tc", "iproute2"),
    ("apt-get", "apt"),
    ("dpkg-deb", "dpkg"),
];

fn main() {
    let mut arguments = Arguments::from_args();
    let possible = possible();
    if let Err(reason) = &possible {
        println!("every test is ignored: {reason}");
    }
    let play = possible.is_ok() && !arguments.list;
    let trials: Vec<Trial> = KERNELS.iter().flat_map(|kernel| trials(kernel, play)).collect();
    // A trial waits for its guest, and the guests are counted where they boot.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(trials.len()));
    libtest_mimic::run(&arguments, trials).exit();
}

/// What is asserted on a kernel; ignored if there is no such kernel here.
fn trials(kernel: &'static Kernel, play: bool) -> Vec<Trial> {
    let image = if play { prepare(kernel) } else { Ok(None) };
    let image = match image {
        Ok(image) => image,
        Err(error) => {
            let name = format!("linux_{}::image", kernel.label());
            return vec![Trial::test(name, move || Err(error))];
        }
    };
    let scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_for(kernel));
    scenarios.flat_map(|scenario| trials_of(kernel, scenario, image.as_deref())).collect()
}

fn trials_of(kernel: &Kernel, scenario: &'static Scenario, image: Option<&Path>) -> Vec<Trial> {
    let guest = image.map(|image| Arc::new(Guest::new(kernel, scenario.name, image)));
    let trial = |&check: &&'static str| {
        let name = format!("linux_{}::{check}", kernel.label());
        let Some(guest) = guest.clone().filter(|_| scenario.is_possible()) else {
            return Trial::test(name, || Ok(())).with_ignored_flag(true);
        };
        Trial::test(name, move || guest.passed(check, scenario.checks))
    };
    scenario.checks.iter().map(trial).collect()
}

/// The initial file system of the guests, or `None` if the kernel cannot be had.
fn prepare(kernel: &Kernel) -> Result<Option<PathBuf>, Failed> {
    if let Err(reason) = packages::fetch(kernel) {
        println!("skipped: the tests on Linux {}: {reason}", kernel.version);
        return Ok(None);
    }
    let binary = match env::var_os("VRRP_KERNELS_BINARY") {
        // A relative path begins at the workspace's root.
        Some(file) => root().join(file),
        None => static_binary::build(&folder().join("build.log"))?,
    };
    let image = kernel.folder().join("image");
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels/image.sh"));
    output(command.args([kernel.folder().join("root"), binary, image.clone()]))?;
    Ok(Some(image))
}

/// Why this is not the place to play them.
fn possible() -> Result<(), String> {
    if env::var_os("VRRP_TEST_ALL").is_none() {
        return Err("VRRP_TEST_ALL is not set (./test --all sets it)".to_owned());
    }
    if !cfg!(target_arch = "x86_64") {
        return Err("the emulated machines are x86_64, and run this machine's programs".to_owned());
    }
    for (program, package) in NEEDED {
        if !is_there(program) {
            return Err(format!("{program} is missing; install the package {package}"));
        }
    }
    fs::create_dir_all(folder()).map_err(|error| format!("{}: {error}", folder().display()))
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(sbin).any(|folder| folder.join(program).is_file())
}

/// The workspace's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    root().join("target/kernels")
}

/// Runs a program to its end: what it printed, or what it complained of.
fn output(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = [text(&output.stdout), text(&output.stderr)].join("\n");
    Err(io::Error::other(format!("{command:?} failed with {}: {said}", output.status)))
}
