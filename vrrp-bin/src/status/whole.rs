//! `vrrp status NAME`: all there is to say of one virtual router.

use vrrp_core::Hold;

use super::wrong;
use crate::{
    report::{PeerHeard, PeerRefused, Placed, Tracked, Transition, VirtualRouter},
    text::{
        columns::{age_of, since},
        wrap::hanging,
    },
};

/// How wide a label is, with the blanks around it.
const LABEL: usize = 12;

/// Everything, a paragraph for each kind.
pub(super) fn text(router: &VirtualRouter) -> String {
    let VirtualRouter { name, version, vrid, interface, .. } = router;
    let family = if router.family == "ipv6" { "IPv6" } else { "IPv4" };
    let what = format!("VRRPv{version} for {family}, VRID {vrid} on {interface}");
    let mut text = hanging(&format!("{name}: "), 4, &what);
    for (label, rest) in paragraphs(router) {
        text += &hanging(&format!("  {label:<9} "), LABEL, &rest);
    }
    text
}

/// Everything, each paragraph with its label.
pub(crate) fn paragraphs(router: &VirtualRouter) -> impl Iterator<Item = (&'static str, String)> {
    let parts = [condition(router), nodes(router), service(router), held(router), past(router)];
    parts.into_iter().flatten()
}

type Lines = Vec<(&'static str, String)>;

/// What it does, why, and what keeps it from more.
fn condition(router: &VirtualRouter) -> Lines {
    let VirtualRouter { state, phase, since: then, .. } = router;
    let more = if phase == state { String::new() } else { format!(" ({phase})") };
    let mut lines = vec![
        ("state", format!("{state}{more} for {}, since {then}", since(then))),
        ("why", router.why.clone()),
    ];
    let holds = router.holds.iter().zip(&router.hold_sentences);
    for (hold, sentence) in holds.filter(|(hold, _)| **hold != Hold::Drained.as_str()) {
        lines.push(("hold", with_word(sentence, hold)));
    }
    if let Some(drained) = router.drained() {
        lines.push(("drain", format!("{drained}; `vrrp resume {}` ends that", router.name)));
    }
    let gates = router.gates.iter().zip(&router.gate_sentences);
    lines.extend(gates.map(|(gate, sentence)| ("gate", with_word(sentence, gate))));
    lines.extend(group(router));
    lines.extend(errors(router));
    lines.push(("priority", router.priority_sentence.clone()));
    if let Some(lease) = router.lease_seconds {
        let rest =
            format!("{lease:.1} s left: so long it stays active if it can send nothing more");
        lines.push(("lease", rest));
    }
    if let Some(waits) = router.waits_seconds {
        let rest = format!("{waits:.2} s more for its link and its address, and still serves");
        lines.push(("waits", rest));
    }
    lines
}

/// A sentence with the word for programs, unless it has that already.
fn with_word(sentence: &str, word: &str) -> String {
    let bracketed = format!("({word})");
    if sentence.contains(&bracketed) {
        sentence.to_owned()
    } else {
        format!("{sentence} {bracketed}")
    }
}

/// What failed, unless a hold says it.
fn errors(router: &VirtualRouter) -> Lines {
    let errors = [
        ("backend", &router.backend_error),
        ("socket", &router.socket_error),
        ("sending", &router.send_error),
    ];
    let is_said = |error: &str| router.hold_sentences.iter().any(|said| said.contains(error));
    let errors = errors.into_iter().filter_map(|(label, error)| Some((label, error.clone()?)));
    errors.filter(|(_, error)| !is_said(error)).collect()
}

/// Its group, and the member because of which it does not take part, or waits.
fn group(router: &VirtualRouter) -> Lines {
    let Some(name) = &router.group else { return Vec::new() };
    let policy = router.group_policy.as_deref().unwrap_or("-");
    let first = if router.group_first { "; this is its first member" } else { "" };
    let mut lines = vec![("group", name.clone()), ("policy", format!("{policy}{first}"))];
    if let Some(cause) = &router.group_cause {
        let is_held = router.holds.iter().any(|hold| hold == Hold::Group.as_str());
        lines.push((if is_held { "held by" } else { "waits for" }, cause.clone()));
    }
    lines
}

/// The active node, who else was heard or refused, and who disagrees.
fn nodes(router: &VirtualRouter) -> Lines {
    let mut lines = Vec::new();
    if let Some(active) = router.active_peer
        && !router.peers_heard.iter().any(|peer| peer.active)
    {
        lines.push(("active", active.to_string()));
    }
    for peer in &router.peers_heard {
        lines.push((if peer.active { "active" } else { "heard" }, heard(peer)));
    }
    if router.left_out_heard > 0 {
        let rest = format!("{} of further nodes", wrong::messages(router.left_out_heard));
        lines.push(("heard", rest));
    }
    lines.extend(router.peers_refused.iter().map(|peer| ("refused", refused(peer))));
    if router.left_out_refused > 0 {
        let rest = format!("{} of further nodes", wrong::messages(router.left_out_refused));
        lines.push(("refused", rest));
    }
    for notice in &router.notices {
        let line = if notice.line.is_empty() { &notice.sentence } else { &notice.line };
        lines.push(("notice", line.clone()));
    }
    lines.extend(router.rival.iter().map(|rival| ("rival", rival.sentence.clone())));
    lines
}

fn heard(peer: &PeerHeard) -> String {
    let mut parts = vec![match peer.priority {
        0 => "resigned".to_owned(),
        priority => format!("priority {priority}"),
    }];
    parts.extend(peer.said.interval_seconds.map(|interval| format!("interval {interval} s")));
    if peer.said.version > 0 {
        parts.push(format!("VRRPv{}", peer.said.version));
    }
    parts.push(format!("heard {:.1} s ago", peer.seconds_ago));
    parts.extend(peer.jitter_seconds.map(|jitter| format!("jitter {:.1} ms", jitter * 1000.0)));
    parts.push(wrong::messages(peer.messages));
    let differs = peer.said.detail.as_ref().map(|detail| format!("; {detail}"));
    format!("{}: {}{}", peer.address, parts.join(", "), differs.unwrap_or_default())
}

/// Who is refused, and what it claimed.
fn refused(peer: &PeerRefused) -> String {
    let priority = peer.priority.map(|priority| format!("; it claims priority {priority}"));
    format!("{}{}", wrong::refused(peer), priority.unwrap_or_default())
}

/// Its checks.
fn service(router: &VirtualRouter) -> Lines {
    let mut lines: Lines = router.tracks.iter().map(|track| ("check", tracked(track))).collect();
    if lines.is_empty() && !matches!(router.condition.as_str(), "good" | "") {
        lines.push(("service", format!("its checks say: {}", router.condition)));
    }
    lines
}

fn tracked(track: &Tracked) -> String {
    let Tracked { check, state, adds, weight, text, .. } = track;
    let adds = match weight {
        Some(_) if *adds != 0 => format!(", {adds:+}"),
        Some(weight) => format!(", weight {weight:+}"),
        None => String::new(),
    };
    let reversed = if track.reversed { ", reversed" } else { "" };
    let ran = track.last_run.as_ref().map(|last| format!(", ran {} ago", since(last)));
    let text = text.as_deref().unwrap_or("no result yet");
    format!(
        "{check} is {state} for {}{adds}{reversed}: {text}{}",
        since(&track.since),
        ran.unwrap_or_default()
    )
}

/// Where its addresses and routes are put, and what of them it holds.
fn held(router: &VirtualRouter) -> Lines {
    let is_held = |address: &String| router.addresses_held.contains(address);
    let mut lines: Lines = router
        .placed
        .iter()
        .map(|placed| ("address", on(placed, is_held(&placed.address))))
        .collect();
    let are_held = !router.addresses_held.is_empty();
    for route in &router.routes {
        let there = if are_held { "" } else { " (while addresses are held)" };
        lines.push(("route", format!("{route}{there}")));
    }
    lines
}

fn on(placed: &Placed, held: bool) -> String {
    let Placed { address, interface, label, scope, broadcast, advertised } = placed;
    let mut text = format!("{address} on {interface}");
    if let Some(label) = label {
        text += &format!(" label {label}");
    }
    if scope != "global" {
        text += &format!(" scope {scope}");
    }
    if let Some(broadcast) = broadcast {
        text += &format!(" broadcast {broadcast}");
    }
    if !advertised {
        text += " (not advertised)";
    }
    text + if held { ", held" } else { ", not held" }
}

/// Its last transitions, and what was counted since it started.
fn past(router: &VirtualRouter) -> Lines {
    let labels = std::iter::once("before").chain(std::iter::repeat(""));
    let mut lines: Lines = labels.zip(router.transitions.iter().map(transition)).collect();
    let counters = &router.counters;
    for (label, counted) in [("counted", &counters.counted), ("rejected", &counters.rejected)] {
        let counts = wrong::counts(counted.iter().map(|(name, count)| (&**name, *count)));
        if !counts.is_empty() {
            lines.push((label, counts));
        }
    }
    lines
}

fn transition(transition: &Transition) -> String {
    let Transition { seconds_ago, from, to, hold, sentence, .. } = transition;
    let to = hold.as_ref().map_or_else(|| to.clone(), |hold| format!("{to} ({hold})"));
    format!("{} ago: {from} -> {to}: {sentence}", age_of(*seconds_ago))
}
