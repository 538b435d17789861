//! The same under the names that mehdy/keepalived-exporter has for what keepalived tells it, so that
//! its dashboards and alerts go on working.
//!
//! What the exporter asks a file or a signal of keepalived's for is here what comes closest; what there
//! is nothing for is 0 (`docs/metrics.md` lists both).

use std::fmt;

use vrrp_core::{Counters, DecodeError, Phase, Rejected};
use vrrp_net::RouterStatus;

use super::writer::{Labels, Writer, flag};
use crate::snapshot::Snapshot;

/// A counter of a virtual router, its name and what it says.
type Counted = (&'static str, &'static str, fn(&RouterStatus) -> u64);

const COUNTED: [Counted; 15] = [
    ("keepalived_advertisements_received", "Advertisements received.", |it| {
        it.counters.adverts_received
    }),
    ("keepalived_advertisements_sent", "Advertisements sent.", |it| it.counters.adverts_sent),
    ("keepalived_become_master", "Became active.", |it| it.counters.became_active),
    ("keepalived_release_master", "Released the addresses.", |it| {
        it.counters.became_active.saturating_sub(flag(it.phase.holds_addresses()))
    }),
    ("keepalived_packet_length_errors", "Messages of a wrong length.", |it| {
        malformed(&it.counters, &[DecodeError::Truncated, DecodeError::Oversized])
    }),
    ("keepalived_advertisements_interval_errors", "Advertisements of another interval.", |it| {
        it.counters.rejected(Rejected::Interval)
            + malformed(&it.counters, &[DecodeError::ZeroInterval])
    }),
    ("keepalived_ip_ttl_errors", "Messages that came from too far away.", |it| {
        it.counters.rejected(Rejected::Ttl)
    }),
    ("keepalived_invalid_type_received", "Messages of a type that is none.", |it| {
        malformed(&it.counters, &[DecodeError::Type])
    }),
    ("keepalived_address_list_errors", "Advertisements of other addresses.", |it| {
        it.counters.rejected(Rejected::NoCommonAddress)
            + malformed(&it.counters, &[DecodeError::ZeroCount])
    }),
    (
        "keepalived_authentication_invalid",
        "Advertisements with an authentication type that is none.",
        |it| malformed(&it.counters, &[DecodeError::AuthenticationType]),
    ),
    (
        "keepalived_authentication_mismatch",
        "Advertisements with another authentication type.",
        |it| it.counters.rejected(Rejected::AuthenticationType),
    ),
    ("keepalived_authentication_failure", "Advertisements with another password.", |it| {
        it.counters.rejected(Rejected::Password)
            + malformed(&it.counters, &[DecodeError::Signature])
    }),
    ("keepalived_priority_zero_received", "Resignations received.", |it| {
        it.counters.resignations_received
    }),
    ("keepalived_priority_zero_sent", "Resignations sent.", |it| it.counters.resignations_sent),
    ("keepalived_gratuitous_arp_delay", "Always 0: there is no such delay here.", |_| 0),
];

/// Writes all of them.
pub(super) fn write(snapshot: &Snapshot, writer: &mut Writer<'_>) -> fmt::Result {
    writer.gauge("keepalived_up", "Always 1: this daemon answers.", [([NONE; 0], 1_u64)])?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    let help = "Always 1; the version of the program, which is vrrp.";
    writer.gauge("keepalived_exporter_build_info", help, [(version, 1_u64)])?;
    let routers = &snapshot.node.routers;
    let vrids: Vec<String> = routers.iter().map(|it| it.router.vrid().get().to_string()).collect();
    let routers: Vec<(&str, &RouterStatus)> =
        vrids.iter().map(String::as_str).zip(routers).collect();
    for (name, help, count) in COUNTED {
        let series = routers.iter().map(|(vrid, it)| (labels(it, vrid), count(it)));
        writer.counter(name, help, series)?;
    }
    addresses(snapshot, &routers, writer)?;
    scripts(snapshot, writer)
}

