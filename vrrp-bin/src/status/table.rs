//! The status as people read it.

use vrrp_core::Hold;

use super::{
    checks,
    columns::{align, since},
};
use crate::report::{
    Disagreement, LeftBehind, PeerHeard, PeerRefused, Placed, Port, Status, VirtualRouter,
};

const HEADER: [&str; 8] =
    ["NAME", "STATE", "PHASE", "SINCE", "PRIORITY", "LEASE", "ADDRESSES", "ACTIVE-PEER"];

/// All virtual routers, and what belongs to none.
pub(super) fn status(status: &Status) -> String {
    if status.virtual_routers.is_empty() {
        return "no virtual routers\n".to_owned();
    }
    let mut text = routers(&status.virtual_routers) + &checks::table(&status.checks);
    for port in &status.ports {
        text += &unattributed(port);
    }
    for LeftBehind { interface, address } in &status.leftovers {
        text += &format!(
            "\nleft over: {address} on {interface} belongs to no virtual router any more; remove \
             it with `ip address del {address} dev {interface}`\n"
        );
    }
    text
}

/// A table with a line for each virtual router, and below it what there is to say of each.
pub(super) fn routers(routers: &[VirtualRouter]) -> String {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(routers.iter().map(row));
    let mut text = align(&rows);
    for router in routers {
        text += &details(router);
    }
    text
}

fn row(router: &VirtualRouter) -> [String; 8] {
    let phase = match &router.hold {
        Some(hold) => hold.clone(),
        None => router.phase.clone(),
    };
    let addresses =
        if router.addresses_held.is_empty() { &router.addresses } else { &router.addresses_held };
    let more = addresses.len().saturating_sub(1);
    let first = addresses.first().map_or("-", String::as_str);
    [
        router.name.clone(),
        router.state.clone(),
        match router.condition.as_str() {
            "good" => phase,
            condition => format!("{phase}, {condition}"),
        },
        since(&router.since),
        router.effective_priority.to_string(),
        router.lease_seconds.map_or_else(|| "-".to_owned(), |lease| format!("{lease:.1}s")),
        if more == 0 { first.to_owned() } else { format!("{first} (+{more})") },
        router.active_peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string()),
    ]
}

fn details(router: &VirtualRouter) -> String {
    let VirtualRouter { name, version, vrid, interface, state, since, .. } = router;
    let family = if router.family == "ipv6" { "IPv6" } else { "IPv4" };
    let reason = reason(router);
    let mut text = format!(
        "\n{name}: VRRPv{version} for {family}, VRID {vrid} on {interface}; {state} since {since} \
         ({reason})\n"
    );
    let mut line = |label: &str, rest: String| text += &format!("  {label:<9} {rest}\n");
    condition(router).into_iter().for_each(|(label, rest)| line(label, rest));
    for peer in &router.peers_heard {
        line("heard", heard(peer));
    }
    for peer in &router.peers_refused {
        line("refused", refused(peer));
    }
    let counters =
        counts(router.counters.counted.iter().map(|(name, count)| (name.as_str(), *count)));
    if !counters.is_empty() {
        line("counted", counters);
    }
    let rejected =
        counts(router.counters.rejected.iter().map(|(reason, count)| (reason.as_str(), *count)));
    if !rejected.is_empty() {
        line("rejected", rejected);
    }
    text
}

/// What it holds, what keeps it from taking part, and who disagrees with it.
fn condition(router: &VirtualRouter) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    lines.extend(addresses(router));
    if let Some(hold) = &router.hold {
        let fault = if router.fault { " (a fault)" } else { "" };
        lines.push(("hold", format!("{hold}{fault}")));
    }
    if !router.unready.is_empty() {
        lines.push(("waits for", format!("{} (missing or down)", router.unready.join(", "))));
    }
    if let Some(drained) = router.drained() {
        lines.push(("drain", format!("{drained}; `vrrp resume {}` ends that", router.name)));
    }
    lines.extend(group(router));
    lines.extend(service(&router.condition).map(|sentence| ("service", sentence.to_owned())));
    if router.weight != 0 {
        lines
            .push(("weight", format!("{:+}, which its checks add to the priority", router.weight)));
    }
    lines.extend(router.backend_error.iter().map(|error| ("backend", error.clone())));
    lines.extend(router.socket_error.iter().map(|error| ("socket", error.clone())));
    if let Some(probation) = router.probation_seconds {
        let rest =
            format!("will not preempt for another {probation:.0} s, after a fault of its own");
        lines.push(("probation", rest));
    }
    if let Some(waits) = router.waits_seconds {
        let rest = format!("{waits:.2} s more for its link and its address, and still serves");
        lines.push(("waits", rest));
    }
    let notices = router.notices.iter();
    lines.extend(notices.map(|Disagreement { sentence, .. }| ("notice", sentence.clone())));
    lines
}

