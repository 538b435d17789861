//! `vrrp health`: one answer for whoever supervises the daemon.

use vrrp_core::Hold;

use crate::{
    cli,
    control::client,
    output::say,
    report::{Check, Status, VirtualRouter},
    status::overview::active_or_backup,
};

/// Runs `vrrp health` and returns the exit status.
///
/// A fault at this moment counts, a drained virtual router and a check that fails do not: how often in a row it may be
/// there is the supervisor's choice (`--retries` of HEALTHCHECK). Nodes that disagree with this one
/// are named, a line for each, and count if the supervisor is strict: to restart this node mends
/// nothing there.
pub(crate) fn main(arguments: &cli::Health) -> u8 {
    let (text, well) = match client::ask(&arguments.control) {
        Ok(status) => answer(&status, arguments.strict),
        Err(error) => (error.to_string(), false),
    };
    say(&text);
    if well { cli::OK } else { cli::FAILED }
}

/// What is said, and whether all is well.
pub(crate) fn answer(status: &Status, strict: bool) -> (String, bool) {
    let (mut text, mut well) = match judge(status) {
        Ok(text) => (text, true),
        Err(text) => (text, false),
    };
    for router in &status.virtual_routers {
        for disagreement in &router.notices {
            text += &format!("\n{}: {}", router.name, disagreement.sentence);
            well &= !strict;
        }
    }
    (text, well)
}

/// One line: that all is well, or what is not.
fn judge(status: &Status) -> Result<String, String> {
    let faults: Vec<String> =
        status.virtual_routers.iter().filter(|router| router.fault).map(describe).collect();
    if faults.is_empty() {
        let line = |router: &VirtualRouter| {
            format!("{} is {}{}", router.name, state(router), ill(status, &router.name))
        };
        let states: Vec<String> = status.virtual_routers.iter().map(line).collect();
        return Ok(states.join(", "));
    }
    Err(faults.join("; "))
}

/// What a virtual router without a fault does, or what keeps it out.
fn state(router: &VirtualRouter) -> String {
    match (router.drained(), &router.hold) {
        (Some(drained), _) => drained,
        (None, Some(hold)) => format!("{} ({hold})", router.state),
        (None, None) => active_or_backup(router),
    }
}

/// Which checks of the virtual router `name` fail, and why; nothing if none does.
fn ill(status: &Status, name: &str) -> String {
    let tracked = |check: &&Check| check.virtual_routers.iter().any(|router| router == name);
    let bad = status.checks.iter().filter(|check| check.is_bad()).filter(tracked);
    bad.map(|check| {
        let text = check.text.as_deref().unwrap_or("there is no result yet");
        format!("; {name}: its check {} fails: {text}", check.name)
    })
    .collect()
}

