//! `vrrp status`: a line for each virtual router, and below them what is wrong.

use super::wrong;
use crate::{
    report::{Check, LastReload, LeftBehind, Port, Status, VirtualRouter},
    text::{
        columns::since,
        table::table,
        wrap::{WIDTH, hanging, shortened},
    },
};

const HEADER: [&str; 5] = ["NAME", "STATE", "SINCE", "PRIORITY", "ADDRESSES"];
const CHECKS: [&str; 5] = ["CHECK", "STATE", "SINCE", "FAILED", "LAST"];
/// The longest name in a table; below the tables names are whole.
const NAME: usize = 24;

/// All virtual routers, what is wrong with each, the checks, and what belongs to none.
pub(super) fn text(status: &Status) -> String {
    if status.virtual_routers.is_empty() {
        return "no virtual routers\n".to_owned();
    }
    let rows = status.virtual_routers.iter().map(row);
    let mut text = table(HEADER, rows);
    text += &table_below(CHECKS, status.checks.iter().map(check));
    text += &below(status.virtual_routers.iter().map(wrong::lines).collect());
    text += &below(status.checks.iter().map(wrong::not_run).collect());
    text += &below(status.ports.iter().map(unattributed).collect());
    text += &below(status.leftovers.iter().map(leftover).collect());
    text + &below(status.reload.iter().map(refused).collect())
}

/// A reload that was refused: what runs is not what the file says.
fn refused(reload: &LastReload) -> String {
    if reload.done {
        return String::new();
    }
    let first = format!("refused at {}; the configuration before that is in force", reload.time);
    let lines = std::iter::once(first.as_str()).chain(reload.sentence.lines());
    lines.map(|line| hanging("reload: ", 4, line)).collect()
}

fn table_below(header: [&str; 5], rows: impl Iterator<Item = [String; 5]>) -> String {
    let rows: Vec<[String; 5]> = rows.collect();
    if rows.is_empty() { String::new() } else { format!("\n{}", table(header, rows.into_iter())) }
}

/// Paragraphs, after an empty line if there are any.
fn below(paragraphs: Vec<String>) -> String {
    let text = paragraphs.concat();
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn row(router: &VirtualRouter) -> [String; 5] {
    [
        shortened(&router.name, NAME),
        state(router),
        since(&router.since),
        router.effective_priority.to_string(),
        place(router),
    ]
}

/// What it does, or what keeps it out; and what its checks say.
pub(crate) fn state(router: &VirtualRouter) -> String {
    let does = router.hold.clone().unwrap_or_else(|| active_or_backup(router));
    match router.condition.as_str() {
        "good" | "" => does,
        condition => format!("{does}, {condition}"),
    }
}

/// The state of the RFC, and the phase where that says more.
pub(crate) fn active_or_backup(router: &VirtualRouter) -> String {
    let VirtualRouter { state, phase, .. } = router;
    // Held is what an Active is most of the time.
    let is_plain = phase == state || phase == "held";
    if is_plain { state.clone() } else { format!("{state} ({phase})") }
}

/// Its addresses, and where they are if that is not here.
fn place(router: &VirtualRouter) -> String {
    let held = !router.addresses_held.is_empty();
    let addresses = if held { &router.addresses_held } else { &router.addresses };
    let more = addresses.len().saturating_sub(1);
    let first = addresses.first().map_or("-", String::as_str);
    let all = if more == 0 { first.to_owned() } else { format!("{first} (+{more})") };
    match router.active_peer {
        Some(peer) if !held => format!("{all} at {peer}"),
        _ => all,
    }
}

fn check(check: &Check) -> [String; 5] {
    let last = match &check.text {
        Some(text) => format!("{text} ({:.0} ms)", check.took_seconds * 1000.0),
        None => "-".to_owned(),
    };
    let idle = if check.runs_now { "" } else { " (idle)" };
    [
        shortened(&check.name, NAME),
        format!("{}{idle}", check.state),
        since(&check.since),
        format!("{} of {}", check.failures, check.runs),
        // All of it is said where it is wrong.
        shortened(&last, 2 * WIDTH),
    ]
}

/// What a socket received that belongs to no virtual router; nothing if it received none.
fn unattributed(port: &Port) -> String {
    let rejected = wrong::counts(port.rejected.iter().map(|(reason, count)| (&**reason, *count)));
    let dropped =
        wrong::counts([("heard", port.overflow_heard), ("refused", port.overflow_refused)]);
    let mut text = String::new();
    let label = format!("{} {}: ", port.interface, port.family);
    let mut line = |rest: &str| text += &hanging(&label, 12, rest);
    for peer in &port.peers_refused {
        line(&format!("refused {}", wrong::refused(peer)));
    }
    if port.left_out_refused > 0 {
        line(&format!("{} more from further nodes", wrong::messages(port.left_out_refused)));
    }
    if !rejected.is_empty() {
        line(&format!("messages for no virtual router here: {rejected}"));
    }
    if !dropped.is_empty() {
        line(&format!("messages dropped, as the socket's buffer was full: {dropped}"));
    }
    text
}

fn leftover(left: &LeftBehind) -> String {
    let LeftBehind { interface, address } = left;
    let sentence = format!(
        "{address} on {interface} belongs to no virtual router any more; remove it with `ip address \
         del {address} dev {interface}`"
    );
    hanging("left over: ", 4, &sentence)
}
