//! The driver's part of [`RouterStatus`] and [`PortStatus`].

use std::{io, sync::Arc, time::Duration};

use vrrp_core::{
    Counters, Differing, Family, Instant, InterfaceId, Key, LeftOut, Membership, Rival, Speaker,
    Status, VirtualRouter,
};

use super::{Driver, members::MemberState};
use crate::{
    Group, GroupStatus, NoticeStatus, PortStatus, RivalStatus, RouterStatus, SpeakerStatus,
    clock::Clock,
    link::Link,
    monitor::Monitor,
    status::{detail, of_notice},
};

/// For how long a speaker counts as present; at least four intervals.
const STILL: Duration = Duration::from_secs(10);

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Everything about one virtual router at this moment.
    pub(super) fn status_of(&self, key: &Key, entry: &MemberState) -> Option<RouterStatus> {
        let error = self.outbox.interfaces.port_error(&entry.interface, key.family);
        let of_core = self.router.status(key)?;
        let status = router_status((key, entry), &of_core, error, self.clock.now());
        let group = of_core.group.zip(entry.group.as_ref());
        let group = group.map(|(stands, group)| self.group_status(stands, group));
        let unready = self.outbox.interfaces.unready(&entry.others).cloned().collect();
        Some(RouterStatus { drained_until: self.ends.shown(key), group, unready, ..status })
    }

    fn group_status(&self, stands: Membership, group: &Group) -> GroupStatus {
        let Membership { policy, is_first, cause, .. } = stands;
        let cause = cause.and_then(|key| self.outbox.members.get(&key));
        let cause = cause.map(|member| member.name.clone());
        GroupStatus { name: group.name.clone(), policy, is_first, cause }
    }

    /// Everything about one port at the time `now`.
    pub(super) fn status_of_port(
        &self,
        name: &Arc<str>,
        interface: InterfaceId,
        family: Family,
        now: Instant,
    ) -> PortStatus {
        let (counters, heard) = match self.router.unattributed(interface, family) {
            Some((counters, heard)) => (*counters, heard),
            None => (Counters::default(), &[][..]),
        };
        PortStatus {
            interface: name.clone(),
            family,
            counters,
            speakers: heard.iter().map(|heard| speaker(heard, None, None, now)).collect(),
            left_out: self.left_out(interface, family),
            overflow: self.outbox.link.overflow(interface, family),
        }
    }

    fn left_out(&self, interface: InterfaceId, family: Family) -> LeftOut {
        self.router.unattributed_left_out(interface, family).unwrap_or_default()
    }
}

fn router_status(
    (key, entry): (&Key, &MemberState),
    status: &Status<'_>,
    socket_error: Option<&io::Error>,
    now: Instant,
) -> RouterStatus {
    let holds = status.phase.holds_addresses();
    let heard = speakers(status, &entry.router, now);
    let notices = notices(status.speakers, &heard, &entry.router);
    RouterStatus {
        name: entry.name.clone(),
        key: *key,
        interface: entry.interface.clone(),
        router: entry.router.clone(),
        phase: status.phase,
        since: entry.since,
        reason: status.reason,
        sender: status.sender,
        health: status.health,
        holds: status.holds,
        gates: status.gates,
        group: None,
        configured: status.configured,
        claim: status.claim,
        held: entry.addresses.iter().filter(|_| holds).map(|held| held.cidr).collect(),
        addresses: entry.addresses.clone(),
        routes: entry.routes().clone(),
        unready: Vec::new(),
        lease: status.active_until.map(|until| until - now),
        probation: status.probation_until.filter(|until| *until > now).map(|until| until - now),
        waits: status.waits_until.map(|until| until - now),
        drained_until: None,
        active_peer: status.active_peer,
        backend_error: entry.unreleased.as_ref().or(entry.error.as_ref()).cloned(),
        socket_error: socket_error.map(ToString::to_string),
        rival: status.rival.map(|rival| rival_status(rival, now)),
        send_error: entry.send_error.clone(),
        counters: *status.counters,
        speakers: heard,
        left_out: status.left_out,
        transitions: entry.history.shown(now),
        reasons: entry.history.reasons.clone(),
        takeovers: entry.history.takeovers,
        notices,
    }
}

fn rival_status(rival: Rival, now: Instant) -> RivalStatus {
    let Rival { mac, address, since, last, cause, .. } = rival;
    RivalStatus { mac, address, since: now - since, ago: now - last, cause }
}

/// What is wrong with those that are still present. `shown` are the same speakers in the same order.
fn notices(
    heard: &[Speaker],
    shown: &[SpeakerStatus],
    router: &VirtualRouter,
) -> Vec<NoticeStatus> {
    let still = STILL.max(router.interval().duration().saturating_mul(4));
    let speaks = heard.iter().zip(shown).filter(|(_, shown)| shown.ago <= still);
    let notices = speaks.flat_map(|(heard, shown)| {
        heard.notices.iter().map(|notice| NoticeStatus {
            notice,
            source: shown.source,
            claim: shown.claim,
            ago: shown.ago,
            messages: shown.messages,
            detail: of_notice(notice, shown, router),
        })
    });
    notices.collect()
}

fn speakers(status: &Status<'_>, router: &VirtualRouter, now: Instant) -> Vec<SpeakerStatus> {
    let places = status.speakers.iter().enumerate();
    places.map(|(place, it)| speaker(it, status.differing(place), Some(router), now)).collect()
}

/// `router` is what its messages were for, if it is here.
fn speaker(
    speaker: &Speaker,
    differing: Option<Differing>,
    router: Option<&VirtualRouter>,
    now: Instant,
) -> SpeakerStatus {
    let shown = SpeakerStatus {
        source: speaker.source,
        ago: now - speaker.last_heard,
        messages: speaker.messages,
        verdict: speaker.verdict,
        claim: speaker.claim,
        said: speaker.said,
        jitter: speaker.jitter(),
        differing,
        detail: None,
    };
    SpeakerStatus { detail: detail(&shown, router), ..shown }
}
