//! `[daemon]`: what belongs to the process and to no virtual router.

use vrrp_net::Realtime;

use super::{
    keys, script,
    section::{Item, Section},
};
use crate::config::{
    found::{Found, Wrong},
    names::is_namespace_name,
    place::Located,
    plan::{CONTROL, FIFO, Plan, STATE},
    watch::{METRICS, PROBE, WatchDraft},
};

/// Reads `[daemon]` of a file, which may have none.
pub(super) fn fill(plan: &mut Plan, file: &Section<'_>) {
    let section = file.read("daemon", |item| {
        let section = item.as_section(&keys::DAEMON);
        section.map_or_else(|| item.wrong("`daemon` is a table; write [daemon] above its keys"), Ok)
    });
    let Found::Value(section) = section else { return };
    plan.control = section.read("control", |item| item.string(CONTROL));
    plan.fifo = section.read("notify_fifo", |item| item.string(FIFO));
    plan.watch = WatchDraft {
        metrics: section.read("metrics", |item| item.string(METRICS)),
        probe: section.read("probe", |item| item.string(PROBE)),
        keepalived: section.read("keepalived_metrics", Item::bool),
    };
    plan.scripts = script::notify(&section);
    plan.is_secure = section.read("script_security", |item| Ok(item.bool()?.value));
    plan.state = section.read("state", |item| item.string(STATE));
    plan.netns = section.read("netns", netns);
    plan.realtime = Found::of(section.read("realtime", realtime).unwrap_or(None));
}

/// The name of a network namespace.
fn netns(item: Item<'_>) -> Result<Located<String>, Wrong> {
    let name = item.string("blue")?;
    if !is_namespace_name(&name.value) {
        return item.wrong(format!(
            "`netns` is {:?}; write the name of a network namespace, as `ip netns list` shows it",
            name.value
        ));
    }
    Ok(name)
}

/// A priority of the driver's thread; 0 is none.
fn realtime(item: Item<'_>) -> Result<Option<Located<Realtime>>, Wrong> {
    let rule = "write a real-time priority from 1 to 99, or 0 for none";
    let number: u8 = item.number(rule, 50)?;
    if number == 0 {
        return Ok(None);
    }
    let message = |_| format!("`realtime` is {number}; {rule}");
    Ok(Some(item.locate(item.check(Realtime::try_from(number), message)?)))
}
