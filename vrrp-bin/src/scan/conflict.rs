//! What of the speakers on a network does not go together.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use vrrp_core::ChecksumForm;
use vrrp_net::listen::{Speaker, Speakers};

use crate::{
    config::duration,
    wire::{Side, listed},
};

/// What a speaker counts as, that names no interval.
const SECOND: Duration = Duration::from_secs(1);

/// What a conflict is about. Its word is for programs, and stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Code {
    /// Two nodes serve the same addresses at the same time.
    TwoActive,
    /// Two clusters use one VRID.
    VridShared,
    /// A message that no virtual router accepts.
    Unreadable,
    /// Two versions.
    VersionDiffers,
    /// Two passwords, or another way to prove who it is.
    PasswordDiffers,
    /// Two intervals.
    IntervalDiffers,
    /// It does not advertise as often as it says.
    IntervalNotKept,
    /// Two lists of addresses.
    AddressesDiffer,
    /// The same priority.
    SamePriority,
    /// The checksums of two RFCs.
    ChecksumDiffers,
    /// One sends by multicast, and one by unicast.
    TransportDiffers,
}

/// Something that does not go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Conflict {
    pub(super) code: Code,
    pub(super) interface: String,
    pub(super) vrid: u8,
    /// Whose messages it is about.
    pub(super) sources: Vec<IpAddr>,
    /// What is the case, and what to do.
    pub(super) sentence: String,
}

/// Everything that does not go together, by interface and VRID. Each speaker is compared with the first
/// one of its virtual router, so that it is never more than a few sentences for each.
pub(super) fn all(speakers: &Speakers) -> Vec<Conflict> {
    let mut groups: BTreeMap<(Arc<str>, u8, bool), Vec<&Speaker>> = BTreeMap::new();
    for speaker in speakers.iter() {
        let key = (Arc::clone(&speaker.interface), speaker.message.vrid, speaker.source.is_ipv6());
        groups.entry(key).or_default().push(speaker);
    }
    groups.into_values().flat_map(|group| of_group(&group)).collect()
}

fn of_group(group: &[&Speaker]) -> Vec<Conflict> {
    let mut conflicts: Vec<Conflict> = group.iter().filter_map(|it| alone(it)).collect();
    let mut readable = group.iter().filter(|speaker| speaker.message.fault.is_none());
    if let Some(first) = readable.next() {
        // What a host sends may come back to it.
        let others = readable.filter(|other| other.source != first.source);
        conflicts.extend(others.flat_map(|other| between(other, first)));
    }
    conflicts
}

/// What is wrong with one by itself.
fn alone(speaker: &Speaker) -> Option<Conflict> {
    let source = speaker.source;
    if let Some(fault) = speaker.message.fault {
        let sentence =
            format!("no node accepts what {source} sends, because {fault}; find out what it is");
        return Some(conflict(Code::Unreadable, &[speaker], sentence));
    }
    let (named, measured) = (speaker.message.interval?.duration(), speaker.measured()?);
    let is_kept = measured * 2 >= named && measured * 2 <= named * 3;
    let sentence = format!(
        "{source} says that it advertises every {}, and does so every {}; see whether messages are lost, \
         or whether it is overloaded",
        duration::format(named),
        duration::format(Duration::from_millis(u64::try_from(measured.as_millis()).ok()?))
    );
    (!is_kept).then(|| conflict(Code::IntervalNotKept, &[speaker], sentence))
}

