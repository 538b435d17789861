//! A model of RFC 9568 6.4 and RFC 3768 6.4 that was written from their text, against the router.
//!
//! Model and router get the same random events, the router as real octets. After each of them the
//! states, the deadlines, and every octet that was sent have to be equal. `REFERENCE_SEED=7`
//! replays one trace.
#![expect(clippy::expect_used, reason = "a test: what cannot be is a failure")]

mod codec;
mod health;
mod judge;
mod model;
mod play;
mod probation;
#[path = "../simulation/random.rs"]
mod random;
mod settings;
mod traffic;

use health::Service;
use judge::Datagram;
use model::{Holding, State};
use play::{Event, Play};
use random::Random;

/// The events of one trace.
const STEPS: u64 = 300;
/// As many traces are 100,000 events, and a million where `SIMULATION_SEEDS` is 20,000.
const TRACES: u64 = 334;

fn traces() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    match (number("REFERENCE_SEED"), number("SIMULATION_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => 0..seeds.div_ceil(6),
        (None, None) => 0..TRACES,
    }
}

#[test]
fn the_router_does_what_the_text_says_whatever_happens() {
    for seed in traces() {
        let mut random = Random::new(seed);
        let mut play = Play::new(seed, &mut random);
        for _ in 0..STEPS {
            step(&mut play, &mut random);
        }
    }
}

/// One event, at a time that is drawn: at once, somewhere before the next timer, 1 ns before it, on
/// time, or late.
fn step(play: &mut Play, random: &mut Random) {
    let due = play.model.deadline();
    match random.below(104) {
        0..40 => {
            let soon = due.map_or(1_000_000, |due| due.saturating_sub(play.now));
            let pause = if random.chance(50) { 0 } else { random.below(soon + 1) };
            play.now += pause;
            let datagram = Datagram::draw(random, &play.model.settings);
            play.event(Event::Arrives(datagram));
        }
        40..85 => {
            let Some(due) = due else { return play.event(Event::Startup) };
            if due > play.now + 1 {
                play.now = due - 1;
                play.event(Event::Time);
            }
            play.now = play.now.max(due);
            play.event(Event::Time);
        }
        85..87 => {
            play.now += random.below(4 * play.model.settings.advertisement_interval());
            play.event(Event::Time);
        }
        87 => {
            reach_the_bound(play, random);
            play.event(Event::Time);
        }
        88 => {
            reach_the_bound(play, random);
            let datagram = Datagram::draw(random, &play.model.settings);
            play.event(Event::Arrives(datagram));
        }
        // More than may be answered in an interval.
        89 => {
            for _ in 0..12 {
                let datagram = Datagram::to_be_answered(random, &play.model.settings);
                play.event(Event::Arrives(datagram));
            }
        }
        90..96 if play.acquiring => play.event(Event::Acquired),
        96..98 => play.event(Event::Shutdown),
        98..100 if may_return(play) => play.event(Event::Startup),
        100..104 => {
            let weight = *random.pick(&[0, 0, -1, -40, -253, 60, 253]);
            let services = [
                Service::Good,
                Service::Good,
                Service::Unknown,
                Service::Out,
                Service::Ill,
                Service::Ill,
            ];
            // What an ill Active does whose backend has not answered is in the table of cells.
            let service = *random.pick(if play.acquiring { &services[..4] } else { &services });
            play.event(Event::Health(service, weight));
        }
        _ => play.event(Event::Time),
    }
}

/// Three intervals after the last advertisement of an Active or after its promotion, or 1 ns
/// before, if that is to come.
fn reach_the_bound(play: &mut Play, random: &mut Random) {
    let State::Active(active) = play.model.state else { return };
    let since = *random.pick(&[active.advertised_at, active.promoted_at]);
    let bound = since + 3 * play.model.settings.advertisement_interval() - random.below(2);
    play.now = play.now.max(bound);
}

/// A handover that has outlived three intervals since the last advertisement is not taken back
/// here: what becomes of it then is no question of the RFCs.
fn may_return(play: &Play) -> bool {
    match play.model.state {
        State::Active(active) if matches!(active.holding, Holding::Leaving { .. }) => {
            play.now < active.advertised_at + 3 * play.model.settings.advertisement_interval()
        }
        State::Initialize | State::Backup(_) | State::Active(_) => true,
    }
}
