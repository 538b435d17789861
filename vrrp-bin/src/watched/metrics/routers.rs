//! The metrics of virtual routers.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use vrrp_core::{Claim, Counters, Hold, Phase};
use vrrp_net::{RouterStatus, SpeakerStatus};

use super::writer::{Labels, Times, Writer, family, flag};

/// A word, and whether it is what a phase is called.
type Named = (&'static str, fn(Phase) -> bool);

/// What a virtual router does, as people say it: that it has what an earlier process had is the same to
/// everybody else.
const STATES: [Named; 5] = [
    ("initialize", |phase| matches!(phase, Phase::Initialize(_))),
    ("backup", |phase| phase == Phase::Backup),
    ("acquiring", |phase| phase == Phase::Acquiring),
    ("active", Phase::is_active),
    ("resigning", |phase| phase == Phase::Resigning),
];

/// A counter of the core, its name and what it says.
type Counted = (&'static str, &'static str, fn(&Counters) -> u64);

/// Every counter of the core but those that have reasons.
const COUNTED: [Counted; 12] = [
    (
        "vrrp_advertisements_sent",
        "Advertisements sent, resignations and answers among them.",
        |it| it.adverts_sent,
    ),
    ("vrrp_advertisements_received", "Advertisements accepted, resignations among them.", |it| {
        it.adverts_received
    }),
    ("vrrp_resignations_sent", "Advertisements of priority 0 sent.", |it| it.resignations_sent),
    ("vrrp_resignations_received", "Advertisements of priority 0 accepted.", |it| {
        it.resignations_received
    }),
    ("vrrp_answers_sent", "Advertisements sent at once because a weaker one was heard.", |it| {
        it.answers_sent
    }),
    (
        "vrrp_answers_withheld",
        "Weaker advertisements not answered, because ten in their interval were.",
        |it| it.answers_withheld,
    ),
    ("vrrp_send_failures", "Advertisements that could not be sent.", |it| it.send_failures),
    (
        "vrrp_announcements",
        "Announcements of the addresses (gratuitous ARP, Neighbor Advertisements).",
        |it| it.announcements,
    ),
    ("vrrp_became_active", "Times that the addresses were acquired.", |it| it.became_active),
    ("vrrp_backend_failures", "Times that the backend failed, or did not answer in time.", |it| {
        it.backend_failures
    }),
    ("vrrp_repairs", "Times that an address that was lost was put back.", |it| it.repairs),
    (
        "vrrp_stalls",
        "Times that the node stepped down because its own advertisements were overdue.",
        |it| it.stalls,
    ),
];

/// A value that rises and falls, its name and what it says.
type Measured = (&'static str, &'static str, fn(&RouterStatus) -> f64);

const MEASURED: [Measured; 9] = [
    ("vrrp_state_since_timestamp_seconds", "When its phase began, in seconds since 1970.", |it| {
        it.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }),
    ("vrrp_fault", "Whether a fault that somebody should look at keeps it out.", |it| {
        is(matches!(it.phase, Phase::Initialize(hold) if hold.is_fault()))
    }),
    ("vrrp_drained", "Whether an operator keeps it out.", |it| {
        is(it.holds.contains(Hold::Drained))
    }),
    (
        "vrrp_lease_seconds",
        "For how long it stays active if no further advertisement can be sent; 0 if it is not active.",
        |it| it.lease.unwrap_or(Duration::ZERO).as_secs_f64(),
    ),
    ("vrrp_addresses_held", "How many addresses this host holds for it.", |it| {
        count(it.held.len())
    }),
    ("vrrp_peers", "How many nodes were heard and accepted lately, up to four.", |it| {
        count(speakers(it, |speaker| speaker.verdict.is_ok()))
    }),
    ("vrrp_peers_refused", "How many nodes were heard and refused lately, up to four.", |it| {
        count(speakers(it, |speaker| speaker.verdict.is_err()))
    }),
    ("vrrp_disagreements", "How much is wrong with nodes that speak.", |it| {
        count(it.notices.len())
    }),
    ("vrrp_split_brain", "Whether it is active while another host has the addresses, too.", |it| {
        is(it.rival.is_some() && it.phase.is_active())
    }),
];

/// A virtual router and its labels.
type Labelled<'a> = (Labels<'a, 4>, &'a RouterStatus);

/// Writes all of them.
pub(super) fn write(routers: &[RouterStatus], writer: &mut Writer<'_>) -> fmt::Result {
    let vrids: Vec<String> = routers.iter().map(|it| it.router.vrid().get().to_string()).collect();
    let routers: Vec<Labelled<'_>> =
        routers.iter().zip(&vrids).map(|(it, vrid)| (labels(it, vrid), it)).collect();
    states(&routers, writer)?;
    priorities(&routers, writer)?;
    for (name, help, value) in MEASURED {
        writer.gauge(name, help, routers.iter().map(|(labels, it)| (*labels, value(it))))?;
    }
    for (name, help, count) in COUNTED {
        let series = routers.iter().map(|(labels, it)| (*labels, count(&it.counters)));
        writer.counter(name, help, series)?;
    }
    transitions(&routers, writer)?;
    takeovers(&routers, writer)?;
    let rejections = routers.iter().flat_map(|(labels, it)| {
        let rejections = it.counters.rejections();
        rejections.map(|(reason, count)| (with(labels, "reason", reason.as_str()), count))
    });
    writer.counter("vrrp_rejections", "Messages refused, by reason.", rejections)
}

fn labels<'a>(it: &'a RouterStatus, vrid: &'a str) -> Labels<'a, 4> {
    let family = family(it.router.family());
    [("name", &it.name), ("interface", &it.interface), ("vrid", vrid), ("family", family)]
}

/// The same labels and one more.
fn with<'a>(labels: &Labels<'a, 4>, name: &'static str, value: &'a str) -> Labels<'a, 5> {
    let [one, two, three, four] = *labels;
    [one, two, three, four, (name, value)]
}

