//! How a virtual router treats a message: it records the sender, and reports what the message shows
//! (RFC 9568 7.1, 8.3.2).

use core::{net::IpAddr, time::Duration};

use super::{
    Notice, NoticeSet,
    entry::Entry,
    said::{Differing, Said},
    speakers::{Place, Speaker},
    telling::Told,
};
use crate::{
    Advert, Checksum, ChecksumForm, Claim, DecodeError, Instant, Phase, Protocol, Rejected, RxMeta,
    fsm::Heard,
};

/// How long the resignations of a handover may continue beside its successor.
const HANDOVER: Duration = Duration::from_secs(5);

impl Entry {
    /// Counts, records and reports a refused message.
    #[cold]
    pub(super) fn reject(&mut self, now: Instant, meta: RxMeta, bytes: &[u8], reason: Rejected) {
        self.tally.counters.count_rejected(reason);
        let claim = claimed(meta, bytes, reason);
        let notice = self.refusal(meta.source, claim, reason);
        let notices = notice.into_iter().collect();
        let said = Said::read(&meta, bytes);
        let speaker = Speaker::new(now, meta.source, Err(reason), claim, notices, said);
        let place = self.take_down(speaker);
        if reason == Rejected::NoCommonAddress
            && let (Some(place), Ok(decoded)) = (place, Advert::decode(&meta, bytes))
        {
            let differing = Differing::between(self.config(), &decoded.advert);
            self.tally.differs(place.index, differing);
        }
        if let Some(notice) = notice {
            self.tell(
                now,
                place.map(|place| place.index),
                Told { notice, source: meta.source, claim },
            );
        }
    }

    /// Returns what to report about a refusal, if anything.
    fn refusal(&self, source: IpAddr, claim: Option<Claim>, reason: Rejected) -> Option<Notice> {
        let is_quiet = matches!(
            reason,
            Rejected::Malformed(DecodeError::Family)
                | Rejected::OwnSource
                | Rejected::UnknownVrid
                | Rejected::NotListening
        );
        let machine = self.machine();
        if is_quiet || matches!(machine.phase(), Phase::Initialize(_)) {
            return None;
        }
        let ours = machine.claim();
        let is_stronger = claim.is_some_and(|claim| {
            claim > ours || (claim == ours && machine.source().is_some_and(|own| source > own))
        });
        // Another cluster serves other addresses, and takes nothing from this one.
        let contends = reason != Rejected::NoCommonAddress && is_stronger && self.is_active();
        Some(if contends { Notice::StrongerRefused(reason) } else { Notice::Refused(reason) })
    }

    /// Counts and records an accepted advertisement, and reports what it showed.
    #[inline]
    pub(super) fn accept(
        &mut self,
        now: Instant,
        meta: &RxMeta,
        advert: &Advert<'_>,
        form: Option<ChecksumForm>,
        mut notices: NoticeSet,
    ) {
        let (claim, source) = (advert.claim, meta.source);
        if form.is_some_and(|form| self.forms.heard(form) && self.both_forms(now, form)) {
            notices.insert(Notice::BothChecksums);
        }
        let said = Said::of(meta, advert);
        let place =
            self.take_down(Speaker::new(now, source, Ok(claim), Some(claim), notices, said));
        if let Some(place) = place.filter(|_| notices.contains(Notice::AddressesDiffer)) {
            let differing = Differing::between(self.config(), advert);
            self.tally.differs(place.index, differing);
        }
        if self.is_active() {
            notices = self.watch(now, place, advert, source, notices);
        }
        if !notices.is_empty() {
            self.tell_all(now, place, source, claim, notices);
        }
        let counters = &mut self.tally.counters;
        counters.adverts_received = counters.adverts_received.wrapping_add(1);
        if claim == Claim::Resign {
            counters.resignations_received = counters.resignations_received.wrapping_add(1);
        }
    }

    /// Returns whether both checksum forms are in use, so that both are sent.
    #[cold]
    fn both_forms(&mut self, now: Instant, form: ChecksumForm) -> bool {
        let backup_since = (self.machine().phase() == Phase::Backup).then_some(self.rest.since);
        let interval = self.config().interval();
        let both = self.forms.judge(now, form, backup_since, interval);
        both && matches!(
            self.config().protocol(),
            Protocol::V3Ipv4 { checksum: Checksum::Auto, .. }
        )
    }

