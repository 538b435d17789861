//! Where keepalived was: its command line, its signals, its number in a file.

use std::{
    fs, io,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
};

use vrrp_net::lab::{Signal, wait_until};

use crate::{CONFIG, Daemon, Outcome, SOON, text, vrrp};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of what keepalived's users do.
pub(crate) const TESTS: [Test; 3] = [
    ("no_signal_of_keepalived_ends_it", no_signal_of_keepalived_ends_it),
    ("keepalived_s_command_line_runs_it", keepalived_s_command_line_runs_it),
    ("it_runs_under_the_name_of_keepalived", it_runs_under_the_name_of_keepalived),
];

/// What is sent, and a word of the answer.
const SIGNALS: [(&str, &str); 6] = [
    ("HUP", "event=reloaded"),
    ("USR1", "USR1: nothing is written"),
    ("USR2", "USR2: nothing is written"),
    ("36", "SIGRTMIN+2: nothing is written"),
    ("63", "SIGRTMAX-1: nothing is written"),
    ("64", "SIGRTMAX: there are no threads"),
];

const FILE: &str = "global_defs {
 router_id LVS_DEVEL
}
vrrp_instance VI_1 {
 state MASTER
 interface eth0
 virtual_router_id 51
 priority 101
 authentication {
  auth_type PASS
  auth_pass 1111
 }
 virtual_ipaddress {
  192.0.2.10/24
 }
}
";

fn no_signal_of_keepalived_ends_it() -> Outcome {
    let mut daemon = Daemon::start()?;
    let (before, files) = (daemon.status(&["web"])?, count(&daemon)?);
    for (signal, _) in SIGNALS {
        let sent = Command::new("kill").args(["-s", signal, &pid(&daemon)]).status()?;
        assert!(sent.success(), "{signal}");
    }
    let after = daemon.status(&["web"])?;
    assert_eq!((&before["phase"], &before["since"]), (&after["phase"], &after["since"]));
    assert_eq!(count(&daemon)?, files, "a file was written");
    let has_reloaded = || daemon.status(&[]).is_ok_and(|status| status["reload"]["done"] == true);
    assert!(wait_until(SOON, has_reloaded), "it does not read its configuration again");
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    for (_, words) in SIGNALS {
        assert!(log.contains(words), "no {words:?} in:\n{log}");
    }
    Ok(())
}

fn pid(daemon: &Daemon) -> String {
    daemon.process.pid().to_string()
}

fn count(daemon: &Daemon) -> io::Result<usize> {
    Ok(fs::read_dir(daemon.directory.path())?.count())
}

fn keepalived_s_command_line_runs_it() -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "-n", "-l", "-D", "-P", "--dump-conf", "-p", "vrrp.pid"]);
    takes_the_place(command)
}

fn it_runs_under_the_name_of_keepalived() -> Outcome {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("keepalived");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vrrp"), &program)?;
    let mut command = Command::new(program);
    command.args(["--dont-fork", "--log-console", "-RD", "--pid", "vrrp.pid"]);
    takes_the_place(command)
}

/// Runs this with a file of keepalived's, which has no name that says so.
fn takes_the_place(mut command: Command) -> Outcome {
    let mut daemon = Daemon::start_with(CONFIG, |_| Ok(String::new()))?;
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    fs::write(daemon.directory.path().join("file"), FILE)?;
    command.args(["-f", "file"]).current_dir(&daemon.directory).stderr(Stdio::piped());
    command.env("VRRP_CONTROL", daemon.control());
    let manager = daemon.directory.path().join("manager.sock");
    command.env("NOTIFY_SOCKET", &manager);
    let manager = UnixDatagram::bind(manager)?;
    manager.set_read_timeout(Some(SOON))?;
    daemon.process = daemon.host.spawn(command)?;
    daemon.wait_until_it_serves()?;
    assert_eq!(told(&manager)?, "READY=1");
    let shown = daemon.status(&["VI_1"])?;
    assert_eq!((&shown["vrid"], &shown["version"]), (&51.into(), &2.into()), "{shown}");
    let number = daemon.directory.path().join("vrrp.pid");
    assert_eq!(fs::read_to_string(&number)?.trim(), pid(&daemon));
    // The clients find it by the variable, too.
    let mut client = vrrp(&daemon.directory);
    client.arg("health").env("VRRP_CONTROL", daemon.control());
    let output = daemon.host.run(move || client.output())??;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    daemon.process.signal(Signal::SIGTERM)?;
    assert_eq!(told(&manager)?, "STOPPING=1");
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(wait_until(SOON, || !number.exists()), "the number is left behind");
    Ok(())
}

/// What a service manager was told.
fn told(manager: &UnixDatagram) -> io::Result<String> {
    let mut octets = [0; 64];
    let length = manager.recv(&mut octets)?;
    Ok(text(octets.get(..length).unwrap_or_default()).trim().to_owned())
}
