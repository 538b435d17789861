//! The program on the kernels of older distributions, each booted in an emulated machine.
//!
//! It plays only with `VRRP_TEST_ALL=1` (`./test --all` sets it), where QEMU and the kernels'
//! packages are to be had. A guest is a kernel and one scenario of `guest/scenarios`; what that
//! asserts is a trial each, and what it printed is printed when one fails. Everything is kept in
//! `target/kernels`; without that folder it is downloaded anew, and newer.
//!
//! `VRRP_KERNELS_TABLE=FILE` writes what was measured into a file, whose relative path begins at
//! the workspace's root. `VRRP_KERNELS_BINARY=FILE` takes that static binary, and builds none.

mod guest;
mod packages;
#[path = "../program/programs.rs"]
mod programs;
mod report;
mod scenarios;
#[path = "../program/static_binary.rs"]
mod static_binary;
mod table;

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    guest::Guest,
    packages::{KERNELS, Kernel},
    programs::{is_there, output, root},
    scenarios::{Check, SCENARIOS, Scenario},
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
    let _alone = play.then(alone);
    let mut guests = Vec::new();
    let mut trials: Vec<Trial> =
        KERNELS.iter().flat_map(|kernel| trials(kernel, play, &mut guests)).collect();
    // The longest come last in the table, and first here.
    trials.reverse();
    // A trial waits for its guest, and the guests are counted where they boot.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(trials.len()));
    let begun = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(path) = env::var_os("VRRP_KERNELS_TABLE").filter(|_| !guests.is_empty())
        && let Err(error) = table::write(path.as_ref(), &guests, begun.elapsed())
    {
        println!("the table cannot be written: {error}");
    }
    conclusion.exit();
}

/// What is asserted on a kernel, and the `guests` that it is asked of; ignored if there is no such
/// kernel here.
fn trials(kernel: &'static Kernel, play: bool, guests: &mut Vec<Arc<Guest>>) -> Vec<Trial> {
    let image = if play { prepare(kernel) } else { Ok(None) };
    let image = match image {
        Ok(image) => image,
        Err(error) => {
            let name = format!("linux_{}::image", kernel.label());
            return vec![Trial::test(name, move || Err(error))];
        }
    };
    let scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_for(kernel));
    let trials = scenarios.flat_map(|scenario| {
        let missing = scenario.missing().filter(|_| image.is_some());
        if let Some(program) = missing {
            println!(
                "skipped: {} on Linux {}: {program} is missing",
                scenario.name, kernel.version
            );
        }
        let image = image.as_deref().filter(|_| missing.is_none());
        let guest = image.map(|image| Arc::new(Guest::new(kernel, scenario.name, image)));
        guests.extend(guest.clone());
        trials_of(kernel, scenario, guest.as_ref())
    });
    trials.collect()
}

fn trials_of(
    kernel: &Kernel,
    scenario: &'static Scenario,
    guest: Option<&Arc<Guest>>,
) -> Vec<Trial> {
    let trial = |check: &'static Check| {
        let name = format!("linux_{}::{}", kernel.label(), check.name);
        match guest.map(Arc::clone) {
            Some(guest) => Trial::test(name, move || guest.passed(check.name, scenario.checks)),
            None => Trial::test(name, || Ok(())).with_ignored_flag(true),
        }
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

/// What a guest prints has a place of its own, but two runs at once would have the same: the second
/// one waits.
fn alone() -> io::Result<Flock<File>> {
    let file = File::create(folder().join("lock"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

fn folder() -> PathBuf {
    root().join("target/kernels")
}
