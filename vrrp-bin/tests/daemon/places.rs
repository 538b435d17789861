//! Where the daemon works: on an interface that it chooses, and in a network namespace that it
//! enters.

use std::process::{Command, Stdio};

use serde_json::Value;
use vrrp_net::lab::{Cable, Host, Signal, Switch};

use crate::{CONFIG, Daemon, Outcome, run, text, vrrp};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of places.
pub(crate) const TESTS: [Test; 4] = [
    ("the_interface_that_suits_is_chosen", the_interface_that_suits_is_chosen),
    ("no_interface_is_chosen_where_none_suits", no_interface_is_chosen_where_none_suits),
    ("the_daemon_works_in_the_namespace_of_a_name", the_daemon_works_in_the_namespace_of_a_name),
    ("a_namespace_that_is_not_there_is_an_error", a_namespace_that_is_not_there_is_an_error),
];

fn the_interface_that_suits_is_chosen() -> Outcome {
    let config = CONFIG.replace("eth0", "auto");
    let mut daemon = Daemon::start_with(&config, |_| Ok(String::new()))?;
    assert_eq!(daemon.status(&["web"])?["interface"], "eth0");
    let check = daemon.vrrp(&["check", "-c", "vrrp.toml", "--format", "toml"])?;
    assert!(text(&check.stdout).contains("interface = \"eth0\""), "{}", text(&check.stdout));
    let chosen = "vrrp.toml:4:13: note: the interface is eth0, whose network 192.0.2.0/24 holds \
        192.0.2.10\n";
    assert!(text(&check.stderr).contains(chosen), "{}", text(&check.stderr));
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    assert!(log.contains("event=interface-chosen"), "{log}");
    Ok(())
}

fn no_interface_is_chosen_where_none_suits() -> Outcome {
    let config = CONFIG.replace("eth0", "auto").replace("192.0.2.10", "203.0.113.10");
    let mut daemon = Daemon::start_alone(&config)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(2), "{log}");
    let expected = "vrrp.toml:4:13: interface = \"auto\" names no interface: 203.0.113.10 is in no \
        network of eth0 (192.0.2.0/24), and there are no peers to look for; name one";
    assert!(log.contains(expected), "{log}");
    let check = daemon.vrrp(&["check", "-c", "vrrp.toml"])?;
    assert_eq!((check.status.code(), text(&check.stderr)), (Some(2), format!("{expected}\n")));
    Ok(())
}

/// The namespace has its name in a mount namespace of the test, since the names of the host are
/// nobody's to change.
fn the_daemon_works_in_the_namespace_of_a_name() -> Outcome {
    let (switch, inside, outside) = (Switch::new()?, Host::new("inside")?, Host::new("outside")?);
    let cable = Cable::new(&inside, "eth0", &switch, &["192.0.2.1/24"])?;
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let keeper = inside.spawn(sleep)?;
    let directory = tempfile::tempdir()?;
    let control = directory.path().join("run/control.sock");
    let config =
        format!("{CONFIG}[daemon]\ncontrol = \"{}\"\nnetns = \"blue\"\n", control.display());
    std::fs::write(directory.path().join("vrrp.toml"), config)?;
    let script = format!(
        "mount -t tmpfs none /run && mkdir /run/netns && touch /run/netns/blue && mount --bind \
         /proc/{}/ns/net /run/netns/blue && exec \"$@\"",
        keeper.pid()
    );
    let named = |command: Command| {
        let mut named = Command::new("unshare");
        named.args(["--mount", "sh", "-e", "-c", &script, "sh"]).arg(command.get_program());
        named.args(command.get_args()).current_dir(directory.path()).stderr(Stdio::piped());
        named
    };
    let mut check = vrrp(&directory);
    check.args(["check", "-c", "vrrp.toml"]);
    let mut check = named(check);
    let checked = outside.run(move || check.output())??;
    let said = text(&checked.stderr);
    // Outside there is no such interface.
    assert!(checked.status.code() != Some(2) && !said.contains("no interface"), "{said}");
    let process = outside.spawn(named(run(&directory)))?;
    let mut daemon = Daemon { host: outside, switch, cable, directory, process };
    daemon.wait_until_it_serves()?;
    let addresses = |host: &Host| -> Result<String, libtest_mimic::Failed> {
        let output = host.run(|| Command::new("ip").args(["address", "show"]).output())??;
        Ok(text(&output.stdout))
    };
    let (within, without) = (addresses(&inside)?, addresses(&daemon.host)?);
    assert!(within.contains("192.0.2.10") && !without.contains("192.0.2.10"), "{within}{without}");
    assert_eq!(daemon.status(&["web"])?["phase"], Value::from("held"));
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert!(status.success(), "{log}");
    drop(keeper);
    Ok(())
}

fn a_namespace_that_is_not_there_is_an_error() -> Outcome {
    let mut daemon = Daemon::launch(CONFIG, |_| Ok("netns = \"vrrp-nowhere\"\n".to_owned()))?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(2), "{log}");
    let expected = "vrrp.toml:10:9: there is no network namespace vrrp-nowhere on this host; ";
    assert!(log.contains(expected) && !daemon.control().exists(), "{log}");
    let check = daemon.vrrp(&["check", "-c", "vrrp.toml"])?;
    let said = text(&check.stderr);
    assert!(check.status.code() == Some(3) && said.contains("vrrp.toml:10:9: warning: "), "{said}");
    Ok(())
}
