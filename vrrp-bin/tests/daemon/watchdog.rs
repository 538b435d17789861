//! The watchdog of a service manager: the driver feeds it, and nobody else.

use std::{
    fs, io,
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        ptrace,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

use crate::{Daemon, Failed, Outcome, SOON, run, text};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of the watchdog.
pub(crate) const TESTS: [Test; 3] = [
    ("a_driver_that_hangs_feeds_no_watchdog", a_driver_that_hangs_feeds_none),
    ("tasks_that_hang_do_not_keep_the_watchdog_hungry", tasks_that_hang_do_not_matter),
    ("a_restart_goes_on_feeding_the_watchdog", a_restart_goes_on),
];

/// The time after which the manager would end the daemon.
const LIMIT: Duration = Duration::from_secs(2);

const FED: &str = "WATCHDOG=1";

/// A manager, and the daemon that it has started.
struct Managed {
    daemon: Daemon,
    manager: UnixDatagram,
}

impl Managed {
    fn start() -> Result<Self, Failed> {
        let mut daemon = Daemon::start()?;
        daemon.process.kill()?;
        let path = daemon.directory.path().join("manager.sock");
        let manager = UnixDatagram::bind(&path)?;
        let mut command = run(&daemon.directory);
        command.env("NOTIFY_SOCKET", &path);
        command.env("WATCHDOG_USEC", LIMIT.as_micros().to_string());
        daemon.process = daemon.host.spawn(command)?;
        Ok(Self { daemon, manager })
    }

    /// The next thing that the manager is told `within` a time, if there is one.
    fn told(&self, within: Duration) -> Result<Option<String>, Failed> {
        let mut buffer = [0; 256];
        self.manager.set_read_timeout(Some(within))?;
        match self.manager.recv(&mut buffer) {
            Ok(length) => Ok(Some(text(&buffer[..length]).trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it is told that the daemon serves, and what comes next is that it goes on.
    fn wait_until_fed(&self, times: usize) -> Outcome {
        let mut fed = 0;
        while fed < times {
            match self.told(SOON)?.as_deref() {
                Some(FED) => fed += 1,
                Some("READY=1") => {}
                Some(other) if other.starts_with("RELOADING=1") => {}
                other => return Err(format!("the manager is told {other:?}").into()),
            }
        }
        Ok(())
    }

    /// The threads of the daemon that have this name.
    fn threads(&self, name: &str) -> Result<Vec<Pid>, Failed> {
        let mut found = Vec::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.daemon.process.pid()))? {
            let path = entry?.path();
            // One may end meanwhile.
            let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
            if comm.trim() == name {
                let number = path.file_name().and_then(|number| number.to_str()?.parse().ok());
                found.push(Pid::from_raw(number.ok_or("a thread without a number")?));
            }
        }
        Ok(found)
    }
}

/// A thread of the daemon that does not get on, until this is dropped; the others do.
struct Stopped(Pid);

impl Stopped {
    fn new(thread: Pid) -> Result<Self, Failed> {
        ptrace::seize(thread, ptrace::Options::empty())?;
        let stopped = Self(thread);
        ptrace::interrupt(thread)?;
        waitpid(thread, Some(WaitPidFlag::__WALL))?;
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed.
        let _ = ptrace::detach(self.0, None);
    }
}

fn a_driver_that_hangs_feeds_none() -> Outcome {
    let managed = Managed::start()?;
    managed.wait_until_fed(3)?;
    let [driver] = managed.threads("vrrp-driver")?[..] else { return Err("no driver".into()) };
    let hanging = Stopped::new(driver)?;
    // What was said before the driver hung is still to be read.
    let mut late = 0;
    while managed.told(LIMIT)?.is_some() {
        late += 1;
        assert!(late <= 2, "the watchdog is fed, and the driver hangs");
    }
    drop(hanging);
    managed.wait_until_fed(2)
}

fn tasks_that_hang_do_not_matter() -> Outcome {
    let managed = Managed::start()?;
    managed.wait_until_fed(1)?;
    let workers = managed.threads("tokio-rt-worker")?;
    assert!(workers.len() >= 2, "there are {} workers", workers.len());
    let _hanging = workers.into_iter().map(Stopped::new).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    while begun.elapsed() < 2 * LIMIT {
        assert_eq!(managed.told(LIMIT)?.as_deref(), Some(FED));
    }
    Ok(())
}

fn a_restart_goes_on() -> Outcome {
    let managed = Managed::start()?;
    managed.wait_until_fed(1)?;
    managed.daemon.wait_until_it_serves()?;
    assert_eq!(managed.daemon.restart()?.0, Some(0));
    managed.wait_until_fed(5)
}
