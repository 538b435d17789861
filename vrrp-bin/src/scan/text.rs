//! What was heard, for people: no line is wider than 80 characters.

use std::time::Duration;

use super::{Scan, conflict::Conflict};
use crate::{
    config::duration,
    text::{table::rows_of, wrap::hanging},
    wire::{Heard, Line, listed},
};

const HEADER: [&str; 7] = ["VRID", "VRRP", "PRIO", "EVERY", "MEASURED", "JITTER", "SPEAKER"];

/// Everything: a table for each interface, and below them what is in conflict.
pub(super) fn text(scan: &Scan) -> String {
    let Heard { milliseconds, interfaces, speakers, left_out } = &scan.heard;
    let time = duration::format(Duration::from_millis(*milliseconds));
    let silent: Vec<&str> = interfaces
        .iter()
        .map(String::as_str)
        .filter(|name| !speakers.iter().any(|line| line.interface == **name))
        .collect();
    let mut text = String::new();
    for interface in interfaces {
        let lines: Vec<&Line> =
            speakers.iter().filter(|line| line.interface == *interface).collect();
        if !lines.is_empty() {
            text += &format!("{}{}\n", hanging("", 4, interface), table(&lines));
        }
    }
    if !silent.is_empty() {
        let sentence = format!("nobody was heard on {} within {time}", silent.join(", "));
        text += &hanging("", 4, &sentence);
    }
    if *left_out > 0 {
        text += &hanging("", 4, &format!("{left_out} more messages were of further speakers"));
    }
    if scan.conflicts.is_empty() && !speakers.is_empty() {
        text += "nothing is in conflict\n";
    }
    let conflicts: String = scan.conflicts.iter().map(sentence).collect();
    text + &conflicts
}

/// A row for each speaker, and below it what it speaks for.
fn table(lines: &[&Line]) -> String {
    let mut rows = rows_of(HEADER, lines.iter().map(|line| row(line))).into_iter();
    let mut text = rows.next().unwrap_or_default();
    for (row, line) in rows.zip(lines) {
        text += &row;
        text += &hanging("      ", 6, &details(line));
    }
    text
}

fn row(line: &Line) -> [String; 7] {
    let named = line.interval_ms.map(|it| duration::format(Duration::from_millis(it)));
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    [
        line.vrid.to_string(),
        format!("v{}", line.version),
        line.priority.to_string(),
        or_dash(named),
        or_dash(line.measured_ms.map(seconds)),
        or_dash(line.jitter_ms.map(|it| format!("{it:.1}ms"))),
        line.source.to_string(),
    ]
}

fn seconds(milliseconds: f64) -> String {
    format!("{:.3}s", milliseconds / 1000.0)
}

/// What a row has no room for.
fn details(line: &Line) -> String {
    let addresses = listed(&line.addresses);
    let mut parts = vec![match &*addresses {
        "" => "for no address".to_owned(),
        addresses => format!("for {addresses}"),
    }];
    parts.extend(line.destination.map(|to| {
        if to.is_multicast() { "multicast".to_owned() } else { format!("unicast to {to}") }
    }));
    match line.priority {
        0 => parts.push("it leaves".to_owned()),
        255 => parts.push("their owner".to_owned()),
        _ => {}
    }
    match line.authentication {
        "none" => {}
        "signed" => parts.push("signed by auth_hmac".to_owned()),
        "ah" => parts.push("IP Authentication Header".to_owned()),
        word => parts.push(word.to_owned()),
    }
    if line.checksum == Some("pseudo-header") {
        parts.push("checksum with pseudo-header".to_owned());
    }
    if line.this_host {
        parts.push("sent by this host".to_owned());
    } else {
        parts.extend(line.mac.as_ref().map(|mac| format!("from {mac}")));
    }
    if line.ttl.is_some_and(|ttl| ttl < 255) {
        parts.extend(line.ttl.map(|ttl| format!("TTL {ttl}")));
    }
    parts.join("; ")
}

fn sentence(conflict: &Conflict) -> String {
    let label = format!("{}, VRID {}: ", conflict.interface, conflict.vrid);
    hanging(&label, 4, &conflict.sentence)
}
