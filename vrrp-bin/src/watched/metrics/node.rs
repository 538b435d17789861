//! The metrics of the node, its sockets and its checks.

use std::fmt;

use super::writer::{Labels, Times, Writer, family, flag};
use crate::{report::Check, snapshot::Snapshot};

/// A counter of a check.
type Counted = (&'static str, &'static str, fn(&Check) -> u64);

const CHECKS: [Counted; 3] = [
    ("vrrp_check_runs", "Runs of the check that have ended.", |check| check.runs),
    ("vrrp_check_failures", "Runs of the check that failed.", |check| check.failures),
    ("vrrp_check_not_run", "Runs of the check that could not be made.", |check| check.not_run),
];

/// Writes all of them.
pub(super) fn write(snapshot: &Snapshot, writer: &mut Writer<'_>) -> fmt::Result {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    writer.gauge("vrrp_build_info", "Always 1; the version of the program.", [(version, 1_u64)])?;
    let count = snapshot.node.routers.len();
    writer.gauge("vrrp_virtual_routers", "How many virtual routers there are.", [(NONE, count)])?;
    let is_done = snapshot.reload.as_ref().is_none_or(|reload| reload.done);
    let help = "Whether the last reload was taken over; 1 if there was none.";
    writer.gauge("vrrp_last_reload_successful", help, [(NONE, flag(is_done))])?;
    let lateness = &snapshot.node.lateness;
    let bounded = lateness.buckets().map(|(bound, count)| (bound.as_secs_f64(), count));
    let buckets = bounded.chain([(f64::INFINITY, lateness.beyond())]).collect();
    let times = Times { buckets, sum: lateness.sum(), count: lateness.count() };
    let help = "How late advertisements left that a timer sends, of all virtual routers.";
    writer.histogram("vrrp_advertisement_lateness_seconds", help, [(NONE, times)])?;
    ports(snapshot, writer)?;
    checks(snapshot, writer)
}

const NONE: Labels<'_, 0> = [];

/// What came to a socket and belongs to no virtual router.
fn ports(snapshot: &Snapshot, writer: &mut Writer<'_>) -> fmt::Result {
    let ports = &snapshot.node.ports;
    let rejections = ports.iter().flat_map(|port| {
        let family = family(port.family);
        port.counters.rejections().map(move |(reason, count)| {
            let reason = ("reason", reason.as_str());
            ([("interface", &*port.interface), ("family", family), reason], count)
        })
    });
    let help = "Messages refused that are for no virtual router here, by reason.";
    writer.counter("vrrp_port_rejections", help, rejections)?;
    let overflows = ports.iter().flat_map(|port| {
        let labels = |kind| {
            [("interface", &*port.interface), ("family", family(port.family)), ("kind", kind)]
        };
        [(labels("heard"), port.overflow.heard), (labels("refused"), port.overflow.refused)]
    });
    let help = "Messages that the kernel dropped because there were too many: what could have been \
        ours, and what was to be refused.";
    writer.counter("vrrp_port_overflows", help, overflows)
}

fn checks(snapshot: &Snapshot, writer: &mut Writer<'_>) -> fmt::Result {
    let checks = &snapshot.checks;
    let labels = |check| [("check", name(check))];
    let up = checks.iter().map(|check| (labels(check), flag(check.state == "good")));
    let help = "Whether the check is good; 0 too as long as nothing is known of it.";
    writer.gauge("vrrp_check_up", help, up)?;
    let took = checks.iter().map(|check| (labels(check), check.took_seconds));
    writer.gauge("vrrp_check_duration_seconds", "How long its last run took.", took)?;
    for (name, help, count) in CHECKS {
        writer.counter(name, help, checks.iter().map(|check| (labels(check), count(check))))?;
    }
    Ok(())
}

fn name(check: &Check) -> &str {
    &check.name
}
