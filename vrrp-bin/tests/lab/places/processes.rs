//! A process that is killed, started again, stopped where it is, or that cannot put everything.

use std::time::Duration;

use libtest_mimic::Trial;
use vrrp_net::lab::{Client, Signal, Ticker, wait_until};

use super::{
    faults::{QUICK, active_down, loss},
    site::{INNER, LEASED_ROUTES, ROUTES, Site, Who, ours},
};
use crate::{
    faults::number,
    interfaces::answered,
    support::{
        Outcome, SLACK, SOON, check, has_moved, milliseconds, now, priority, timed, wait_for,
        within,
    },
};

/// Long enough for a process to start within the lease.
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("places_are_adopted", |_| adopted()),
        timed("places_are_adopted_but_for_what_is_listed_no_more", |_| adopted_in_part()),
        timed("places_lapse_on_a_node_that_hangs", hangs),
        timed("places_that_cannot_be_put", cannot_be_put),
        timed("places_that_cannot_be_put_are_left_to_the_other_node", left_to_the_other),
    ]
}

/// Killed and started again at once: it goes on with all of it, and nobody notices.
fn adopted() -> Outcome {
    let config = ours(Who::A, SECOND, &ROUTES);
    restarted(&config, |all| all.to_vec())
}

/// The same with less in its configuration: the rest goes, and what is still there is untouched.
fn adopted_in_part() -> Outcome {
    const LESS: &str = "    { address = \"10.9.9.9/32\", interface = \"lo\", scope = \"link\" },\n";
    // In a table of its own the kernel takes a route along with nothing.
    let [first, second, rest @ ..] = ROUTES;
    let config = ours(Who::A, SECOND, &[&[first], rest.as_slice()].concat());
    check(config.contains(LESS), format!("there is no {LESS}"))?;
    let gone = second.split(' ').next().unwrap_or_default();
    restarted(&config.replace(LESS, ""), |all| {
        let stays = |line: &&String| !line.contains("10.9.9.9") && !line.contains(gone);
        all.iter().filter(stays).cloned().collect()
    })
}

/// Kills the active node and starts it with this configuration.
fn restarted(config: &str, left: impl Fn(&[String]) -> Vec<String>) -> Outcome {
    let mut site = Site::new()?;
    site.settle(SECOND, &ROUTES)?;
    let [outer, far] = site.clients()?;
    let (all, peer) = (site.lines(Who::A)?, site.pair.b.router(0));
    let left = left(&all);
    check(!left.is_empty(), "nothing is to be left")?;
    let (mark, far_mark) = (outer.mark(), far.mark());
    site.kill(Who::A)?;
    site.pair.a.start(config)?;
    site.pair.a.wait_for_phase("adopted")?;
    site.wait_for_lines(Who::A, "adopted", &left)?;
    // Longer than the lease: it is renewed.
    let begun = now();
    let until = begun + 3 * SECOND;
    let a = site.pair.a.mac;
    wait_for(&site.pair.capture, "advertisement of a", until, |frame| {
        priority(frame, a).is_some()
    })?;
    site.wait_for_lines(Who::A, "after its lease", &left)?;
    check(!has_moved(&peer, &site.pair.b.router(0))?, "the other node moved")?;
    check(site.pair.b.phase() == "backup", "the other node took over")?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("killed and started again: eth1: {direct}; through the nodes: {through}");
    check(direct.lost == 0 && through.lost == 0, format!("lost: {direct}; {through}"))
}