    /// Adds the notices for which an Active has to hear another node more than once.
    #[cold]
    #[inline(never)]
    fn watch(
        &mut self,
        now: Instant,
        place: Option<Place>,
        advert: &Advert<'_>,
        source: IpAddr,
        mut notices: NoticeSet,
    ) -> NoticeSet {
        let Some(Place { index, before }) = place else { return notices };
        let since = self.rest.since;
        let ours = self.machine().claim();
        let is_weaker = advert.claim < ours
            || (advert.claim == ours && self.machine().source().is_some_and(|own| source < own));
        let Some(record) = self.tally.record(index) else { return notices };
        let found = match advert.claim {
            Claim::Resign => record.resigns().then_some(Notice::Resignations),
            _ if is_weaker => {
                let silence = advert.interval.timing().silence();
                record.is_weaker(now, before, since, silence).then_some(Notice::WeakerActive)
            }
            _ => None,
        };
        if let (Some(notice), Some(speaker)) = (found, self.tally.speakers.get_mut(index)) {
            notices.insert(notice);
            speaker.notices = notices;
        }
        notices
    }

    /// Follows up on an advertisement that the machine heard in the phase `before`.
    pub(super) fn look_after(
        &mut self,
        now: Instant,
        before: Phase,
        heard: Heard,
        by_stranger: bool,
    ) {
        if heard.claim == Claim::Resign {
            self.look_after_resignation(now, before, heard.source, by_stranger);
        }
    }

    #[cold]
    fn look_after_resignation(
        &mut self,
        now: Instant,
        before: Phase,
        source: IpAddr,
        by_stranger: bool,
    ) {
        if !by_stranger {
            if before == Phase::Backup {
                self.rest.resigned = Some((source, now));
            }
            return;
        }
        // A node that hands over repeats its resignation until it hears its successor, which may be
        // the Active that is followed by now.
        let hands_over =
            |(resigned, at): (IpAddr, Instant)| resigned == source && now < at + HANDOVER;
        if self.rest.resigned.is_some_and(hands_over) {
            return;
        }
        let notice = Notice::ResignedByAnother;
        let place = self.tally.speakers.accepted(source);
        if let Some(speaker) = place.and_then(|index| self.tally.speakers.get_mut(index)) {
            speaker.notices.insert(notice);
        }
        self.tell(now, place, Told { notice, source, claim: Some(Claim::Resign) });
    }

    /// Records a speaker. One that has not been heard for four intervals makes room for another.
    fn take_down(&mut self, speaker: Speaker) -> Option<Place> {
        let fresh = self.config().interval().duration().saturating_mul(4);
        self.tally.heard(speaker, fresh)
    }

    #[cold]
    #[inline(never)]
    fn tell_all(
        &mut self,
        now: Instant,
        place: Option<Place>,
        source: IpAddr,
        claim: Claim,
        notices: NoticeSet,
    ) {
        for notice in notices.iter() {
            let told = Told { notice, source, claim: Some(claim) };
            self.tell(now, place.map(|place| place.index), told);
        }
    }

    fn tell(&mut self, now: Instant, place: Option<usize>, told: Told) {
        let record = place.and_then(|index| self.tally.record(index));
        self.rest.telling.tell(now, record, told);
        self.note_notices();
    }

    fn is_active(&self) -> bool {
        matches!(self.machine().phase(), Phase::Acquiring | Phase::Held | Phase::Adopted)
    }
}

/// Returns what a refused message claims, if that can be read: the octet is the same one in both
/// versions.
fn claimed(meta: RxMeta, bytes: &[u8], reason: Rejected) -> Option<Claim> {
    match reason {
        Rejected::Malformed(_) | Rejected::OwnSource | Rejected::UnknownVrid => None,
        // The TTL is checked before the message is decoded.
        Rejected::Ttl => Advert::decode(&meta, bytes).ok().map(|decoded| decoded.advert.claim),
        Rejected::WrongVersion
        | Rejected::AuthenticationType
        | Rejected::Password
        | Rejected::Interval
        | Rejected::UnlistedSource
        | Rejected::NoCommonAddress
        | Rejected::NotListening => bytes.get(2).map(|octet| Claim::from(*octet)),
    }
}