fn states(routers: &[Labelled<'_>], writer: &mut Writer<'_>) -> fmt::Result {
    let series = routers.iter().flat_map(|(labels, it)| {
        STATES.map(|(state, is_it)| (with(labels, "state", state), flag(is_it(it.phase))))
    });
    let help = "1 for what it does, and 0 for everything else; it is active while it holds the \
        addresses and advertises.";
    writer.gauge("vrrp_state", help, series)
}

fn transitions(routers: &[Labelled<'_>], writer: &mut Writer<'_>) -> fmt::Result {
    let series = routers.iter().flat_map(|(labels, it)| {
        it.reasons.iter().map(|(reason, count)| (with(labels, "reason", reason), count))
    });
    writer.counter("vrrp_transitions", "Changes of its phase, by what led to them.", series)
}

fn takeovers(routers: &[Labelled<'_>], writer: &mut Writer<'_>) -> fmt::Result {
    let series = routers.iter().map(|(labels, it)| {
        let (sum, count) = (it.takeovers.total, it.takeovers.count);
        (*labels, Times { buckets: vec![(f64::INFINITY, count)], sum, count })
    });
    let help = "How long takeovers took, from the decision until the addresses were held.";
    writer.histogram("vrrp_takeover_seconds", help, series)?;
    let last = |it: &RouterStatus| it.takeovers.last.unwrap_or_default().as_secs_f64();
    let series = routers.iter().map(|(labels, it)| (*labels, last(it)));
    let help = "How long the last takeover took; 0 before the first.";
    writer.gauge("vrrp_last_takeover_seconds", help, series)
}

fn priorities(routers: &[Labelled<'_>], writer: &mut Writer<'_>) -> fmt::Result {
    let value = |claim: Claim| u64::from(u8::from(claim));
    let series = routers.iter().flat_map(|(labels, it)| {
        [
            (with(labels, "kind", "configured"), value(it.configured)),
            (with(labels, "kind", "effective"), value(it.claim)),
        ]
    });
    writer.gauge("vrrp_priority", "Its priority, 255 for the owner of the addresses.", series)
}

fn speakers(it: &RouterStatus, which: impl Fn(&&SpeakerStatus) -> bool) -> usize {
    it.speakers.iter().filter(which).count()
}

fn is(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_told() {
        assert_eq!(COUNTED.len(), Counters::default().iter().count());
    }
}