/// Its addresses and routes, and what of them it holds.
fn addresses(router: &VirtualRouter) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let placed = router.placed.iter().map(|placed| on(router, placed));
    let all: Vec<String> =
        if router.placed.is_empty() { router.addresses.clone() } else { placed.collect() };
    if all.len() > 1 || all != router.addresses {
        lines.push(("addresses", all.join(", ")));
    }
    let mut rest = router.placed.iter();
    // What is held is in the order of all.
    let held = router.addresses_held.iter().map(|held| {
        let placed = rest.find(|placed| placed.address == *held);
        placed.map_or_else(|| held.clone(), |placed| on(router, placed))
    });
    let held: Vec<String> = held.collect();
    if !held.is_empty() {
        lines.push(("held", held.join(", ")));
    }
    if !router.routes.is_empty() {
        let when = if held.is_empty() { " (while addresses are held)" } else { "" };
        lines.push(("routes", format!("{}{when}", router.routes.join(", "))));
    }
    lines
}

/// An address, and what is not as with most.
fn on(router: &VirtualRouter, placed: &Placed) -> String {
    let Placed { address, interface, label, advertised, .. } = placed;
    let mut text = address.clone();
    if *interface != router.interface {
        text += &format!(" on {interface}");
    }
    if let Some(label) = label {
        text += &format!(" label {label}");
    }
    if !advertised {
        text += " (not advertised)";
    }
    text
}

/// Its group, and the member because of which it does not take part, or waits.
fn group(router: &VirtualRouter) -> Vec<(&'static str, String)> {
    let Some(name) = &router.group else { return Vec::new() };
    let policy = router.group_policy.as_deref().unwrap_or("-");
    let first = if router.group_first { "; this is its first member" } else { "" };
    // Names may be long: each has a line of its own.
    let mut lines = vec![("group", name.clone()), ("policy", format!("{policy}{first}"))];
    if let Some(cause) = &router.group_cause {
        let is_held = router.holds.iter().any(|hold| hold == Hold::Group.as_str());
        lines.push((if is_held { "held by" } else { "waits for" }, cause.clone()));
    }
    lines
}

/// What checks say of its service, unless that is good.
fn service(condition: &str) -> Option<&'static str> {
    match condition {
        "unknown" => Some("not known yet; until it is, this node takes no address from another"),
        "unproven" => Some("not known yet; until it is good, this node does not become active"),
        "ill" => Some("a check fails; this node serves only where no healthy one does"),
        "out" => Some("a check fails; this node serves nothing until it passes"),
        _ => None,
    }
}

fn heard(peer: &PeerHeard) -> String {
    let what = match peer.priority {
        0 => "resigned".to_owned(),
        priority => format!("priority {priority}"),
    };
    format!("{}  {what}, {}", peer.address, messages(peer.messages, peer.seconds_ago))
}

/// What led to the phase, and whose advertisement it was.
fn reason(router: &VirtualRouter) -> String {
    match (router.reason_source, router.reason_priority) {
        (Some(source), Some(0)) => format!("{} of {source}", router.reason),
        (Some(source), Some(priority)) => {
            format!("{} of {source}, priority {priority}", router.reason)
        }
        (_, _) => router.reason.clone(),
    }
}

/// What a socket received that belongs to no virtual router; nothing if it received none.
fn unattributed(port: &Port) -> String {
    let rejected = counts(port.rejected.iter().map(|(reason, count)| (reason.as_str(), *count)));
    let dropped =
        counts([("heard", port.overflow_heard), ("refused", port.overflow_refused)].into_iter());
    if rejected.is_empty() && dropped.is_empty() && port.peers_refused.is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n{} {}: messages for no virtual router here\n", port.interface, port.family);
    let mut line = |label: &str, rest: String| text += &format!("  {label:<9} {rest}\n");
    for peer in &port.peers_refused {
        line("refused", refused(peer));
    }
    if !rejected.is_empty() {
        line("rejected", rejected);
    }
    if !dropped.is_empty() {
        line("dropped", format!("{dropped} (the socket's buffer was full)"));
    }
    text
}

fn refused(peer: &PeerRefused) -> String {
    format!("{}  {}, {}", peer.address, peer.reason, messages(peer.messages, peer.seconds_ago))
}

fn messages(count: u64, seconds_ago: f64) -> String {
    let messages = if count == 1 { "message" } else { "messages" };
    format!("{count} {messages}, the last {seconds_ago:.1} s ago")
}

