//! What is wrong with a virtual router, each thing as a sentence that a person understands.

use vrrp_core::{Gate, Hold};

use crate::{
    report::{Check, PeerRefused, Tracked, VirtualRouter},
    text::wrap::hanging,
};

/// How far what goes on below a name is indented at most.
const INDENT: usize = 12;

/// A line for each thing, which begins with the name.
pub(super) fn lines(router: &VirtualRouter) -> String {
    let label = format!("{}: ", router.name);
    sentences(router).iter().map(|sentence| hanging(&label, INDENT, sentence)).collect()
}

/// Everything that is wrong.
pub(crate) fn sentences(router: &VirtualRouter) -> Vec<String> {
    let mut all = holds(router);
    all.extend(gates(router));
    let bad = router.tracks.iter().filter(|track| track.is_bad());
    all.extend(bad.map(|track| failing(track, &router.condition)));
    if let Some(waits) = router.waits_seconds {
        let sentence = "its link or its address is gone; it serves for";
        all.push(format!("{sentence} {waits:.1} s more, should that come back"));
    }
    let in_hold = router.hold.is_some();
    let errors = [("backend", &router.backend_error), ("socket", &router.socket_error)];
    for (what, error) in errors {
        all.extend(error.iter().filter(|_| !in_hold).map(|error| format!("its {what}: {error}")));
    }
    all.extend(router.send_error.iter().filter(|_| !in_hold).cloned());
    all.extend(router.notices.iter().map(|notice| {
        // An older daemon says no line.
        if notice.line.is_empty() { notice.sentence.clone() } else { notice.line.clone() }
    }));
    all.extend(router.rival.iter().map(|rival| rival.sentence.clone()));
    all
}

/// What keeps it out.
fn holds(router: &VirtualRouter) -> Vec<String> {
    let sentence = |(hold, sentence): (&String, &String)| match router.drained() {
        Some(drained) if *hold == Hold::Drained.as_str() => {
            format!("{drained}; `vrrp resume {}` ends that", router.name)
        }
        _ => sentence.clone(),
    };
    let told = router.holds.iter().zip(&router.hold_sentences);
    // The check itself is named below.
    let told = told.filter(|(hold, _)| **hold != Hold::Check.as_str() || !has_bad(router));
    told.map(sentence).collect()
}

/// Whether a check is known that keeps it out, or behind others.
fn has_bad(router: &VirtualRouter) -> bool {
    router.tracks.iter().any(|track| track.is_bad() && track.weight.is_none())
}

/// What has it listen only, where that is worth a look.
fn gates(router: &VirtualRouter) -> impl Iterator<Item = String> {
    let told = router.gates.iter().zip(&router.gate_sentences);
    let is_wrong = |gate: &str| {
        // It lasts for a moment at each start.
        let asks = gate == Gate::Asking.as_str();
        // Its group is active where it should be.
        let follows = gate == Gate::Group.as_str() && router.active_peer.is_some();
        // The check itself is named below.
        let is_told = gate == Gate::Ill.as_str() && has_bad(router);
        !(asks || follows || is_told)
    };
    told.filter(move |(gate, _)| is_wrong(gate)).map(|(_, sentence)| sentence.clone())
}

/// A check that speaks against this node.
fn failing(track: &Tracked, condition: &str) -> String {
    let what = match (track.reversed, track.weight, condition) {
        (true, _, _) => "passes, which counts against this node",
        (false, None, "ill") => "fails, so that this node serves only where no healthy one does",
        (false, None, "out") => "fails, so that this node serves nothing",
        (false, _, _) => "fails",
    };
    let adds = if track.adds == 0 { String::new() } else { format!(" ({:+})", track.adds) };
    let text = track.text.as_deref().unwrap_or("there is no result yet");
    format!("its check {} {what}{adds}: {text}", track.check)
}

/// A check that cannot be run; nothing of one that can.
pub(super) fn not_run(check: &Check) -> String {
    if check.outcome.as_deref() != Some("not-run") {
        return String::new();
    }
    let text = check.text.as_deref().unwrap_or("nobody knows why");
    hanging("check ", 6, &format!("{} cannot be run: {text}", check.name))
}

/// Who is refused, why, and how often.
pub(super) fn refused(peer: &PeerRefused) -> String {
    let PeerRefused { address, reason, messages: count, seconds_ago, said, .. } = peer;
    let why = said.detail.as_ref().unwrap_or(reason);
    format!("{address}: {why} ({reason}); {}, {}", messages(*count), ago(*seconds_ago))
}

pub(super) fn messages(count: u64) -> String {
    format!("{count} {}", if count == 1 { "message" } else { "messages" })
}

/// When the last of them was.
pub(super) fn ago(seconds: f64) -> String {
    format!("the last {seconds:.1} s ago")
}

/// Those that are not zero.
pub(super) fn counts<'a>(counters: impl IntoIterator<Item = (&'a str, u64)>) -> String {
    let non_zero = counters.into_iter().filter(|(_, count)| *count > 0);
    non_zero.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