fn describe(router: &VirtualRouter) -> String {
    let VirtualRouter { name, interface, since, .. } = router;
    let hold = router.hold.as_deref().unwrap_or("a fault");
    let waits = (hold == Hold::OtherInterface.as_str())
        .then(|| format!("{}: missing, or down", router.unready.join(", ")));
    let error = [&router.socket_error, &router.backend_error].into_iter().flatten().next();
    let detail =
        waits.or_else(|| error.cloned()).map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!(
        "{name} on {interface} has not taken part since {since}: {hold}{detail}; see `vrrp status`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Disagreement, Lateness, SCHEMA};

    fn status(notices: Vec<Disagreement>, fault: bool) -> Status {
        let router = VirtualRouter {
            name: "web".to_owned(),
            interface: "eth0".to_owned(),
            state: if fault { "initialize" } else { "active" }.to_owned(),
            phase: if fault { "initialize" } else { "held" }.to_owned(),
            hold: fault.then(|| "link-down".to_owned()),
            fault,
            since: "2026-01-01T00:00:00.000Z".to_owned(),
            notices,
            ..VirtualRouter::default()
        };
        Status {
            schema: SCHEMA,
            version: "0".to_owned(),
            virtual_routers: vec![router],
            ports: Vec::new(),
            lateness: Lateness::default(),
            leftovers: Vec::new(),
            checks: Vec::new(),
            reload: None,
        }
    }

    fn disagreement() -> Disagreement {
        Disagreement {
            notice: "refused".to_owned(),
            reason: Some("wrong-ttl".to_owned()),
            address: "192.0.2.2".parse().unwrap(),
            priority: None,
            seconds_ago: 0.5,
            messages: 7,
            sentence: "192.0.2.2: its messages are refused".to_owned(),
            detail: None,
            line: String::new(),
        }
    }

    #[test]
    fn a_node_that_disagrees_is_named_and_counts_only_if_strict() {
        let text = "web is active\nweb: 192.0.2.2: its messages are refused".to_owned();
        let disagrees = status(vec![disagreement()], false);
        assert_eq!(answer(&disagrees, false), (text.clone(), true));
        assert_eq!(answer(&disagrees, true), (text, false));
        let agrees = status(Vec::new(), false);
        assert_eq!(answer(&agrees, true), ("web is active".to_owned(), true));
    }

    #[test]
    fn the_interface_that_is_waited_for_is_named() {
        let mut status = status(Vec::new(), true);
        for router in &mut status.virtual_routers {
            router.hold = Some("other-interface".to_owned());
            router.unready = vec!["eth1".to_owned(), "lo".to_owned()];
        }
        let (text, well) = answer(&status, false);
        assert!(text.contains(": other-interface (eth1, lo: missing, or down); see"), "{text}");
        assert!(!well);
    }

    #[test]
    fn a_check_that_fails_is_said_and_does_not_count() {
        let mut status = status(Vec::new(), false);
        let check = |name: &str, state: &str, virtual_routers: &[&str]| Check {
            name: name.to_owned(),
            description: "127.0.0.1:80 accepts a connection".to_owned(),
            state: state.to_owned(),
            since: "2026-01-01T00:00:00.000Z".to_owned(),
            runs_now: true,
            outcome: Some("failed".to_owned()),
            text: Some("127.0.0.1:80: connection refused".to_owned()),
            last_run: None,
            took_seconds: 0.001,
            runs: 9,
            failures: 3,
            not_run: 0,
            virtual_routers: virtual_routers.iter().map(|name| (*name).to_owned()).collect(),
        };
        status.checks = vec![check("good", "good", &["web"]), check("other", "bad", &["db"])];
        assert_eq!(answer(&status, true), ("web is active".to_owned(), true));
        status.checks.push(check("tcp-ok", "bad", &["db", "web"]));
        let text = "web is active; web: its check tcp-ok fails: 127.0.0.1:80: connection refused";
        assert_eq!(answer(&status, true), (text.to_owned(), true));
    }

    #[test]
    fn a_drained_virtual_router_is_well_and_says_so() {
        let said = |until: Option<&str>, kept| {
            let mut status = status(Vec::new(), false);
            let router = status.virtual_routers.first_mut().unwrap();
            router.phase = "initialize".to_owned();
            router.hold = Some("drained".to_owned());
            router.drained_until = until.map(str::to_owned);
            router.drain_kept = kept;
            answer(&status, true)
        };
        assert_eq!(said(None, false), ("web is drained".to_owned(), true));
        let until = "2026-01-31T12:00:00.250Z";
        assert_eq!(
            said(Some(until), true),
            ("web is drained until 2026-01-31T12:00:00Z, over restarts too".to_owned(), true)
        );
    }

    #[test]
    fn what_a_virtual_router_does_is_said_as_in_the_status() {
        let said = |state: &str, phase: &str, hold: Option<&str>| {
            let mut status = status(Vec::new(), false);
            let router = status.virtual_routers.first_mut().unwrap();
            (router.state, router.phase) = (state.to_owned(), phase.to_owned());
            router.hold = hold.map(str::to_owned);
            answer(&status, true)
        };
        assert_eq!(said("backup", "backup", None), ("web is backup".to_owned(), true));
        let text = "web is active (resigning)".to_owned();
        assert_eq!(said("active", "resigning", None), (text, true));
        let text = "web is initialize (group)".to_owned();
        assert_eq!(said("initialize", "initialize", Some("group")), (text, true));
    }

    #[test]
    fn a_fault_counts_and_hides_no_disagreement() {
        let (text, well) = answer(&status(vec![disagreement()], true), false);
        assert!(!well);
        assert!(
            text.starts_with("web on eth0 has not taken part") && text.lines().count() == 2,
            "{text}"
        );
    }
}
