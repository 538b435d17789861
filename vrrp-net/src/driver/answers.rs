//! What backends said, passed on to the core.

use vrrp_core::{Input, Key, LeaseFailure, Reach};

use super::{
    Driver,
    leases::Answer,
    worker::{Call, Failure},
};
use crate::{clock::Clock, link::Link, monitor::Monitor};

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Takes what backends said. Before the first success is passed on the sockets are drained: a stronger
    /// advertisement that came meanwhile cancels the announcement.
    pub(super) fn take_answers(&mut self, answers: Vec<Answer>) {
        let acquired =
            |answer: &Answer| matches!(answer, Answer::Call { call: Call::Acquire, result: Ok(_), .. });
        if answers.iter().any(acquired) {
            self.drain_sockets();
        }
        for answer in answers {
            self.answer(answer);
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Renewed { id, round, names, result } => {
                self.effects.leases.renewed(id, round);
                if let Err(Failure { kind, text }) = result
                    && let Some(suppressed) = self.renewal_warning.pass(self.clock.now())
                {
                    let kind = kind.as_str();
                    tracing::warn!(
                        event = "renewal-failed", %names, kind, suppressed,
                        "the lease of {names} could not be renewed: {text}"
                    );
                }
            }
            Answer::Call { key, number, generation, call, result } => {
                self.effects.leases.answered(key, number);
                let result = self.note_result(&key, call, result);
                match call {
                    Call::Acquire | Call::Repair | Call::Inspect => {
                        self.input(Input::LeaseDone { key, generation, result });
                    }
                    // Not awaited by the core; what waits for it is looked after here.
                    Call::Leaving | Call::Release(_) => self.settle(),
                }
            }
        }
    }

    /// Keeps and logs what a backend said when it failed.
    fn note_result(
        &mut self,
        key: &Key,
        call: Call,
        result: Result<Reach, Failure>,
    ) -> Result<Reach, LeaseFailure> {
        result.map_err(|Failure { kind, text }| {
            if let Some(entry) = self.effects.members.get_mut(key) {
                let (name, call, kind) = (&*entry.name, call.as_str(), kind.as_str());
                tracing::warn!(
                    event = "backend-failed",
                    name,
                    call,
                    kind,
                    error = text,
                    "{name}: the backend could not {call}: {text}"
                );
                entry.error = Some(text);
            }
            kind
        })
    }
}
