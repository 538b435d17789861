//! Ports die, flap, or carry one way only.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::{Direction, Ticker};

use crate::{
    Case, Play,
    figures::{Figures, at_most, short},
    play::beside,
    site::{A, B, Plan, SECOND, Site, TENTH, pass},
    support::{Outcome, check, now},
};

const FLAPS: u32 = 10;
/// For how long a flapping port is dead, and then alive.
const FLAP: Duration = Duration::from_millis(200);
/// For how long a partition lasts. It begins 100 ms after an advertisement of the stronger node:
/// the weaker one, which takes over 3.6 s after that, advertises first when it is healed; after the
/// others the stronger one does.
const LASTS: Duration = Duration::from_secs(7);
const STRONGER_FIRST: Duration = Duration::from_millis(5700);
const LONG: Duration = Duration::from_millis(11700);

const fn case(
    name: &'static str,
    fault: &'static str,
    promise: &'static str,
    seconds: u32,
    needs: Option<&'static str>,
    play: fn(&Ticker) -> Result<Figures, Failed>,
) -> Case {
    Case { name, fault, promise, seconds, needs, is_long: false, play: Play::Timed(play) }
}

const HEALS: &str = "a takeover in its time; after healing one node within an interval, the client \
    at it within 1 s";

pub(crate) const CASES: &[Case] = &[
    case(
        "flap_active",
        "port of the active node flaps 10 times (0.2 s), 1 s interval",
        "at most 1 takeover",
        13,
        None,
        |_| flap(A),
    ),
    case(
        "flap_backup",
        "port of the backup flaps 10 times (0.2 s), 1 s interval",
        "at most 1 takeover",
        13,
        None,
        |_| flap(B),
    ),
    case(
        "power_cut",
        "port of the active node dead for 7 s, 1 s interval",
        HEALS,
        16,
        None,
        |ticker| partition(Way::Dead, LASTS, ticker),
    ),
    case(
        "power_cut_winner_first",
        "the same for 5.7 s: the stronger node speaks first when it is healed",
        HEALS,
        16,
        None,
        |ticker| partition(Way::Dead, STRONGER_FIRST, ticker),
    ),
    case("power_cut_long", "the same for 11.7 s", HEALS, 21, None, |ticker| {
        partition(Way::Dead, LONG, ticker)
    }),
    case(
        "mute_active",
        "what the active node sends is lost for 7 s, 1 s interval",
        HEALS,
        16,
        Some("nft"),
        |ticker| partition(Way::MuteActive, LASTS, ticker),
    ),
    case(
        "deaf_active",
        "what is sent to the active node is lost for 7 s, 1 s interval",
        "nobody can know: no takeover; the client is served again once its host asks for the \
         address anew, 1.1 s after healing at most",
        16,
        Some("nft"),
        |ticker| partition(Way::DeafActive, LASTS, ticker),
    ),
    case(
        "deaf_backup",
        "the backup does not hear the active node for 7 s, 1 s interval",
        "both have it meanwhile; after healing one node within an interval, the client at it \
         within 1 s",
        16,
        Some("nft"),
        |ticker| partition(Way::DeafBackup, LASTS, ticker),
    ),
];

/// How often the backup took over while a port flapped.
fn flap(port: usize) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        let (mark, begun) = (site.client.mark(), now());
        for number in 0..FLAPS {
            pass(begun + 2 * number * FLAP);
            site.members[port].node.cable.cut()?;
            pass(begun + (2 * number + 1) * FLAP);
            site.members[port].node.cable.mend()?;
        }
        // A takeover that is due now would be seen.
        pass(now() + site.plan.active_down(B));
        let loss = site.loss_since(mark)?;
        site.is_at(A)?;
        let takeovers =
            site.members[B].watch.held().iter().filter(|held| held.from >= begun).count();
        Ok((takeovers, loss.lost))
    })?;
    seen.judge(
        |(takeovers, _)| check(*takeovers <= 1, "it was taken over more than once"),
        |(takeovers, lost)| format!("{takeovers} takeovers; {lost} ms lost"),
    )
}

