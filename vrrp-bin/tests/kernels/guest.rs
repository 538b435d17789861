//! [`Guest`]: an emulated machine that plays one scenario.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Condvar, Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{packages::Kernel, report::Report, scenarios::Check};

/// None takes half as long on a machine that has time for it.
const LIMIT: Duration = Duration::from_secs(400);
/// How many there are at a time: emulation is all work.
const AT_A_TIME: usize = 2;
/// How often a failure is not believed because the guest stood still meanwhile.
const REPETITIONS: usize = 2;

/// How many lines of its console are printed when it fails: what it shows of two failures or more.
const TAIL: usize = 200;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

pub(crate) struct Guest {
    kernel: io::Result<PathBuf>,
    version: &'static str,
    image: PathBuf,
    scenario: &'static str,
    title: String,
    /// Of what it prints and tells.
    folder: PathBuf,
    /// It is booted by whoever asks first.
    report: OnceLock<Result<Report, String>>,
}

impl Guest {
    pub(crate) fn new(kernel: &Kernel, scenario: &'static str, image: &Path) -> Self {
        Self {
            kernel: kernel.file(),
            version: kernel.version,
            image: image.to_owned(),
            scenario,
            title: format!("Linux {}, {scenario}", kernel.version),
            folder: kernel.folder().join(scenario),
            report: OnceLock::new(),
        }
    }

    pub(crate) fn is_of(&self, version: &str, scenario: &str) -> bool {
        (self.version, self.scenario) == (version, scenario)
    }

    /// What it says that it runs, once it has been played.
    pub(crate) fn release(&self) -> Option<String> {
        self.report.get()?.as_ref().ok()?.release.clone()
    }

    /// What the table has in a row of this guest's. It is empty if nobody asked for the check.
    pub(crate) fn cell(&self, check: &str, checks: &[Check]) -> String {
        let Some(report) = self.report.get() else { return String::new() };
        let passed = report.as_ref().ok().filter(|report| report.outcome(check, checks).is_ok());
        let figures = passed.map(|report| report.figures_of(check));
        figures.map_or_else(
            || "**failed**".to_owned(),
            |text| if text.is_empty() { "as promised".to_owned() } else { text },
        )
    }

    /// What became of one of the checks that the scenario has.
    pub(crate) fn passed(&self, check: &str, checks: &[Check]) -> Result<(), Failed> {
        let report = self.report.get_or_init(|| self.play(checks));
        report.as_ref().map_err(Failed::from)?.outcome(check, checks)
    }

    /// Plays it, and prints what it measured, and the end of what it printed if something is wrong.
    fn play(&self, checks: &[Check]) -> Result<Report, String> {
        let _place = Place::take();
        let mut repetitions = 0;
        loop {
            let begun = Instant::now();
            let report = self.boot().map_err(|error| format!("{}: {error}", self.title))?;
            let failed = checks.iter().any(|check| report.outcome(check.name, checks).is_err());
            println!("{}: {} s", self.title, begun.elapsed().as_secs());
            if failed {
                println!("{}", self.end_of_console());
            }
            if !report.is_inconclusive() || repetitions == REPETITIONS {
                return Ok(report);
            }
            println!("{}: inconclusive, as the guest stood still; it is played again", self.title);
            repetitions += 1;
        }
    }

    fn end_of_console(&self) -> String {
        let file = self.folder.join("console");
        let text = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let end = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
        format!("the end of {}:\n{}", file.display(), end.join("\n"))
    }

    fn boot(&self) -> io::Result<Report> {
        let kernel = self.kernel.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        fs::create_dir_all(&self.folder)?;
        let told = self.folder.join("told");
        let mut child = self.command(kernel, &told)?.spawn()?;
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > LIMIT {
                end(&mut child)?;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let told = fs::read(told)?;
        Ok(Report::parse(&String::from_utf8_lossy(&told)))
    }

    /// Emulation in software: a virtual machine of the processor's own is not to be had everywhere.
    fn command(&self, kernel: &Path, told: &Path) -> io::Result<Command> {
        // It ends with who started it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nice", "qemu-system-x86_64"]);
        command.args(["-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "1", "-nodefaults"]);
        command.args(["-no-user-config", "-display", "none", "-no-reboot"]);
        for file in [self.folder.join("console"), told.to_owned()] {
            command.arg("-serial").arg(format!("file:{}", file.display()));
        }
        command.arg("-kernel").arg(kernel).arg("-initrd").arg(&self.image);
        // Without the last but one, a guest in twenty does not find its timer on a busy machine.
        let words =
            format!("console=ttyS0 loglevel=3 panic=1 no_timer_check scenario={}", self.scenario);
        command.arg("-append").arg(words).stdin(Stdio::null());
        let log = File::create(self.folder.join("qemu.log"))?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

fn end(child: &mut Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

/// One of the few places for guests.
struct Place;

impl Place {
    fn take() -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= AT_A_TIME {
            running = ENDED.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}
