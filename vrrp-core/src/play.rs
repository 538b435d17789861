//! Inputs as values, and a [`Player`] that gives them to a [`Router`]: a list of [`Step`]s is at
//! once a replay, a fuzz case, a simulation and a benchmark.
//!
//! ```
//! use core::time::Duration;
//! use vrrp_core::{
//!     Centiseconds, Desired, Event, Instant, InterfaceDetails, InterfaceId, InterfaceStatus, Output,
//!     VirtualRouter,
//!     play::{Given, Player, Step},
//! };
//!
//! let eth0 = InterfaceId::new(1.try_into()?);
//! let addresses = vrrp_core::Ipv4Addresses::new(["192.0.2.1".parse::<core::net::Ipv4Addr>()?])?;
//! let mut desired = Desired::new();
//! desired.insert(
//!     eth0,
//!     VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND),
//! )?;
//! let ipv4 = "192.0.2.2".parse().ok();
//! let status = InterfaceStatus::Up(InterfaceDetails { ipv4, ..InterfaceDetails::default() });
//! let steps = [
//!     Step::new(Instant::EPOCH, Given::Interface { id: eth0, status }),
//!     Step::new(Instant::EPOCH, Given::Configure(desired)),
//! ];
//! let (mut player, mut phases) = (Player::default(), Vec::new());
//! let mut see = |_, output: &Output<'_>| {
//!     if let Output::Event(Event::Transition { to, .. }) = output {
//!         phases.push(to.as_str());
//!     }
//! };
//! for step in &steps {
//!     player.play(step, &mut see);
//! }
//! // Each request is answered as a working backend would.
//! player.answer_all(&mut see);
//! player.wait_until(Instant::EPOCH + Duration::from_secs(4), &mut see);
//! player.answer_all(&mut see);
//! assert_eq!(phases, ["backup", "acquiring", "held"]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

#[cfg(feature = "arbitrary")]
mod arbitrary;

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::IpAddr;

#[cfg(feature = "arbitrary")]
pub use arbitrary::SmallWorld;

use crate::{
    Answer, Desired, Generation, Health, Input, Instant, InterfaceId, InterfaceStatus, Key, Loss,
    Output, Reach, Rejected, Router, RxMeta, Sighting, Want,
};

/// One input and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// Its time, not before that of the previous step.
    pub at: Instant,
    /// Whether the process was stopped since the previous step: deadlines that passed meanwhile are
    /// served late, after this input.
    pub is_stalled: bool,
    /// The input.
    pub given: Given,
}

/// What a [`Step`] gives: an [`Input`] that owns its data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "one for each input; a player has to give each")]
pub enum Given {
    /// [`Input::Configure`].
    Configure(Desired),
    /// [`Input::Interface`].
    Interface {
        /// The interface.
        id: InterfaceId,
        /// Its current state.
        status: InterfaceStatus,
    },
    /// [`Input::Datagram`].
    Datagram {
        /// What the socket reports about it.
        meta: RxMeta,
        /// IP payload.
        bytes: Vec<u8>,
    },
    /// [`Input::Answer`].
    Answer {
        /// The virtual router.
        key: Key,
        /// Which request it answers.
        to: To,
        /// The backend's answer.
        answer: Answer,
    },
    /// [`Input::LeaseLost`].
    LeaseLost {
        /// The virtual router.
        key: Key,
        /// How the address was lost.
        loss: Loss,
    },
    /// [`Input::SendFailed`].
    SendFailed(Key),
    /// [`Input::Unreached`].
    Unreached(Key),
    /// [`Input::Drain`].
    Drain {
        /// The virtual router.
        key: Key,
        /// Release even if nobody takes over.
        force: bool,
    },
    /// [`Input::Resume`].
    Resume(Key),
    /// [`Input::Health`].
    Health {
        /// The virtual router.
        key: Key,
        /// The sum of what checks say.
        health: Health,
    },
    /// [`Input::Sighting`].
    Sighting(Sighting),
    /// [`Input::Overheard`].
    Overheard {
        /// The virtual router.
        key: Key,
        /// Where the advertisement comes from.
        source: IpAddr,
    },
    /// [`Input::Announce`].
    Announce(Key),
    /// [`Input::Timeout`], whether it is due or not.
    Timeout,
    /// [`Input::Shutdown`].
    Shutdown,
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the last one, or a certain one")]
pub enum To {
    /// The request that was polled last for the virtual router.
    Last,
    /// The request of this generation, which may be an old one.
    Generation(Generation),
}

impl Step {
    /// Creates a step of a process that was not stopped.
    #[must_use]
    pub const fn new(at: Instant, given: Given) -> Self {
        Self { at, is_stalled: false, given }
    }
}

/// Gives steps to a [`Router`], and serves its deadlines as a driver does.
#[derive(Debug, Default)]
pub struct Player {
    router: Router,
    now: Instant,
    /// The last request for each virtual router.
    requests: BTreeMap<Key, Request>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    generation: Generation,
    want: Want,
    is_answered: bool,
}

/// Observes each output, with its time.
pub trait See {
    /// Observes one output.
    fn see(&mut self, now: Instant, output: &Output<'_>);
}

impl<F: FnMut(Instant, &Output<'_>)> See for F {
    fn see(&mut self, now: Instant, output: &Output<'_>) {
        self(now, output);
    }
}

impl Player {
    /// Returns the router.
    #[must_use]
    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// Returns the router without the player.
    #[must_use]
    pub fn into_router(self) -> Router {
        self.router
    }

