//! What backends said, passed on to the core.

use vrrp_core::{Generation, Input, Instant, Key, LeaseFailure};

use super::{
    Driver,
    backends::call::{Answer, Call, Done, Failure},
};
use crate::{Adopted, Renewed, clock::Clock, link::Link, monitor::Monitor};

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Takes what backends said. Before the first success is passed on the sockets are drained: a
    /// stronger advertisement that came meanwhile cancels the announcement.
    pub(super) fn take_answers(&mut self, answers: Vec<Answer>) {
        let is_held = |answer: &Answer| {
            matches!(answer, Answer::Call { call: Call::Acquire | Call::Adopt, result: Ok(_), .. })
        };
        if answers.iter().any(is_held) {
            self.drain_sockets();
        }
        for answer in answers {
            self.answer(answer);
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Renewed { id, number, result } => {
                let keys = self.outbox.backends.renewed(id, number);
                match result {
                    Ok(renewed) => self.lost(&keys, &renewed),
                    Err(failure) => self.renewal_failed(&keys, &failure),
                }
            }
            Answer::Call { key, number, generation, call, asked_at, result } => {
                self.outbox.backends.answered(key, number);
                let result = self.note_result(&key, call, result);
                let answer = match (call, result) {
                    // Not awaited by the core; what waits for it is looked after here.
                    (Call::Leaving | Call::Release(_), _) => return self.settle(),
                    (Call::Adopt, Ok(Done::Adopted(adopted))) => {
                        return self.adopted(key, generation, asked_at, adopted);
                    }
                    (_, Err(failure)) => vrrp_core::Answer::Failed(failure),
                    (_, Ok(Done::Held(reach))) => vrrp_core::Answer::Held(reach),
                    (Call::Inspect, Ok(_)) => vrrp_core::Answer::Ready,
                    (Call::Adopt | Call::Acquire | Call::Repair, Ok(_)) => {
                        vrrp_core::Answer::NothingLeft
                    }
                };
                self.input(Input::Answer { key, generation, answer });
            }
        }
    }

    /// Tells the core what a backend found to be lost, of what it was asked to renew.
    fn lost(&mut self, keys: &[Key], renewed: &Renewed) {
        for (key, loss) in renewed.lost().filter(|(key, _)| keys.contains(key)) {
            self.lost_by_report(key, loss, "the backend");
        }
    }

    fn renewal_failed(&mut self, keys: &[Key], failure: &Failure) {
        let Some(suppressed) = self.renewal_warning.pass(self.clock.now()) else { return };
        let entries = keys.iter().filter_map(|key| self.outbox.members.get(key));
        let names = entries.map(|entry| &*entry.name).collect::<Vec<_>>().join(", ");
        let (kind, text) = (failure.kind.as_str(), &failure.text);
        tracing::warn!(
            event = "renewal-failed", %names, kind, suppressed,
            "the lease of {names} could not be renewed: {text}"
        );
    }

    /// Tells the core what an earlier process left behind.
    fn adopted(&mut self, key: Key, generation: Generation, asked_at: Instant, adopted: Adopted) {
        let Adopted { reach, renewed_ago, completed } = adopted;
        let Some(entry) = self.outbox.members.get_mut(&key) else { return };
        let interval = entry.router.interval();
        // What is renewed was advertised before: an interval earlier at most, and not much earlier
        // than renewals wait for each other.
        let before = interval.duration().min(entry.backend.pace().saturating_mul(2));
        // Counted from the question: the answer may have waited.
        let seen = asked_at - renewed_ago.saturating_add(before);
        let told = entry.succeeds_until.take().map(|until| until - interval.timing().silence());
        let advertised_at = told.map_or(seen, |told| told.max(seen));
        let answer = vrrp_core::Answer::Adopted { reach, advertised_at };
        self.input(Input::Answer { key, generation, answer });
        if completed {
            self.input(Input::Announce { key });
        }
    }

    /// Keeps and logs what a backend said when it failed, and that it let go of what it could not
    /// let go of before.
    fn note_result(
        &mut self,
        key: &Key,
        call: Call,
        result: Result<Done, Failure>,
    ) -> Result<Done, LeaseFailure> {
        let lets_go = call.lets_go();
        if let Some(entry) = self.outbox.members.get_mut(key)
            && result.is_ok()
            && lets_go
            && entry.unreleased.take().is_some()
        {
            let name = &*entry.name;
            tracing::info!(
                event = "released",
                name,
                "{name}: the backend has let go of the addresses after all"
            );
        }
        result.map_err(|Failure { kind, text }| {
            if let Some(entry) = self.outbox.members.get_mut(key) {
                let (name, call, kind) = (&*entry.name, call.as_str(), kind.as_str());
                tracing::warn!(
                    event = "backend-failed",
                    name,
                    call,
                    kind,
                    error = text,
                    "{name}: the backend could not {call}: {text}"
                );
                let place = if lets_go { &mut entry.unreleased } else { &mut entry.error };
                *place = Some(text);
                if !lets_go {
                    self.outbox.tell_backend(*key);
                }
            }
            kind
        })
    }
}
