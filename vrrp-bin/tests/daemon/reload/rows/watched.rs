//! Where the daemon is watched over TCP.

use std::{fs, net::TcpListener};

use super::{since, waits};
use crate::{
    Daemon, Failed, Outcome,
    reload::router,
    watched::http::{METRICS, get},
};

/// Another address of the host, another port.
const OTHER: &str = "192.0.2.1:9113";
/// What somebody else has.
const TAKEN: &str = "192.0.2.1:9114";
/// An address of nobody here.
const ELSEWHERE: &str = "192.0.2.77:9112";

fn start(keys: &str) -> Result<Daemon, Failed> {
    Daemon::start_with(&router(""), |_| Ok(keys.to_owned()))
}

/// Puts `new` in the place of `old` in the file, and reloads: what is printed, or complained of.
fn change(daemon: &Daemon, old: &str, new: &str) -> Result<Result<String, String>, Failed> {
    let path = daemon.directory.path().join("vrrp.toml");
    let config = fs::read_to_string(&path)?;
    assert!(config.contains(old), "{config}");
    fs::write(&path, config.replace(old, new))?;
    let (status, printed, complaint) = daemon.reload()?;
    if status == Some(0) {
        return Ok(Ok(printed));
    }
    fs::write(&path, config)?;
    Ok(Err(complaint))
}

fn status(daemon: &Daemon, address: &str, path: &str) -> Option<u16> {
    get(daemon, address, path).ok().map(|answer| answer.status)
}

/// What moves moves, what cannot changes nothing, what is gone is closed.
fn moves(key: &str, path: &str) -> Outcome {
    let daemon = start(&format!("{key} = \"{METRICS}\"\n"))?;
    let begun = since(&daemon, "web")?;
    let answers = |address: &str| status(&daemon, address, path) == Some(200);
    waits(|| Ok(answers(METRICS)), |answers| *answers)?;
    let printed = change(&daemon, METRICS, OTHER)??;
    assert!(printed.contains(&format!("[daemon]: {key} {METRICS} -> {OTHER}")), "{printed}");
    waits(|| Ok((answers(OTHER), answers(METRICS))), |both| *both == (true, false))?;
    let _theirs = daemon.host.run(|| TcpListener::bind(TAKEN))??;
    for (address, why) in
        [(TAKEN, "address already in use"), (ELSEWHERE, "cannot assign requested")]
    {
        let complaint = change(&daemon, OTHER, address)?.err().ok_or("it is taken")?;
        let place =
            format!("vrrp.toml:11:{}: nothing can listen on {address}: {why}", key.len() + 4);
        assert!(complaint.contains(&place), "{complaint}");
        assert!(answers(OTHER), "the one before is closed");
    }
    let printed = change(&daemon, &format!("{key} = \"{OTHER}\"\n"), "")??;
    assert!(printed.contains(&format!("[daemon]: {key} {OTHER} -> none")), "{printed}");
    waits(|| Ok(answers(OTHER)), |answers| !answers)?;
    assert_eq!(since(&daemon, "web")?, begun);
    Ok(())
}

pub(super) fn metrics() -> Outcome {
    moves("metrics", "/healthz")
}

pub(super) fn probe() -> Outcome {
    moves("probe", "/web")
}

pub(super) fn keepalived_metrics() -> Outcome {
    let daemon = start(&format!("metrics = \"{METRICS}\"\nkeepalived_metrics = false\n"))?;
    let has = || {
        let answer = get(&daemon, METRICS, "/metrics")?;
        Ok::<_, Failed>(answer.body.contains("\nkeepalived_up 1\n"))
    };
    assert!(!has()?);
    change(&daemon, "keepalived_metrics = false", "keepalived_metrics = true")??;
    assert!(has()?, "the next scrape has them not");
    change(&daemon, "keepalived_metrics = true", "")??;
    assert!(!has()?);
    Ok(())
}