/// Stopped where it is, the active node loses all of it by itself, and the other one serves.
fn hangs(ticker: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.settle(QUICK, &LEASED_ROUTES)?;
    let [outer, far] = site.clients()?;
    let all = site.lines(Who::A)?;
    let (mark, far_mark, b) = (outer.mark(), far.mark(), site.pair.b.mac);
    let begun = now();
    site.pair.a.signal(Signal::SIGSTOP)?;
    let took = wait_for(&site.pair.capture, "advertisement of b", begun, |frame| {
        priority(frame, b) == Some(Who::B.priority())
    })?;
    let took = took - begun;
    let (least, most) = (active_down() - QUICK, active_down());
    within("takeover", took, (least, most), SLACK, ticker)?;
    // `ip` alone: the node itself answers nothing.
    site.wait_for_nothing(Who::A, "while it hangs")?;
    println!("everything was gone from a node that hangs after {}", milliseconds(now() - begun));
    site.pair.b.wait_for_phase("held")?;
    answered(&outer)?;
    answered(&far)?;
    let (direct, through) = (loss(&outer, mark), loss(&far, far_mark));
    println!("a node hangs: eth1: {direct}; through the nodes: {through}");
    let most = active_down() + SLACK + ticker.worst_gap();
    for (what, loss) in [("the address on eth1", direct), ("the way through the nodes", through)] {
        check(loss.longest_gap <= most, format!("{what} was away: {loss}"))?;
    }
    // It takes over again when the other node leaves: it has had a fault of its own, and does not
    // preempt.
    site.pair.a.signal(Signal::SIGCONT)?;
    site.pair.a.wait_for_phase("backup")?;
    site.stop(Who::B)?;
    site.pair.a.wait_for_phase("held")?;
    site.wait_for_lines(Who::A, "it goes on", &all)?;
    answered(&outer)?;
    answered(&far)
}

/// A route whose gateway cannot be reached: nothing at all is put, and the node says why.
fn cannot_be_put(_: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.pair.a.start(&with_bad_route(Who::A))?;
    let said = || site.pair.a.router(0)["backend_error"].as_str().unwrap_or_default().to_owned();
    let is_told = || said().contains("192.0.2.0/24") && said().contains("172.31.0.1");
    check(wait_until(SOON, is_told), format!("the error is {:?}\n{}", said(), site.log(Who::A)))?;
    // It is tried again, or asked.
    let tried = || number(&site.pair.a.router(0), "/counters/backend_failures") >= 2.0;
    check(wait_until(SOON, tried), format!("{:#}", site.pair.a.router(0)))?;
    site.wait_for_nothing(Who::A, "nothing could be put")?;
    let log = site.log(Who::A);
    check(!log.contains("to=held"), format!("a said that it holds the addresses:\n{log}"))?;
    site.stop(Who::A)?;
    site.wait_for_nothing(Who::A, "after a stop")
}

/// Beside a healthy node it may take the addresses once, for as long as that one needs to take them
/// back.
fn left_to_the_other(ticker: &Ticker) -> Outcome {
    let mut site = Site::new()?;
    site.pair.b.start(&ours(Who::B, QUICK, &LEASED_ROUTES))?;
    site.pair.b.wait_for_phase("held")?;
    let inner = Client::start(&site.pair.user, INNER, 1000)?;
    answered(&inner)?;
    let mark = inner.mark();
    site.pair.a.start(&with_bad_route(Who::A))?;
    let tried = || number(&site.pair.a.router(0), "/counters/backend_failures") >= 1.0;
    check(wait_until(SOON, tried), format!("{:#}", site.pair.a.router(0)))?;
    site.pair.b.wait_for_phase("held")?;
    answered(&inner)?;
    let until = now() + 20 * QUICK;
    let b = site.pair.b.mac;
    wait_for(&site.pair.capture, "advertisement of b", until, |frame| {
        priority(frame, b) == Some(Who::B.priority())
    })?;
    let lost = loss(&inner, mark);
    println!("the stronger node cannot put a route: {lost}");
    let most = active_down() + SLACK + ticker.worst_gap();
    check(lost.longest_gap <= most, format!("the address was away: {lost}"))?;
    site.wait_for_nothing(Who::A, "it could not put a route")
}

fn with_bad_route(who: Who) -> String {
    ours(who, QUICK, &[LEASED_ROUTES.as_slice(), &["192.0.2.0/24 via 172.31.0.1"]].concat())
}