fn counts<'a>(counters: impl Iterator<Item = (&'a str, u64)>) -> String {
    let non_zero = counters.filter(|(_, count)| *count > 0);
    non_zero.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::report::{Counters, SCHEMA};

    fn placed(address: &str) -> Placed {
        Placed {
            address: address.to_owned(),
            interface: "eth0".to_owned(),
            label: None,
            scope: "global".to_owned(),
            broadcast: None,
            advertised: true,
        }
    }

    fn router() -> VirtualRouter {
        VirtualRouter {
            name: "web".to_owned(),
            interface: "eth0".to_owned(),
            vrid: 51,
            family: "ipv4".to_owned(),
            version: 3,
            state: "active".to_owned(),
            phase: "held".to_owned(),
            hold: None,
            fault: false,
            since: humantime::format_rfc3339_millis(SystemTime::now() - Duration::from_secs(200))
                .to_string(),
            reason: "silence".to_owned(),
            reason_source: None,
            reason_priority: None,
            condition: "good".to_owned(),
            weight: 0,
            holds: Vec::new(),
            gates: Vec::new(),
            group: None,
            group_policy: None,
            group_first: false,
            group_cause: None,
            effective_priority: 150,
            addresses: vec!["192.0.2.10/24".to_owned(), "192.0.2.11/24".to_owned()],
            addresses_held: vec!["192.0.2.10/24".to_owned(), "192.0.2.11/24".to_owned()],
            placed: vec![placed("192.0.2.10/24"), placed("192.0.2.11/24")],
            routes: Vec::new(),
            unready: Vec::new(),
            lease_seconds: Some(2.96),
            probation_seconds: None,
            waits_seconds: None,
            drained_until: None,
            drain_kept: false,
            active_peer: None,
            backend_error: None,
            socket_error: None,
            peers_heard: vec![PeerHeard {
                address: "192.0.2.2".parse().unwrap(),
                priority: 100,
                seconds_ago: 7.0,
                messages: 1,
            }],
            peers_refused: vec![PeerRefused {
                address: "192.0.2.9".parse().unwrap(),
                reason: "wrong-checksum".to_owned(),
                seconds_ago: 0.25,
                messages: 12,
            }],
            notices: Vec::new(),
            rival: None,
            counters: Counters {
                counted: BTreeMap::from([
                    ("adverts_sent".to_owned(), 200),
                    ("repairs".to_owned(), 0),
                ]),
                rejected: BTreeMap::from([
                    ("wrong-checksum".to_owned(), 12),
                    ("wrong-ttl".to_owned(), 0),
                ]),
            },
        }
    }

    #[test]
    fn a_line_for_each_and_details_below() {
        let text = routers(&[router()]);
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "NAME  STATE   PHASE  SINCE  PRIORITY  LEASE  ADDRESSES           ACTIVE-PEER",
            "web   active  held   3m20s  150       3.0s   192.0.2.10/24 (+1)  -",
            "",
        ];
        assert_eq!(lines.get(..3), Some(&expected[..]), "{text}");
        assert!(
            text.contains("\n  heard     192.0.2.2  priority 100, 1 message, the last 7.0 s ago\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "\n  refused   192.0.2.9  wrong-checksum, 12 messages, the last 0.2 s ago\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("\n  counted   adverts_sent 200\n  rejected  wrong-checksum 12\n"),
            "{text}"
        );
    }

    #[test]
    fn where_addresses_are_and_what_is_waited_for_is_said() {
        let elsewhere = Placed { interface: "eth1".to_owned(), ..placed("192.0.2.11/24") };
        let labelled = Placed { label: Some("lo:web".to_owned()), ..placed("198.51.100.10/32") };
        let extra = Placed { interface: "lo".to_owned(), advertised: false, ..labelled };
        let mut router = VirtualRouter {
            placed: vec![placed("192.0.2.10/24"), elsewhere, extra],
            routes: vec!["default via 192.0.2.254".to_owned(), "blackhole 10.0.0.0/8".to_owned()],
            ..router()
        };
        router.addresses_held.push("198.51.100.10/32".to_owned());
        let all = "192.0.2.10/24, 192.0.2.11/24 on eth1, 198.51.100.10/32 on lo label lo:web (not \
            advertised)";
        let text = routers(std::slice::from_ref(&router));
        let expected = format!(
            "\n  addresses {all}\n  held      {all}\n  routes    default via 192.0.2.254, blackhole \
             10.0.0.0/8\n"
        );
        assert!(text.contains(&expected), "{text}");
        router.addresses_held.clear();
        router.hold = Some("other-interface".to_owned());
        router.fault = true;
        router.unready = vec!["eth1".to_owned()];
        let text = routers(&[router]);
        assert!(text.contains("blackhole 10.0.0.0/8 (while addresses are held)\n"), "{text}");
        let expected =
            "\n  hold      other-interface (a fault)\n  waits for eth1 (missing or down)\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn whose_message_it_was_and_what_is_wrong_with_whom_are_said() {
        let source = "192.0.2.2".parse().unwrap();
        let disagrees = VirtualRouter {
            reason: "stronger-claim".to_owned(),
            reason_source: Some(source),
            reason_priority: Some(200),
            notices: vec![Disagreement {
                notice: "same-priority".to_owned(),
                reason: None,
                address: source,
                priority: Some(150),
                seconds_ago: 0.5,
                messages: 7,
                sentence: "192.0.2.2, priority 150: it has the priority of this node".to_owned(),
            }],
            ..router()
        };
        let text = routers(std::slice::from_ref(&disagrees));
        assert!(text.contains(" (stronger-claim of 192.0.2.2, priority 200)\n"), "{text}");
        assert!(
            text.contains(
                "\n  notice    192.0.2.2, priority 150: it has the priority of this node\n"
            ),
            "{text}"
        );
        let resigned = VirtualRouter {
            reason: "resignation".to_owned(),
            reason_priority: Some(0),
            ..disagrees
        };
        assert!(routers(&[resigned]).contains(" (resignation of 192.0.2.2)\n"));
    }

    #[test]
    fn a_hold_stands_in_place_of_the_phase() {
        let held = VirtualRouter {
            state: "initialize".to_owned(),
            phase: "initialize".to_owned(),
            hold: Some("link-down".to_owned()),
            fault: true,
            addresses_held: Vec::new(),
            ..router()
        };
        let text = routers(&[held]);
        assert!(text.contains("web   initialize  link-down"), "{text}");
        assert!(text.contains("\n  hold      link-down (a fault)\n"), "{text}");
    }

    #[test]
    fn an_ill_service_stands_beside_the_phase() {
        let ill = VirtualRouter { condition: "ill".to_owned(), weight: -50, ..router() };
        let text = routers(&[ill]);
        assert!(text.contains("web   active  held, ill  3m20s"), "{text}");
        assert!(text.contains("\n  service   a check fails; this node serves only"), "{text}");
        assert!(text.contains("\n  weight    -50, which its checks add"), "{text}");
        assert!(!routers(&[router()]).contains("service"));
    }

    #[test]
    fn a_group_is_named_and_whoever_holds_it_up() {
        let longest = "n".repeat(64);
        let first = VirtualRouter {
            group: Some(longest.clone()),
            group_policy: Some("any".to_owned()),
            group_first: true,
            ..router()
        };
        let told = |router: &VirtualRouter| {
            let lines = group(router);
            let line = |(label, rest): &(&str, String)| format!("  {label:<9} {rest}");
            lines.iter().map(line).collect::<Vec<_>>()
        };
        let named = format!("  group     {longest}");
        assert_eq!(told(&first), [&*named, "  policy    any; this is its first member"]);
        let waits = VirtualRouter {
            group_first: false,
            group_cause: Some(format!("{longest}/v6")),
            gates: vec!["group".to_owned()],
            ..first
        };
        let cause = format!("  waits for {longest}/v6");
        assert_eq!(told(&waits), [&*named, "  policy    any", &*cause]);
        assert!(told(&waits).iter().all(|line| line.len() <= 80));
        let held = VirtualRouter { holds: vec!["group".to_owned()], ..waits };
        assert!(routers(&[held]).contains(&format!("\n  held by   {longest}/v6\n")));
        assert!(group(&router()).is_empty());
    }

    #[test]
    fn silent_ports_are_not_mentioned() {
        let quiet = Port {
            interface: "eth0".to_owned(),
            family: "ipv4".to_owned(),
            rejected: BTreeMap::from([("unknown-vrid".to_owned(), 0)]),
            peers_refused: Vec::new(),
            overflow_heard: 0,
            overflow_refused: 0,
        };
        let busy = Port {
            interface: "eth1".to_owned(),
            rejected: BTreeMap::from([("unknown-vrid".to_owned(), 3)]),
            ..quiet.clone()
        };
        let all = Status {
            schema: SCHEMA,
            version: "0".to_owned(),
            virtual_routers: vec![router()],
            ports: vec![quiet, busy],
            leftovers: Vec::new(),
            checks: Vec::new(),
        };
        let text = status(&all);
        assert!(!text.contains("eth0 ipv4:"), "{text}");
        assert!(
            text.ends_with(
                "\neth1 ipv4: messages for no virtual router here\n  rejected  unknown-vrid 3\n"
            ),
            "{text}"
        );
    }
}
