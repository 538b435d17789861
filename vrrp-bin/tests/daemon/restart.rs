//! `vrrp restart`: another program in the place of the one that runs.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixDatagram},
    process::{Command, Stdio},
};

use vrrp_net::lab::{Signal, Watch, wait_until};

use crate::{CONFIG, Daemon, Failed, Outcome, SOON, slowly, text};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of restarts.
pub(crate) const TESTS: [Test; 5] = [
    ("a_restart_keeps_process_and_addresses", it_keeps_process_and_addresses),
    ("a_restart_that_is_refused_changes_nothing", what_is_refused_changes_nothing),
    ("a_restart_loses_no_drain", it_loses_no_drain),
    ("a_restart_leaves_no_program_behind", it_leaves_no_program_behind),
    ("a_restart_is_told_to_the_manager", it_is_told_to_the_manager),
];

impl Daemon {
    /// `vrrp restart`: its exit status, what it printed, and what it complained of.
    pub(crate) fn restart(&self) -> Result<(Option<i32>, String, String), Failed> {
        let control = self.control().display().to_string();
        let output = self.vrrp(&["restart", "--control", &control])?;
        Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
    }

    /// Starts the daemon anew, by a link in its directory.
    fn start_by_link(&mut self) -> Result<(), Failed> {
        self.process.kill()?;
        let link = self.directory.path().join("vrrp");
        symlink(env!("CARGO_BIN_EXE_vrrp"), &link)?;
        let mut command = Command::new(link);
        command.current_dir(&self.directory).args(["run", "-c", "vrrp.toml"]);
        command.stderr(Stdio::piped());
        self.process = self.host.spawn(command)?;
        self.wait_until_it_serves()
    }
}

fn it_keeps_process_and_addresses() -> Outcome {
    // Without a lifetime, too.
    let lasting = "[[virtual_router]]\nname = \"lasting\"\ninterface = \"eth0\"\nvrid = 52\n\
        addresses = [\"192.0.2.11/24\"]\ninterval = \"100ms\"\nlease = false\n";
    let config = slowly(&format!("{CONFIG}{lasting}"));
    let mut daemon = Daemon::start_with(&config, |_| Ok(String::new()))?;
    let mut watches = Vec::new();
    for address in ["192.0.2.10", "192.0.2.11", "2001:db8::10"] {
        watches.push(Watch::start(&daemon.host, address.parse()?)?);
    }
    for _ in 0..3 {
        let (status, printed, complaint) = daemon.restart()?;
        assert_eq!((status, complaint.as_str()), (Some(0), ""));
        let version = env!("CARGO_PKG_VERSION");
        let expected =
            format!("vrrp {version} runs in the place of {version}; 3 virtual routers go on\n");
        assert_eq!(printed, expected);
        daemon.wait_until_it_serves()?;
        for name in ["web", "web/v6", "lasting"] {
            let router = daemon.status(&[name])?;
            assert_eq!(router["phase"], "adopted", "{router:#}");
        }
    }
    for watch in watches {
        let held = watch.held();
        assert_eq!(held.len(), 1, "an address went: {held:?}");
    }
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log.matches("event=started").count(), 4, "{log}");
    assert_eq!(log.matches("event=restarting").count(), 3, "{log}");
    assert_eq!(log.matches("to=acquiring").count(), 3, "{log}");
    Ok(())
}

/// One sentence for each reason, and everything goes on.
fn what_is_refused_changes_nothing() -> Outcome {
    let mut daemon = Daemon::start()?;
    daemon.start_by_link()?;
    let since = daemon.status(&["web"])?["since"].clone();
    let refused = |expected: &str| -> Outcome {
        let (status, printed, complaint) = daemon.restart()?;
        assert_eq!((status, printed.as_str()), (Some(1), ""), "{complaint}");
        assert!(complaint.contains(expected), "{complaint:?} is not about {expected:?}");
        assert!(complaint.ends_with("\nthe daemon goes on as before\n"), "{complaint}");
        // The file that names the socket may be what is refused.
        assert_eq!(daemon.still("web")?["since"], since);
        Ok(())
    };
    let config = daemon.directory.path().join("vrrp.toml");
    let whole = fs::read_to_string(&config)?;
    fs::write(&config, whole.replace("vrid = 51", "vrid = 256"))?;
    refused("vrrp.toml:5:8: ")?;
    fs::write(&config, whole)?;
    let link = daemon.directory.path().join("vrrp");
    fs::remove_file(&link)?;
    refused("No such file or directory")?;
    fs::write(&link, "no program")?;
    refused("Permission denied")?;
    fs::remove_file(&link)?;
    symlink("/bin/false", &link)?;
    refused("cannot take over (exit status: 1)")?;
    fs::remove_file(&link)?;
    symlink(env!("CARGO_BIN_EXE_vrrp"), &link)?;
    assert_eq!(daemon.restart()?.0, Some(0));
    Ok(())
}

