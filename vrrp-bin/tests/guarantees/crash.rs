//! A process is killed, and started again or not.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::Ticker;

use crate::{
    Case, Play,
    figures::{Figures, Spread, at_most, short},
    member::Make,
    play::{beside, many, together, with_keepalived},
    site::{A, B, Plan, SECOND, Site, TENTH, pass},
    support::{check, has_moved, now},
};

/// When the process is killed after an advertisement, and when a supervisor starts it again after
/// that.
const PHASES: [Duration; 3] = [TENTH, Duration::from_millis(500), Duration::from_millis(900)];
const SUPERVISOR: Duration = Duration::from_millis(900);
/// How many times a process is killed for good.
const RUNS: u32 = 10;
/// How long one that was killed for good is looked at after the takeover.
const LONG: Duration = Duration::from_secs(4);
/// What is promised of the median of an overlap.
const MEDIAN: Duration = Duration::from_millis(300);

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "kill_restart",
        fault: "SIGKILL, a supervisor restarts the process after 0.9 s, 1 s interval",
        promise: "no packet lost, no transition",
        seconds: 25,
        needs: None,
        is_long: false,
        play: Play::Timed(restarted),
    },
    Case {
        name: "kill",
        fault: "SIGKILL, not restarted, 1 s interval",
        promise: "median of 10: address gone within 0.3 s of the takeover",
        seconds: 20,
        needs: None,
        is_long: false,
        play: Play::Timed(not_restarted),
    },
    Case {
        name: "kill_quiet",
        fault: "the same, and nothing else runs on the machine",
        promise: "median of 10: address gone within 0.3 s of the takeover",
        seconds: 15,
        needs: None,
        is_long: true,
        play: Play::Quiet(not_restarted_quiet),
    },
];

fn restarted(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        match site.members[A].make {
            Make::Ours => PHASES.iter().map(|phase| restart(site, *phase)).collect(),
            // Its parent is the supervisor, which waits longer each time. The new process removes
            // the address.
            Make::Keepalived => {
                site.after_advert(A, PHASES[1])?;
                let (mark, begun) = (site.client.mark(), now());
                site.members[A].crash()?;
                site.members[A].wait_for_loss(begun)?;
                site.is_served()?;
                Ok(vec![site.loss_since(mark)?.lost])
            }
        }
    })?;
    let allowed = ticker.worst_gap().as_millis();
    seen.judge(
        |lost| {
            let is_allowed = lost.iter().all(|lost| u128::from(*lost) <= allowed);
            check(is_allowed, format!("lost {lost:?} ms, allowed {allowed}"))
        },
        |lost| format!("{lost:?} ms lost"),
    )
}

/// The active process is killed at this time after an advertisement and started again: nobody
/// notices.
fn restart(site: &mut Site, phase: Duration) -> Result<u64, Failed> {
    let before = site.members[B].node.router(0);
    let last = site.after_advert(A, phase)?;
    let mark = site.client.mark();
    site.members[A].kill()?;
    let killed = now();
    pass(killed + SUPERVISOR);
    site.members[A].start()?;
    site.members[A].node.wait_for_phase("adopted")?;
    // Until the backup would have taken over, and the address would have expired.
    pass(last + site.plan.active_down(B) + SECOND);
    let peer = site.adverts(B, last);
    check(peer == 0, format!("the backup advertised {peer} times"))?;
    let announced = site.announcements(A, killed, now());
    check(announced == 0, format!("the restarted node announced the address {announced} times"))?;
    let router = site.members[B].node.router(0);
    let is_same = router["phase"] == "backup" && !has_moved(&before, &router)?;
    check(
        is_same,
        format!(
            "the backup is {} since {}, and was since {}",
            router["phase"], router["since"], before["since"]
        ),
    )?;
    site.members[A].node.wait_for_phase("adopted")?;
    Ok(site.loss_since(mark)?.lost)
}

/// One that was killed for good.
struct Killed {
    /// When it had advertised last.
    last: Duration,
    /// When the backup took over.
    took: Duration,
    /// When its kernel let go of the address.
    gone: Duration,
}

fn not_restarted(ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan { rate: 100, ..Plan::tight_pair(SECOND) };
    let seen = together(
        || kill_many(&plan),
        || {
            with_keepalived(&plan, |site| {
                site.elect()?;
                let (_, took) = kill(site, SECOND / 2)?;
                pass(took + LONG);
                Ok(site.members[A].holds())
            })
        },
    )?;
    let both = both_had_it(&seen.ours);
    seen.judge_each(
        |_| at_most("both had the address, median", both.median(), MEDIAN, ticker),
        |killed| tell(killed),
        |stays| match stays {
            true => format!("both have it {} after the takeover, when the test ended", short(LONG)),
            false => format!("gone within {} of the takeover", short(LONG)),
        },
    )
}

/// The same where hardly anything runs: the kernel looks at its leases later then.
fn not_restarted_quiet() -> Result<Figures, Failed> {
    let killed = kill_many(&Plan { rate: 1, ..Plan::tight_pair(SECOND) })?;
    let text = tell(&killed);
    check(both_had_it(&killed).median() <= MEDIAN, text.clone())?;
    Ok(Figures::alone(text))
}

fn kill_many(plan: &Plan) -> Result<Vec<Killed>, Failed> {
    many(RUNS, plan, |site, run| {
        site.elect()?;
        let (last, took) = kill(site, SECOND * run / RUNS)?;
        let gone = site.members[A].wait_for_loss(last)?;
        site.is_served()?;
        site.is_at(B)?;
        Ok(Killed { last, took, gone })
    })
}

/// Kills the active process for good. When it had advertised last, and when the backup took over.
fn kill(site: &mut Site, phase: Duration) -> Result<(Duration, Duration), Failed> {
    let last = site.after_advert(A, phase)?;
    site.members[A].kill()?;
    Ok((last, site.advert(B, last)?))
}

fn both_had_it(killed: &[Killed]) -> Spread {
    Spread::of(killed.iter().map(|killed| killed.gone.saturating_sub(killed.took)))
}

fn tell(killed: &[Killed]) -> String {
    let lived = Spread::of(killed.iter().map(|killed| killed.gone - killed.last));
    let before = killed.iter().filter(|killed| killed.gone <= killed.took).count();
    format!(
        "both had it: {}; gone after the last advertisement: {lived}; {before} of {RUNS} before \
         the takeover",
        both_had_it(killed)
    )
}
