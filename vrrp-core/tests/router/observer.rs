//! What has to hold after any input, whatever came before: seen by a property test and a fuzzer.

use std::collections::BTreeMap;

use vrrp_core::{
    Advert, Answer, Claim, Event, Generation, Instant, Key, Output, Phase, Router, RxMeta, Want,
    play::{Given, Player, See, Step, To},
};

/// What is known of one virtual router from its outputs.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    phase: Option<Phase>,
    /// The request that was made last.
    want: Option<Want>,
    generation: Generation,
    /// Whether the backend holds the addresses.
    holds: bool,
}

/// Judges a router by what it puts out.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    player: Player,
    known: Ledger,
}

#[derive(Debug, Default)]
struct Ledger {
    routers: BTreeMap<Key, Known>,
    /// Outputs since the last input.
    outputs: usize,
}

impl Observer {
    pub(crate) fn play(&mut self, step: &Step) {
        if step.is_stalled {
            self.player.stall_until(step.at);
        } else {
            self.wait_until(step.at);
        }
        self.note_answer(&step.given);
        match &step.given {
            Given::Datagram { .. } => self.give_datagram(&step.given),
            given => {
                let _accepted = self.player.give(given);
            }
        }
        self.settle();
        assert!(self.player.serve(&mut self.known), "a deadline that was served is due again");
        self.settle();
    }

    fn wait_until(&mut self, until: Instant) {
        while let Some(at) = self.player.router().next_deadline()
            && at <= until
        {
            self.known.outputs = 0;
            let is_ahead = self.player.wait_until(at, &mut self.known);
            assert!(is_ahead, "a deadline that was served is due again");
        }
        self.player.stall_until(until);
    }

    /// Whatever it came to, two shutdowns end it.
    pub(crate) fn end(&mut self) {
        for _ in 0..2 {
            let _accepted = self.player.give(&Given::Shutdown);
            self.settle();
        }
        assert!(self.player.router().is_stopped(), "still running");
        let known = &self.known.routers;
        assert!(known.values().all(|known| !known.holds), "stopped, and held: {known:?}");
    }

    fn note_answer(&mut self, given: &Given) {
        let Given::Answer { key, to: To::Last, answer } = given else { return };
        let Some(known) = self.known.routers.get_mut(key) else { return };
        match (known.want, answer) {
            (Some(Want::Acquire), Answer::Held(_)) => known.holds = true,
            (Some(Want::Adopt), Answer::Adopted { .. }) => (known.holds, known.want) = (true, None),
            (Some(Want::Adopt), Answer::NothingLeft | Answer::Failed(_)) => known.want = None,
            _ => {}
        }
    }

    /// What is rejected moves no timer and has no effect, but for a notice.
    fn give_datagram(&mut self, given: &Given) {
        let before = states(self.player.router());
        let deadline = self.player.router().next_deadline();
        if self.player.give(given).is_ok() {
            return;
        }
        let mut notices = 0;
        self.player.poll(&mut |_, output: &Output<'_>| {
            assert!(matches!(output, Output::Event(Event::Notice { .. })), "{output:?}");
            notices += 1;
        });
        assert!(notices <= 1, "{notices} notices of one message");
        assert_eq!(states(self.player.router()), before, "a rejected message changed something");
        assert_eq!(self.player.router().next_deadline(), deadline, "it moved a deadline");
    }

    fn settle(&mut self) {
        self.known.outputs = 0;
        self.player.poll(&mut self.known);
        let router = self.player.router();
        for key in router.keys() {
            let status = router.status(&key).expect("it is there");
            let known = self.known.routers.entry(key).or_default();
            let told = known.phase.get_or_insert(status.phase);
            assert_eq!(status.phase, *told, "{key}: the observer was told something else");
            let asked = status.phase == Phase::Resigning && known.want == Some(Want::Acquire);
            let held = matches!(status.phase, Phase::Held | Phase::Adopted | Phase::Resigning);
            assert!(!held || asked || known.holds, "{key} is {told:?} without an address");
            assert_eq!(status.active_until.is_some(), status.phase.is_active());
        }
        assert_ne!(router.next_deadline(), Some(Instant::EPOCH));
    }
}

/// The phases, since when, and what is claimed.
fn states(router: &Router) -> Vec<(Key, Phase, Instant, Claim, Option<Instant>)> {
    let state = |key| {
        let status = router.status(&key)?;
        Some((key, status.phase, status.since, status.claim, status.active_until))
    };
    router.keys().filter_map(state).collect()
}

impl See for Ledger {
    fn see(&mut self, _now: Instant, output: &Output<'_>) {
        self.outputs += 1;
        assert!(self.outputs < 100, "there is no end to what it wants");
        match output {
            Output::Event(Event::Transition { key, from, to, .. }) => {
                assert_ne!(from, to);
                self.routers.entry(*key).or_default().phase = Some(*to);
            }
            Output::Event(_) | Output::Greet(_) | Output::Probe(_) | Output::Overhear { .. } => {}
            Output::Transmit(transmit) => {
                let known = self.routers.get(&transmit.key());
                let phase = known.and_then(|known| known.phase);
                let resigns = transmit.advert().claim == Claim::Resign;
                // A claim of a Backup is a last word; of one that takes no part there is none.
                let claims = matches!(
                    phase,
                    Some(Phase::Acquiring | Phase::Held | Phase::Adopted | Phase::Backup)
                );
                assert!(resigns || claims, "{phase:?} says {}", transmit.advert().claim);
                assert!(!resigns || !phase.is_some_and(Phase::is_active), "it resigns and stays");
                for packet in transmit.packets() {
                    let mut out = [0; Advert::MAX_LEN];
                    let len = packet.encode(&mut out).expect("large enough");
                    let (source, destination) = (packet.source(), packet.destination());
                    let interface = transmit.key().interface;
                    let meta = RxMeta { interface, source, destination, ttl: 255 };
                    let decoded = Advert::decode(&meta, &out[..len]).expect("it can be read");
                    assert_eq!(decoded.advert, *transmit.advert());
                }
            }
            Output::Lease(request) => {
                let known = self.routers.entry(request.key).or_default();
                assert!(request.generation > known.generation, "generations grow, for each key");
                match request.want {
                    Want::Acquire | Want::Adopt | Want::Release { .. } => known.holds = false,
                    Want::Repair | Want::Leaving => {
                        assert!(known.holds, "{:?} of nothing", request.want)
                    }
                    Want::Inspect => assert!(!known.holds, "an inspection of what is held"),
                }
                (known.want, known.generation) = (Some(request.want), request.generation);
            }
            Output::Announce(announce) => {
                let known = self.routers.get(&announce.key).expect("it was told of");
                let is_active = matches!(known.phase, Some(Phase::Held | Phase::Adopted));
                assert!(known.holds && is_active, "{known:?} is announced");
            }
        }
    }
}