/// A label, for where there is none.
const NONE: (&str, &str) = ("", "");

fn labels<'a>(it: &'a RouterStatus, vrid: &'a str) -> Labels<'a, 3> {
    [("iname", &it.name), ("intf", &it.interface), ("vrid", vrid)]
}

/// What is said of each address.
fn addresses(
    snapshot: &Snapshot,
    routers: &[(&str, &RouterStatus)],
    writer: &mut Writer<'_>,
) -> fmt::Result {
    let placed: Vec<Placed<'_>> = routers.iter().flat_map(|(vrid, it)| placed(it, vrid)).collect();
    let of = |is_excluded| placed.iter().filter(move |it| it.is_excluded == is_excluded);
    let help = "What it does: 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT.";
    writer.gauge(
        "keepalived_vrrp_state",
        help,
        of(false).map(|it| (it.labels(), state(it.router.phase))),
    )?;
    let help = "The same, for addresses that are not advertised.";
    writer.gauge(
        "keepalived_vrrp_excluded_state",
        help,
        of(true).map(|it| (it.labels(), state(it.router.phase))),
    )?;
    let help = "1 unless a check that the virtual router tracks fails.";
    let is_well = |router: &RouterStatus| {
        let tracks = |names: &[String]| names.iter().any(|name| **name == *router.name);
        !snapshot.checks.iter().any(|check| check.is_bad() && tracks(&check.virtual_routers))
    };
    let well: Vec<_> = of(false).map(|it| (it, flag(is_well(it.router)))).collect();
    // Older exporters, and dashboards made for them, have the second name.
    for name in ["keepalived_exporter_check_script_status", "keepalived_check_script_status"] {
        writer.gauge(name, help, well.iter().map(|(it, value)| (it.labels(), *value)))?;
    }
    Ok(())
}

/// An address of a virtual router.
struct Placed<'a> {
    router: &'a RouterStatus,
    vrid: &'a str,
    interface: &'a str,
    address: String,
    is_excluded: bool,
}

impl Placed<'_> {
    fn labels(&self) -> Labels<'_, 4> {
        let [name, _, vrid] = labels(self.router, self.vrid);
        [name, ("intf", self.interface), vrid, ("ip_address", &self.address)]
    }
}

fn placed<'a>(router: &'a RouterStatus, vrid: &'a str) -> impl Iterator<Item = Placed<'a>> {
    let advertised = router.router.addresses().count();
    router.addresses.iter().enumerate().map(move |(at, placed)| Placed {
        router,
        vrid,
        interface: placed.interface.as_deref().unwrap_or(&router.interface),
        address: placed.cidr.to_string(),
        is_excluded: at >= advertised,
    })
}

const fn state(phase: Phase) -> u64 {
    match phase {
        Phase::Initialize(hold) if hold.is_fault() => 3,
        Phase::Initialize(_) => 0,
        Phase::Backup => 1,
        Phase::Acquiring | Phase::Held | Phase::Adopted | Phase::Resigning => 2,
    }
}

fn scripts(snapshot: &Snapshot, writer: &mut Writer<'_>) -> fmt::Result {
    let labels = |at: usize| [("name", snapshot.checks.get(at).map_or("", |check| &check.name))];
    let checks = || snapshot.checks.iter().enumerate();
    let status = checks().map(|(at, check)| (labels(at), flag(!check.is_bad())));
    writer.gauge("keepalived_script_status", "Whether the check is good.", status)?;
    let state = checks().map(|(at, _)| (labels(at), 0_u64));
    let help = "Always 0 (idle): what a check does at this moment is not told.";
    writer.gauge("keepalived_script_state", help, state)
}

/// How many messages were no advertisements for one of these reasons.
fn malformed(counters: &Counters, errors: &[DecodeError]) -> u64 {
    errors.iter().map(|error| counters.rejected(Rejected::Malformed(*error))).sum()
}