/// What is between the nodes and the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Dead,
    MuteActive,
    DeafActive,
    DeafBackup,
}

impl Way {
    fn begin(self, site: &Site) -> Outcome {
        let [a, b] = [A, B].map(|who| &site.members[who].node.cable);
        match self {
            Self::Dead => a.cut()?,
            Self::MuteActive => a.block(Direction::FromHost)?,
            Self::DeafActive => a.block(Direction::ToHost)?,
            Self::DeafBackup => a.lose_to(b, 100.0)?,
        }
        Ok(())
    }

    /// How long after healing the client may lose packets. Where nobody announces anything, because
    /// no node noticed, its host finds the address by itself: it asks once a second
    /// (`retrans_time_ms`; RFC 4861 10, RETRANS_TIMER), by a timer that is late by a few ticks.
    const fn settles_within(self) -> Duration {
        match self {
            Self::Dead | Self::MuteActive | Self::DeafBackup => SECOND,
            Self::DeafActive => Duration::from_millis(1100),
        }
    }

    /// Whether the backup hears nobody.
    const fn is_taken_over(self) -> bool {
        !matches!(self, Self::DeafActive)
    }
}

/// What a partition did.
struct Partition {
    /// How long the client was cut off in it.
    outage: Duration,
    /// How long after it began the backup took over.
    took: Option<Duration>,
    /// How long after healing the loser had let go.
    both: Duration,
    /// How long the client was cut off after healing.
    after: Duration,
    /// What the client lost later than it may after healing.
    late: u64,
}

fn partition(way: Way, lasts: Duration, ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan::pair(SECOND);
    let seen = beside(&plan, |site| play(site, way, lasts))?;
    seen.judge(|partition| is_bounded(partition, way, &plan, ticker), tell)
}

fn is_bounded(partition: &Partition, way: Way, plan: &Plan, ticker: &Ticker) -> Outcome {
    let Partition { outage, took, both, late, .. } = partition;
    let longest = plan.active_down(B);
    check(took.is_some() == way.is_taken_over(), format!("{way:?}: taken over: {took:?}"))?;
    if let Some(took) = took {
        at_most("takeover", *took, longest, ticker)?;
        at_most("the client was cut off for", *outage, longest, ticker)?;
    }
    at_most("both had the address after healing", *both, plan.interval, ticker)?;
    let settled = way.settles_within().as_millis();
    check(
        *late == 0,
        format!("the client lost {late} packets later than {settled} ms after healing"),
    )
}

fn play(site: &mut Site, way: Way, lasts: Duration) -> Result<Partition, Failed> {
    site.elect()?;
    site.after_advert(A, TENTH)?;
    let (mark, begun) = (site.client.mark(), now());
    way.begin(site)?;
    pass(begun + lasts);
    let first = site.members[B].watch.held().first().copied();
    let end = site.client.mark();
    site.members[A].node.cable.mend()?;
    let healed = now();
    pass(healed + way.settles_within());
    let settled = site.client.mark();
    pass(healed + 3 * SECOND);
    let last = site.client.mark();
    site.is_at(A)?;
    let adverts = site.adverts(B, healed + SECOND);
    check(adverts == 0, format!("the backup advertised {adverts} times after it had lost"))?;
    let let_go = site.members[B].watch.held().last().and_then(|last| last.until);
    // Until it is known which packets are lost.
    pass(now() + SECOND / 2);
    Ok(Partition {
        outage: site.client.between(mark, end).longest_gap,
        took: first.map(|held| held.from.saturating_sub(begun)),
        both: let_go.map(|at| at.saturating_sub(healed)).unwrap_or_default(),
        after: site.client.between(end, last).longest_gap,
        late: site.client.between(settled, last).lost,
    })
}

fn tell(partition: &Partition) -> String {
    let Partition { outage, took, both, after, .. } = partition;
    let took = took
        .map_or_else(|| "no takeover".to_owned(), |took| format!("takeover after {}", short(took)));
    let [outage, both, after] = [outage, both, after].map(|time| short(*time));
    format!(
        "{took}, client cut off for {outage}; after healing both had it for {both}, client cut off \
         for {after}"
    )
}
