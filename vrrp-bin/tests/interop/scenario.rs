//! The situations in which two or three nodes have to agree.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Frr, Keepalived, Ticker, wait_until};

use crate::{
    mode::{HIGH, INTERVAL, LOW, MIDDLE, Make, Mode, REFRESH},
    support::{Outcome, SLACK, SOON, check, now, wait_for, within},
    world::World,
};

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    WeStartFirst,
    TheyStartFirst,
    WePreempt,
    TheyPreempt,
    TieWeAreHigher,
    TieTheyAreHigher,
    WeResign,
    TheyResign,
    WeCrash,
    TheyCrash,
    HealWeWin,
    HealTheyWin,
    ThreeNodes,
}

const US: usize = 0;
const THEM: usize = 1;
const PAIR: [usize; 2] = [US, THEM];

const STRONG: u8 = 200;
const WEAK: u8 = 100;
const BETWEEN: u8 = 150;

/// What a scenario measured: the takeover's milliseconds beyond the arithmetic.
type Measured = Result<Option<f64>, Failed>;

impl Scenario {
    pub(crate) const ALL: [Self; 13] = [
        Self::WeStartFirst,
        Self::TheyStartFirst,
        Self::WePreempt,
        Self::TheyPreempt,
        Self::TieWeAreHigher,
        Self::TieTheyAreHigher,
        Self::WeResign,
        Self::TheyResign,
        Self::WeCrash,
        Self::TheyCrash,
        Self::HealWeWin,
        Self::HealTheyWin,
        Self::ThreeNodes,
    ];

    /// Its name, and what it means.
    fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::WeStartFirst => (
                "we_start_first",
                "we are active when they start with a lower priority: they stay silent",
            ),
            Self::TheyStartFirst => {
                ("they_start_first", "the same with them active and us starting")
            }
            Self::WePreempt => {
                ("we_preempt", "they are active when we start with a higher priority: they yield")
            }
            Self::TheyPreempt => (
                "they_preempt",
                "we are active when they start with a higher priority: we yield at once",
            ),
            Self::TieWeAreHigher => (
                "tie_we_are_higher",
                "both became active apart, with equal priorities; our source address is the higher \
                 number, theirs has the higher last octet: we stay",
            ),
            Self::TieTheyAreHigher => {
                ("tie_they_are_higher", "the same the other way round: they stay")
            }
            Self::WeResign => {
                ("we_resign", "we are active and get SIGTERM: they take over in their Skew_Time")
            }
            Self::TheyResign => {
                ("they_resign", "they are active and get SIGTERM: we take over in our Skew_Time")
            }
            Self::WeCrash => (
                "we_crash",
                "we are active and get SIGKILL: they take over after their Active_Down_Interval, \
                 and the kernel removes the address from our node",
            ),
            Self::TheyCrash => (
                "they_crash",
                "they are active and get SIGKILL: we take over after our Active_Down_Interval",
            ),
            Self::HealWeWin => (
                "heal_we_win",
                "a cable is cut, both are active, it is mended: we stay, with the higher priority, \
                 and neighbours hear of it",
            ),
            Self::HealTheyWin => ("heal_they_win", "the same, and they stay"),
            Self::ThreeNodes => (
                "three_nodes",
                "a third node: of the other make, or a second of ours where FRR cannot (passwords, \
                 unicast). Theirs is active and crashes, ours follows and crashes, the third \
                 follows",
            ),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.text().0
    }

    pub(crate) fn meaning(self) -> &'static str {
        self.text().1
    }

    /// Why it cannot be played here.
    pub(crate) fn missing(self, mode: Mode) -> Option<String> {
        let has_both = self == Self::ThreeNodes && mode.suits_frr();
        let keepalived = Keepalived::missing().filter(|_| !mode.is_frr || has_both);
        keepalived.or_else(|| Frr::missing().filter(|_| mode.is_frr || has_both))
    }

    pub(crate) fn play(self, mode: Mode, ticker: &Ticker) -> Measured {
        let world = &mut self.world(mode)?;
        let outcome = match self {
            Self::WeStartFirst => start_first(world, US, THEM),
            Self::TheyStartFirst => start_first(world, THEM, US),
            Self::WePreempt => preempt(world, US, THEM, ticker),
            Self::TheyPreempt => preempt(world, THEM, US, ticker),
            Self::TieWeAreHigher => tie(world, US, THEM, ticker),
            Self::TieTheyAreHigher => tie(world, THEM, US, ticker),
            Self::WeResign => resign(world, US, THEM, ticker),
            Self::TheyResign => resign(world, THEM, US, ticker),
            Self::WeCrash => crash(world, US, THEM, ticker),
            Self::TheyCrash => crash(world, THEM, US, ticker),
            Self::HealWeWin => heal(world, US, THEM, ticker),
            Self::HealTheyWin => heal(world, THEM, US, ticker),
            Self::ThreeNodes => three_nodes(world, ticker),
        };
        outcome.map_err(|failure| {
            let why = failure.message().unwrap_or("no message");
            format!("{why}{}", world.evidence()).into()
        })
    }

    fn world(self, mode: Mode) -> Result<World, Failed> {
        let (us, them) = if self == Self::TieWeAreHigher { (HIGH, LOW) } else { (LOW, MIDDLE) };
        let mut members = vec![(Make::Ours, us), (mode.make(), them)];
        if self == Self::ThreeNodes {
            let third = match (mode.suits_frr(), mode.make()) {
                (false, _) => Make::Ours,
                (true, Make::Keepalived) => Make::Frr,
                (true, _) => Make::Keepalived,
            };
            members.push((third, HIGH));
        }
        World::new(mode, &members)
    }
}

