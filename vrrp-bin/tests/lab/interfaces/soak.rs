//! Five minutes at the shortest interval while links, addresses, interfaces and ports come and go:
//! nothing may pile up. Only with `VRRP_TEST_ALL=1`, or a filter that has its name: `cargo test -p
//! vrrp-bin --test lab -- soak`.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use libtest_mimic::{Completion, Failed, Trial};

use super::{Family, ip, settled};
use crate::support::{Node, Outcome, Pair, check};
use vrrp_net::lab::wait_until;

const LASTS: Duration = Duration::from_secs(300);
/// What is first used, such as stacks, tables and the buffers of logs, is had by then.
const WARM: Duration = Duration::from_secs(60);
/// Threads that wait for work, and connections that idle, end after ten seconds.
const RESTS: Duration = Duration::from_secs(12);
/// How much more memory there may be at the end, in KiB: an allocator keeps some pages more or
/// less. A leak of a hundred octets for each advertisement would be several times as much.
const SLACK: u64 = 512;

pub(super) fn tests() -> Vec<Trial> {
    vec![Trial::ignorable_test("soak_of_five_minutes_with_events", || {
        let is_asked_for = env::args().any(|argument| argument.contains("soak"));
        if env::var_os("VRRP_TEST_ALL").is_none() && !is_asked_for {
            return Ok(Completion::ignored_with("VRRP_TEST_ALL is not set (./test --all sets it)"));
        }
        soak()?;
        Ok(Completion::Completed)
    })]
}

fn config(priority: u8) -> String {
    Family::BOTH.map(|family| family.config(priority).replace("100ms", "10ms")).concat()
}

fn soak() -> Outcome {
    let mut pair = Pair::new()?;
    with_one_heap(&mut pair.a);
    with_one_heap(&mut pair.b);
    pair.a.start(&config(super::STRONG))?;
    pair.b.start(&config(super::WEAK))?;
    settled(&pair)?;
    let begun = Instant::now();
    let (mut warm, mut rounds) = (None, 0);
    while begun.elapsed() < LASTS {
        round(&pair)?;
        rounds += 1;
        if begun.elapsed() >= WARM && warm.is_none() {
            warm = Some((used(&mut pair.a)?, used(&mut pair.b)?, rounds));
        }
    }
    let (a, b, before) = warm.ok_or("it ended before it was warm")?;
    for (node, early) in [(&mut pair.a, a), (&mut pair.b, b)] {
        let late = used(node)?;
        println!("{}: {early:?} after {before} rounds, {late:?} after {rounds}", node.name);
        check(late.files == early.files, format!("{}: {early:?}, and then {late:?}", node.name))?;
        check(
            late.threads == early.threads,
            format!("{}: {early:?}, and then {late:?}", node.name),
        )?;
        check(
            late.kibibytes <= early.kibibytes + SLACK,
            format!("{}: {early:?}, and then {late:?}", node.name),
        )?;
    }
    Ok(())
}

/// One event of each kind, and back to rest after each.
fn round(pair: &Pair) -> Outcome {
    let rest = || -> Outcome {
        await_probation(&pair.a);
        settled(pair)?;
        for family in Family::BOTH {
            pair.a.wait_for_address(family.address(), true)?;
            pair.b.wait_for_address(family.address(), false)?;
        }
        Ok(())
    };
    // A link, for longer than it is waited for.
    ip(&pair.a.host, "link set eth0 down")?;
    pair.b.wait_for_phase("held")?;
    ip(&pair.a.host, "link set eth0 up")?;
    rest()?;
    // Addresses of the host, and virtual ones.
    ip(&pair.b.host, "address del 10.0.0.2/24 dev eth0")?;
    ip(&pair.b.host, "address add 10.0.0.2/24 dev eth0")?;
    rest()?;
    for family in ["-4", "-6"] {
        // It goes on for ten rounds, and fails where the addresses are put back faster than that.
        drop(ip(&pair.a.host, &format!("{family} address flush dev eth0 deprecated")));
    }
    rest()?;
    // The ports of a family.
    ip(&pair.b.host, "link set eth0 mtu 1000")?;
    ip(&pair.b.host, "link set eth0 mtu 1500")?;
    rest()?;
    // An interface.
    pair.b.cable.destroy()?;
    pair.b.cable.restore()?;
    rest()?;
    // Whoever looks at them.
    for node in [&pair.a, &pair.b] {
        check(node.status().is_some(), format!("{} does not answer", node.name))?;
    }
    Ok(())
}

/// At this interval a machine that lets nobody run for 30 ms makes the stronger node stall, which
/// then does not preempt for a while: the machine's fault, and no reason to stop counting.
fn await_probation(node: &Node) {
    let seconds = || -> f64 {
        let status = node.status().unwrap_or_default();
        let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
        let left = routers.iter().filter_map(|router| router["probation_seconds"].as_f64());
        left.fold(0.0, f64::max)
    };
    // Of two virtual routers one may have had a further fault since, and waits for longer.
    let begun = Instant::now();
    loop {
        let left = seconds();
        if left == 0.0 || begun.elapsed() >= 3 * LASTS {
            return;
        }
        println!("{}: on probation for {left:.0} s", node.name);
        wait_until(Duration::from_secs_f64(left + 2.0), || seconds() == 0.0);
    }
}

/// What a process has of what can run out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) files: usize,
    pub(crate) threads: usize,
    /// Its resident memory.
    pub(crate) kibibytes: u64,
}

/// Has one heap for all threads of the node, whose memory is looked at. Where each has its own
/// (glibc), one goes on taking pages for minutes while others have some to spare.
pub(crate) fn with_one_heap(node: &mut Node) {
    node.environment.push(("MALLOC_ARENA_MAX", "1".into()));
}

/// At rest: the least of some seconds, since answers and programs have files and threads of their
/// own for a moment.
pub(crate) fn used(node: &mut Node) -> Result<Used, Failed> {
    let pid = node.process()?.pid();
    let count = |what: &str| {
        fs::read_dir(format!("/proc/{pid}/{what}")).map_or(usize::MAX, Iterator::count)
    };
    let (mut files, mut threads) = (usize::MAX, usize::MAX);
    wait_until(RESTS, || {
        files = files.min(count("fd"));
        threads = threads.min(count("task"));
        false
    });
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes =
        resident.and_then(|text| text.split_whitespace().next()).ok_or("no VmRSS")?.parse()?;
    Ok(Used { files, threads, kibibytes })
}