fn it_loses_no_drain() -> Outcome {
    let state = |directory: &tempfile::TempDir| Ok(format!("state = {:?}\n", directory.path()));
    let daemon = Daemon::start_with(CONFIG, state)?;
    let control = daemon.control().display().to_string();
    let drain = |more: &[&str]| -> Outcome {
        let output =
            daemon.vrrp(&[&["drain", "web", "--force", "--control", &control], more].concat())?;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        Ok(())
    };
    drain(&[])?;
    let (status, _, complaint) = daemon.restart()?;
    assert_eq!(status, Some(1));
    assert!(complaint.contains("`vrrp drain web --keep`"), "{complaint}");
    drain(&["--keep"])?;
    let (status, _, complaint) = daemon.restart()?;
    assert_eq!(status, Some(0), "{complaint}");
    assert_eq!(daemon.status(&["web"])?["hold"], "drained");
    Ok(())
}

/// The program of a check that hangs, for one.
fn it_leaves_no_program_behind() -> Outcome {
    let check = "[[check]]\nname = \"slow\"\ncommand = [\"/bin/sleep\", \"60\"]\ninterval = \"50s\"\n\
        timeout = \"40s\"\n";
    let config = slowly(CONFIG).replace("vrid = 51", "vrid = 51\ntrack = [\"slow\"]") + check;
    let daemon = Daemon::start_with(&config, |_| Ok(String::new()))?;
    let pid = daemon.process.pid();
    let one = |other: &[u32]| {
        let mut children = Vec::new();
        let is_one = wait_until(SOON, || {
            children = children_of(pid);
            children.len() == 1 && !other.contains(&children[0])
        });
        let stat = |child: &u32| fs::read_to_string(format!("/proc/{child}/stat"));
        let stats = || children.iter().map(stat).collect::<Vec<_>>();
        if is_one { Ok(children) } else { Err(format!("there are {:?}", stats())) }
    };
    let before = one(&[])?;
    assert_eq!(daemon.restart()?.0, Some(0));
    assert_eq!(daemon.process.pid(), pid);
    one(&before)?;
    daemon.wait_until_it_serves()?;
    assert_eq!(daemon.status(&["web"])?["phase"], "adopted");
    Ok(())
}

fn children_of(pid: u32) -> Vec<u32> {
    let of = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        (parent == pid.to_string()).then(|| entry.file_name().to_str()?.parse().ok())?
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(of).collect()
}

fn it_is_told_to_the_manager() -> Outcome {
    let mut daemon = Daemon::start()?;
    daemon.process.kill()?;
    let path = daemon.directory.path().join("manager.sock");
    let manager = UnixDatagram::bind(&path)?;
    manager.set_read_timeout(Some(SOON))?;
    let mut command = crate::run(&daemon.directory);
    command.env("NOTIFY_SOCKET", &path);
    daemon.process = daemon.host.spawn(command)?;
    let told = || -> Result<String, Failed> {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer)?;
        Ok(text(&buffer[..length]))
    };
    assert_eq!(told()?.trim(), "READY=1");
    // A restart comes at no moment in which the addresses are being put.
    daemon.wait_until_it_serves()?;
    assert_eq!(daemon.restart()?.0, Some(0));
    let reloading = told()?;
    assert!(reloading.contains("RELOADING=1\n"), "{reloading}");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(told()?.trim(), "READY=1");
    Ok(())
}