fn start_first(world: &mut World, first: usize, second: usize) -> Measured {
    world.start(first, STRONG)?;
    world.wait_for_active(first)?;
    world.start(second, WEAK)?;
    let started = now();
    world.settled(first, &PAIR)?;
    // Long enough for the second one to take over, if it did not hear or understand the first.
    let patience = started + world.mode.active_down(world.members[second].make, WEAK) + INTERVAL;
    let member = &world.members[first];
    wait_for(&world.capture, "advertisement", patience, |frame| member.said(frame).is_some())?;
    let sent = world.adverts(&world.members[second], Duration::ZERO).len();
    check(sent == 0, format!("the second advertised {sent} times"))?;
    world.settled(first, &PAIR)?;
    Ok(None)
}

fn preempt(world: &mut World, strong: usize, weak: usize, ticker: &Ticker) -> Measured {
    world.start(weak, WEAK)?;
    world.wait_for_active(weak)?;
    world.start(strong, STRONG)?;
    let member = &world.members[strong];
    let first = wait_for(&world.capture, "advertisement", Duration::ZERO, |frame| {
        member.said(frame) == Some(STRONG)
    })?;
    world.settled(strong, &PAIR)?;
    yielded(world, weak, first, Duration::ZERO, ticker)?;
    Ok(None)
}

/// `loser` advertised nothing any more later than `patience` after `heard`.
fn yielded(
    world: &World,
    loser: usize,
    heard: Duration,
    patience: Duration,
    ticker: &Ticker,
) -> Outcome {
    let last = world.adverts(&world.members[loser], heard).last().copied();
    let took = last.unwrap_or(heard) - heard;
    within("the loser's last advertisement", took, (Duration::ZERO, patience), SLACK, ticker)
}

/// Nobody yields to an equal as a backup (RFC 9568 6.4.2); the address decides between two that are
/// active.
fn tie(world: &mut World, winner: usize, loser: usize, ticker: &Ticker) -> Measured {
    world.members[loser].node.cable.cut()?;
    world.start(winner, WEAK)?;
    world.start(loser, WEAK)?;
    world.wait_for_active(winner)?;
    world.wait_for_active(loser)?;
    mend(world, winner, loser, loser, ticker)
}

