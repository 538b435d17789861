//! What a reload makes of checks.

use std::{fs, path::Path};

use serde_json::Value;
use vrrp_net::lab::wait_until;

use super::{becomes, router, second, since, waits};
use crate::{Daemon, Failed, Outcome, SOON};

/// One that has no result while the test runs.
const HANGS: &str =
    "command = [\"/bin/sh\", \"-c\", \"echo $$ > pid; exec sleep 1000\"]\ntimeout = \"1h\"";

fn check(looks: &str) -> String {
    format!("[[check]]\nname = \"it\"\ninterval = \"50ms\"\n{looks}\n")
}

fn start(config: &str) -> Result<Daemon, Failed> {
    Daemon::start_with(config, |_| Ok(String::new()))
}

/// Waits until the check is in this state.
fn is(daemon: &Daemon, state: &str) -> Result<Value, Failed> {
    let first = || Ok(daemon.status(&[])?["checks"][0].clone());
    waits(first, |check: &Value| check["state"] == state)
}

pub(super) fn track_and_last() -> Outcome {
    let bad = check("file = \"/no/such/file\"");
    let daemon = start(&(router("") + &bad))?;
    is(&daemon, "bad")?;
    let begun = since(&daemon, "web")?;
    let track = "track = [{ check = \"it\", weight = -50 }]";
    daemon.becomes(&(router(track) + &bad))?;
    becomes(&daemon, "web", "effective_priority", 50)?;
    assert_eq!(since(&daemon, "web")?, begun);
    daemon.becomes(&(router("track = [\"it\"]") + &bad))?;
    becomes(&daemon, "web", "condition", "ill")?;
    // Nobody relieves it.
    becomes(&daemon, "web", "phase", "held")?;
    daemon.becomes(&(router("track = [\"it\"]\nlast = \"leave\"") + &bad))?;
    becomes(&daemon, "web", "hold", "check")?;
    daemon.becomes(&(router("") + &bad))?;
    becomes(&daemon, "web", "phase", "held")
}

/// Good to one that is there, unknown to one that starts with it.
pub(super) fn new() -> Outcome {
    let daemon = start(&router(""))?;
    let begun = since(&daemon, "web")?;
    let track = "track = [\"it\"]";
    daemon.becomes(&(router(track) + &second(track) + &check(HANGS)))?;
    assert_eq!(is(&daemon, "unknown")?["runs"], 0);
    becomes(&daemon, "db", "gates", vec!["check-unknown"])?;
    let status = daemon.status(&["web"])?;
    assert_eq!((&status["phase"], &status["since"]), (&"held".into(), &begun), "{status}");
    assert_eq!(status["condition"], "good");
    Ok(())
}

/// What is known of the old one holds until the new one has a result.
pub(super) fn another() -> Outcome {
    for (state, file) in [("good", "/"), ("bad", "/no/such/file")] {
        let track = router("track = [{ check = \"it\", weight = -50 }]");
        let daemon = start(&(track.clone() + &check(&format!("file = \"{file}\""))))?;
        is(&daemon, state)?;
        daemon.becomes(&(track.clone() + &check(HANGS)))?;
        let known = is(&daemon, state)?;
        assert_eq!(known["runs"], 0, "{known}");
        let other = if state == "good" { "bad" } else { "good" };
        let file = if state == "good" { "/no/such/file" } else { "/" };
        daemon.becomes(&(track + &check(&format!("file = \"{file}\""))))?;
        is(&daemon, other)?;
    }
    Ok(())
}

pub(super) fn gone() -> Outcome {
    let daemon = start(&(router("") + &check(HANGS)))?;
    let file = daemon.directory.path().join("pid");
    let pid = || Ok(fs::read_to_string(&file).unwrap_or_default().trim().to_owned());
    let pid = waits(pid, |pid: &String| !pid.is_empty())?;
    let process = Path::new("/proc").join(pid);
    assert!(process.exists(), "{} is not there", process.display());
    assert_eq!(daemon.becomes(&router(""))?, ["check it: removed"]);
    assert!(wait_until(SOON, || !process.exists()), "{} goes on", process.display());
    assert_eq!(daemon.status(&[])?["checks"], serde_json::json!([]));
    Ok(())
}