/// What two of one virtual router differ in, that should not. Where one refuses the other for one
/// reason, they are not compared any further.
fn between(one: &Speaker, other: &Speaker) -> Vec<Conflict> {
    let (theirs, ours) = (Side::from(one), Side::from(other));
    let conflict = |code, sentence| conflict(code, &[other, one], sentence);
    if theirs.is_of_another_cluster(&ours) {
        let sentence = format!(
            "{} uses the VRID for {} and {} for {}: these are two clusters; give one of them another \
             VRID",
            theirs.name,
            listed(&theirs.addresses),
            ours.name,
            listed(&ours.addresses)
        );
        return vec![conflict(Code::VridShared, sentence)];
    }
    let mut conflicts = Vec::new();
    if are_both_active(one, other) {
        let sentence = format!(
            "{} and {} are both active: each advertised while the other did, so that clients reach \
             either; see why they do not hear each other, or do not give way",
            ours.name, theirs.name
        );
        conflicts.push(conflict(Code::TwoActive, sentence));
    }
    let same = "write the same on both";
    let refused = [
        (Code::VersionDiffers, theirs.version_differs(&ours)),
        (Code::PasswordDiffers, theirs.password_differs(&ours)),
    ];
    if let Some((code, differs)) = refused.into_iter().find_map(|(code, it)| Some((code, it?))) {
        conflicts.push(conflict(code, format!("{differs}; {same}")));
        return conflicts;
    }
    let more = [
        (Code::IntervalDiffers, theirs.interval_differs(&ours), same),
        (Code::AddressesDiffer, theirs.addresses_differ(&ours), same),
        (
            Code::SamePriority,
            theirs.priority_is_the_same(&ours),
            "give each node a priority of its own",
        ),
        (Code::ChecksumDiffers, checksums_differ(one, other), "have both use that of RFC 9568"),
        (Code::TransportDiffers, transports_differ(one, other), "have both use the same"),
    ];
    let more = more.into_iter().filter_map(|(code, it, advice)| Some((code, it?, advice)));
    conflicts.extend(more.map(|(code, it, advice)| conflict(code, format!("{it}; {advice}"))));
    conflicts
}

/// Whether both advertised for an interval at least: a takeover is shorter than that.
fn are_both_active(one: &Speaker, other: &Speaker) -> bool {
    let interval = |it: &Speaker| it.message.interval.map_or(SECOND, |named| named.duration());
    let begun: SystemTime = one.first.max(other.first);
    let ended: SystemTime = one.last.min(other.last);
    let lasted = ended.duration_since(begun).unwrap_or_default();
    let is_active = |it: &Speaker| it.messages > 1 && it.message.priority > 0;
    is_active(one) && is_active(other) && lasted >= interval(one).max(interval(other))
}

/// The checksum of VRRPv3 over IPv4 has two readings (RFC 5798 5.2.8, RFC 9568 5.2.8).
fn checksums_differ(one: &Speaker, other: &Speaker) -> Option<String> {
    let (theirs, ours) = (one.message.form?, other.message.form?);
    let word = |form| match form {
        ChecksumForm::MessageOnly => "over the message alone",
        ChecksumForm::PseudoHeader => "with a pseudo-header",
    };
    (theirs != ours).then(|| {
        format!(
            "{} computes its checksum {} and {} {}, so that strict nodes refuse one of them",
            one.source,
            word(theirs),
            other.source,
            word(ours)
        )
    })
}

fn transports_differ(one: &Speaker, other: &Speaker) -> Option<String> {
    let (theirs, ours) = (one.destination?.is_multicast(), other.destination?.is_multicast());
    let word = |is_multicast| if is_multicast { "to all by multicast" } else { "to single nodes" };
    (theirs != ours).then(|| {
        format!(
            "{} sends {} and {} {}, so that one may not hear the other",
            one.source,
            word(theirs),
            other.source,
            word(ours)
        )
    })
}

fn conflict(code: Code, of: &[&Speaker], sentence: String) -> Conflict {
    let first = of.first();
    Conflict {
        code,
        interface: first.map(|speaker| speaker.interface.to_string()).unwrap_or_default(),
        vrid: first.map(|speaker| speaker.message.vrid).unwrap_or_default(),
        sources: of.iter().map(|speaker| speaker.source).collect(),
        sentence,
    }
}
