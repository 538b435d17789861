//! Scripts of the daemon: what they are told, and that none of them keeps it from ending.

use std::{fs, path::Path, time::Instant};

use libtest_mimic::Failed;
use vrrp_net::lab::{Signal, wait_until};

use crate::{Daemon, Outcome, SOON, slowly};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of scripts.
pub(crate) const TESTS: [Test; 6] = [
    ("a_script_is_told_every_state_until_the_end", a_script_is_told_every_state_until_the_end),
    ("scripts_of_the_daemon_are_told_of_all", scripts_of_the_daemon_are_told_of_all),
    ("a_script_that_hangs_does_not_keep_the_daemon", a_script_that_hangs_does_not_keep_the_daemon),
    (
        "what_comes_before_a_promotion_does_not_come_before_an_adoption",
        what_comes_before_a_promotion_does_not_come_before_an_adoption,
    ),
    ("what_is_missing_is_told_at_the_start", what_is_missing_is_told_at_the_start),
    ("a_file_where_the_fifo_should_be_is_an_error", a_file_where_the_fifo_should_be_is_an_error),
];

/// Writes what it is told into a file of its own working directory, that of the daemon.
const TELL: &str = r#"["/bin/sh", "-c", "echo \"$*|$VRRP_NAME $VRRP_KIND $VRRP_STATE $VRRP_PHASE $VRRP_PRIORITY $VRRP_ADDRESSES $VRRP_INTERFACE $VRRP_VRID $VRRP_FAMILY|$VRRP_SECRET_PASSWORD\" >> told", "notify"]"#;

fn config(more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"192.0.2.10/24\", \"192.0.2.11\"]\ninterval = \"100ms\"\npriority = 150\n{more}\n"
    )
}

fn lines(daemon: &Daemon, file: &str) -> Vec<String> {
    let text = fs::read_to_string(daemon.directory.path().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_for(daemon: &Daemon, file: &str, count: usize) -> Result<Vec<String>, Failed> {
    wait_until(SOON, || lines(daemon, file).len() >= count);
    let found = lines(daemon, file);
    if found.len() < count { Err(format!("{file}: {found:?}").into()) } else { Ok(found) }
}

fn a_script_is_told_every_state_until_the_end() -> Outcome {
    let more = format!("notify = {TELL}\nnotify_active = [\"/bin/sh\", \"-c\", \"echo $# >> up\"]");
    let mut daemon = Daemon::start_with(&config(&more), |_| Ok(String::new()))?;
    wait_for(&daemon, "told", 2)?;
    assert_eq!(wait_for(&daemon, "up", 1)?, ["0"]);
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert!(status.success(), "{log}");
    let rest = "150 192.0.2.10/24 192.0.2.11/32 eth0 51 ipv4|";
    let of =
        |words: &str, state: &str| format!("INSTANCE web {words} 150|web instance {state} {rest}");
    let expected =
        [of("BACKUP", "backup backup"), of("MASTER", "active held"), of("STOP", "stop initialize")];
    let told = lines(&daemon, "told");
    // Before the first state nothing is held, and after the last one nothing more is told.
    assert_eq!(told, expected, "{log}");
    assert!(!log.contains("event=not-told"), "{log}");
    Ok(())
}

fn scripts_of_the_daemon_are_told_of_all() -> Outcome {
    let more =
        |_: &_| Ok("notify = [\"/bin/sh\", \"-c\", \"echo $* >> all\", \"notify\"]\n".to_owned());
    let mut daemon =
        Daemon::start_with(&config("[[group]]\nname = \"all\"\nmembers = [\"web\"]"), more)?;
    wait_for(&daemon, "all", 4)?;
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    let told = lines(&daemon, "all");
    for of in ["INSTANCE web", "GROUP all"] {
        let states: Vec<&str> = told
            .iter()
            .filter_map(|line| line.strip_prefix(of)?.split_whitespace().next())
            .collect();
        assert_eq!(states, ["BACKUP", "MASTER", "STOP"], "{of}: {told:?}\n{log}");
    }
    Ok(())
}

fn a_script_that_hangs_does_not_keep_the_daemon() -> Outcome {
    let more = "notify_stop = [\"/bin/sh\", \"-c\", \"echo >> stopping; exec sleep 600\"]";
    let mut daemon = Daemon::start_with(&config(more), |_| Ok(String::new()))?;
    let before = Instant::now();
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert!(status.success() && before.elapsed().as_secs() >= 4, "{log}");
    assert!(log.contains("event=not-told") && log.contains("event=stopped"), "{log}");
    assert_eq!(lines(&daemon, "stopping").len(), 1, "{log}");

    let mut daemon = Daemon::start_with(&config(more), |_| Ok(String::new()))?;
    daemon.process.signal(Signal::SIGTERM)?;
    wait_for(&daemon, "stopping", 1)?;
    // Who asks for something now is answered when the node has ended, and scripts alone are left.
    let (status, _, complaint) = daemon.reload()?;
    assert_eq!(status, Some(1), "{complaint}");
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert!(status.success() && log.contains("leaving without waiting for scripts"), "{log}");
    Ok(())
}

fn what_comes_before_a_promotion_does_not_come_before_an_adoption() -> Outcome {
    let more = "before_active = [\"/bin/sh\", \"-c\", \"ip address show dev eth0 >> before\"]";
    let config = slowly(&config(more));
    let mut daemon = Daemon::start_with(&config, |_| Ok(String::new()))?;
    let seen = wait_for(&daemon, "before", 1)?.join("\n");
    assert!(seen.contains("192.0.2.1/24") && !seen.contains("192.0.2.10"), "{seen}");
    daemon.process.signal(Signal::SIGKILL)?;
    daemon.process.wait_timeout(SOON)?.ok_or("it did not end")?;
    let count = lines(&daemon, "before").len();
    daemon.process = daemon.host.spawn(crate::run(&daemon.directory))?;
    daemon.wait_until_it_serves()?;
    assert_eq!(daemon.status(&["web"])?["phase"], "adopted");
    assert_eq!(lines(&daemon, "before").len(), count);
    Ok(())
}

fn what_is_missing_is_told_at_the_start() -> Outcome {
    let more = "notify_backup = [\"/nonexistent/notify\"]";
    let mut daemon = Daemon::start_with(&config(more), |_| Ok(String::new()))?;
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    let told = log.matches("event=unusable-program").count();
    assert!(
        status.success() && told == 1 && log.contains("/nonexistent/notify cannot be run"),
        "{log}"
    );
    Ok(())
}

fn a_file_where_the_fifo_should_be_is_an_error() -> Outcome {
    let file = |directory: &tempfile::TempDir| {
        let path = directory.path().join("events");
        fs::write(&path, "mine")?;
        Ok(format!("notify_fifo = \"{}\"\n", path.display()))
    };
    let mut daemon = Daemon::launch(&config(""), file)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("is there and is no FIFO"), "{log}");
    let events: &Path = &daemon.directory.path().join("events");
    assert_eq!(fs::read_to_string(events)?, "mine");
    Ok(())
}