    /// Returns the time of the last input.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Waits for the step, gives its input, and polls the outputs. Returns whether no deadline
    /// stayed due after it was served; one that does would make a driver spin forever.
    pub fn play(&mut self, step: &Step, see: &mut impl See) -> bool {
        let is_ahead = if step.is_stalled {
            self.stall_until(step.at);
            true
        } else {
            self.wait_until(step.at, see)
        };
        let _accepted = self.give(&step.given);
        self.poll(see);
        is_ahead && self.serve(see)
    }

    /// Serves the deadlines up to `until`, each at its time. Returns whether none of them stayed
    /// due.
    pub fn wait_until(&mut self, until: Instant, see: &mut impl See) -> bool {
        while let Some(at) = self.router.next_deadline()
            && at <= until
        {
            self.now = self.now.max(at);
            if !self.serve(see) {
                return false;
            }
        }
        self.now = self.now.max(until);
        true
    }

    /// Lets time pass without serving what becomes due, as if the process were stopped.
    pub fn stall_until(&mut self, until: Instant) {
        self.now = self.now.max(until);
    }

    /// Serves what is due now. Returns whether the next deadline is ahead after two turns; the
    /// second one forgets what was removed.
    pub fn serve(&mut self, see: &mut impl See) -> bool {
        for _ in 0..2 {
            if self.is_ahead() {
                break;
            }
            let _accepted = self.give(&Given::Timeout);
            self.poll(see);
        }
        self.is_ahead()
    }

    fn is_ahead(&self) -> bool {
        self.router.next_deadline().is_none_or(|at| at > self.now)
    }

    /// Gives one input now, without polling the outputs.
    ///
    /// # Errors
    /// [`Rejected`] for a datagram that was refused.
    pub fn give(&mut self, given: &Given) -> Result<(), Rejected> {
        if let Given::Datagram { meta, bytes } = given {
            return self.router.receive(self.now, *meta, bytes);
        }
        if let Given::Answer { key, to: To::Last, .. } = given
            && let Some(request) = self.requests.get_mut(key)
        {
            request.is_answered = true;
        }
        let input = given.input(|key| self.requests.get(key).map(|request| request.generation));
        self.router.handle(self.now, input);
        Ok(())
    }

    /// Polls all outputs of the inputs so far.
    pub fn poll(&mut self, see: &mut impl See) {
        while let Some(output) = self.router.poll_output() {
            if let Output::Lease(request) = &output {
                let (generation, want) = (request.generation, request.want);
                let is_answered = want.done(Reach::OnLink).is_none();
                self.requests.insert(request.key, Request { generation, want, is_answered });
            }
            see.see(self.now, &output);
        }
    }

    /// Answers every open request like a working backend that finds nothing to adopt.
    pub fn answer_all(&mut self, see: &mut impl See) {
        while let Some((key, answer)) = self.open_request() {
            let _accepted = self.give(&Given::Answer { key, to: To::Last, answer });
            self.poll(see);
        }
    }

    fn open_request(&self) -> Option<(Key, Answer)> {
        let mut open = self.requests.iter().filter(|(_, request)| !request.is_answered);
        open.find_map(|(key, request)| Some((*key, request.want.done(Reach::OnLink)?)))
    }
}

impl Given {
    /// Returns the input. An answer to the last request takes its generation from `last`.
    fn input(&self, last: impl FnOnce(&Key) -> Option<Generation>) -> Input<'_> {
        match *self {
            Self::Configure(ref desired) => Input::Configure(desired),
            Self::Interface { id, status } => Input::Interface { id, status },
            Self::Datagram { meta, ref bytes } => Input::Datagram { meta, bytes },
            Self::Answer { key, to: To::Last, answer } => {
                let generation = last(&key).unwrap_or_default();
                Input::Answer { key, generation, answer }
            }
            Self::Answer { key, to: To::Generation(generation), answer } => {
                Input::Answer { key, generation, answer }
            }
            Self::LeaseLost { key, loss } => Input::LeaseLost { key, loss },
            Self::SendFailed(key) => Input::SendFailed { key },
            Self::Unreached(key) => Input::Unreached { key },
            Self::Drain { key, force } => Input::Drain { key, force },
            Self::Resume(key) => Input::Resume { key },
            Self::Health { key, health } => Input::Health { key, health },
            Self::Sighting(sighting) => Input::Sighting(sighting),
            Self::Overheard { key, source } => Input::Overheard { key, source },
            Self::Announce(key) => Input::Announce { key },
            Self::Timeout => Input::Timeout,
            Self::Shutdown => Input::Shutdown,
        }
    }
}