fn heal(world: &mut World, winner: usize, loser: usize, ticker: &Ticker) -> Measured {
    world.start(winner, STRONG)?;
    world.start(loser, WEAK)?;
    world.settled(winner, &PAIR)?;
    world.members[US].node.cable.cut()?;
    world.wait_for_active(loser)?;
    check(world.members[winner].is_active()?, "the stronger one is not active any more")?;
    mend(world, winner, loser, US, ticker)
}

/// Two that are active meet: within an interval there is one, and neighbours are told where the
/// address is.
fn mend(world: &World, winner: usize, loser: usize, cut: usize, ticker: &Ticker) -> Measured {
    world.members[cut].node.cable.mend()?;
    let mended = now();
    world.settled(winner, &PAIR)?;
    yielded(world, loser, mended, INTERVAL + world.members[winner].last_words(), ticker)?;
    announces(world, winner, loser, mended, ticker)?;
    Ok(None)
}

/// The winner tells neighbours where the address is. One of ours does so as soon as it hears the
/// loser. A loser of another make that heard the winner first says nothing more, and then only the
/// refresh remains. FRR announces when it becomes active, and never again: nothing is asserted of
/// it.
fn announces(
    world: &World,
    winner: usize,
    loser: usize,
    mended: Duration,
    ticker: &Ticker,
) -> Outcome {
    let member = &world.members[winner];
    if member.make == Make::Frr {
        return Ok(());
    }
    let heard = world.adverts(&world.members[loser], mended).first().copied();
    let at = wait_for(&world.capture, "announcement of the winner", mended, |frame| {
        frame.at >= heard.unwrap_or(mended) && member.announced(frame)
    })?;
    let (since, most) = heard.map_or((mended, REFRESH), |heard| (heard, Duration::ZERO));
    // Others are not in a hurry.
    let most = if member.make == Make::Ours { most } else { REFRESH };
    within("announcement of the winner", at - since, (Duration::ZERO, most), SLACK, ticker)
}

/// `active` and `backup` in their places.
fn elect(world: &mut World, active: usize, backup: usize) -> Outcome {
    world.start(active, STRONG)?;
    world.start(backup, WEAK)?;
    world.settled(active, &PAIR)
}

fn resign(world: &mut World, gone: usize, heir: usize, ticker: &Ticker) -> Measured {
    elect(world, gone, heir)?;
    let begun = now();
    world.members[gone].terminate()?;
    let beyond = world.after_resignation((gone, heir, WEAK), begun, ticker)?;
    if gone == US {
        check(world.members[US].node.wait()?, "we did not end with status 0")?;
    }
    lets_go(world, gone)?;
    world.settled(heir, &[heir])?;
    Ok(Some(beyond))
}

fn crash(world: &mut World, gone: usize, heir: usize, ticker: &Ticker) -> Measured {
    elect(world, gone, heir)?;
    let begun = now();
    world.members[gone].kill()?;
    let beyond = world.after_crash((gone, heir, WEAK), begun, ticker)?;
    // keepalived leaves the address behind when it dies.
    if gone == US {
        lets_go(world, gone)?;
    }
    world.settled(heir, &[heir])?;
    Ok(Some(beyond))
}

fn lets_go(world: &World, gone: usize) -> Outcome {
    let member = &world.members[gone];
    let is_gone = wait_until(SOON, || matches!(member.serves(), Ok(false)));
    check(is_gone, format!("{} left the address behind", member.node.name))
}

fn three_nodes(world: &mut World, ticker: &Ticker) -> Measured {
    const THIRD: usize = 2;
    world.start(THEM, STRONG)?;
    world.start(US, BETWEEN)?;
    world.start(THIRD, WEAK)?;
    world.settled(THEM, &[US, THEM, THIRD])?;
    let begun = now();
    world.members[THEM].kill()?;
    let beyond = world.after_crash((THEM, US, BETWEEN), begun, ticker)?;
    world.settled(US, &[US, THIRD])?;
    let begun = now();
    world.members[US].kill()?;
    world.after_crash((US, THIRD, WEAK), begun, ticker)?;
    lets_go(world, US)?;
    world.settled(THIRD, &[THIRD])?;
    Ok(Some(beyond))
}
