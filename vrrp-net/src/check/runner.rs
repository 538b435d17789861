//! The task of one check.

use std::{
    hash::Hasher,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    board::{Begin, Board, Run},
    outcome::Outcome,
    schedule::When,
};
use crate::panics::catch;

/// How long a node that starts waits at most for the first result of a check that has not to wait
/// for anything else.
const SOON: Duration = Duration::from_secs(1);

/// At how many moments of an interval checks begin: a thousand checks wake the thread so often, and
/// not a thousand times.
const PARTS: u32 = 128;

/// Runs a check for as long as it is configured.
pub(super) async fn run(board: Arc<Board>, it: Begin) {
    match it.planned.schedule.when {
        When::Always => go_on(&board, &it).await,
        // The board goes before its tasks only where all of it ends.
        When::Active { .. } => while at_times(&board, &it).await.is_some() {},
    }
}

/// Waits until a check counts, and runs it until it does no more.
async fn at_times(board: &Board, it: &Begin) -> Option<()> {
    let mut counts_from = it.counts_from.clone();
    loop {
        let from = *counts_from.borrow_and_update();
        let begins = async {
            match from {
                Some(from) => sleep_until(from).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = counts_from.changed() => changed.ok()?,
            () = begins => break,
        }
    }
    board.began(&it.planned.name, it.id);
    let is_over = |from: &Option<Instant>| from.is_none_or(|from| from > Instant::now());
    let gone = tokio::select! {
        over = counts_from.wait_for(is_over) => over.is_err(),
        () = go_on(board, it) => true,
    };
    board.ended(&it.planned.name, it.id);
    (!gone).then_some(())
}

/// Runs a check again and again.
async fn go_on(board: &Board, it: &Begin) {
    let (begun, schedule) = (Instant::now(), it.planned.schedule);
    let (first, second) = starts(&it.planned.name, schedule.interval);
    sleep(first).await;
    once(board, it).await;
    let mut next = begun + second;
    loop {
        sleep_until(next).await;
        once(board, it).await;
        next = following(next, schedule.interval, Instant::now());
    }
}

/// When the run after the one that was due at `last` is due. A check that took longer than the
/// interval leaves out what it missed, and keeps its place.
fn following(last: Instant, interval: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(last).as_nanos() / interval.as_nanos().max(1);
    last + interval.saturating_mul(u32::try_from(missed + 1).unwrap_or(u32::MAX))
}

/// When a check begins its first and its second run. The first comes soon, since a node waits for
/// it; from the second on checks are spread over the interval, so that they do not all run at once.
fn starts(name: &str, interval: Duration) -> (Duration, Duration) {
    let first = part_of(interval.min(SOON), name, 1);
    let mut second = part_of(interval, name, 2);
    while second < first + interval / 2 {
        second += interval;
    }
    (first, second)
}

/// A part of a time that depends on the name alone.
fn part_of(time: Duration, name: &str, salt: u8) -> Duration {
    // Its keys are always the same.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.write_u8(salt);
    let part = u32::try_from(hasher.finish() % u64::from(PARTS)).unwrap_or_default();
    time * part / PARTS
}

async fn once(board: &Board, it: &Begin) {
    let (began, begun, limit) = (SystemTime::now(), Instant::now(), it.planned.schedule.timeout);
    let outcome = match timeout(limit, catch("the check", it.planned.check.run())).await {
        Ok(Ok(outcome)) => outcome.bounded(),
        Ok(Err(panic)) => Outcome::NotRun(panic).bounded(),
        Err(_) => Outcome::Failed(format!("there was no result within {limit:?}")),
    };
    let run = Run { outcome, began, took: begun.elapsed() };
    for line in board.note(&it.planned.name, it.id, run) {
        board.tell(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_spread_and_always_the_same() {
        for interval in [10, 1000, 60_000].map(Duration::from_millis) {
            let all: Vec<_> = (0..1000).map(|n| starts(&format!("check-{n}"), interval)).collect();
            for part in 0..4 {
                let (from, to) = (interval * part / 4, interval * (part + 1) / 4);
                let phase = |second: Duration| {
                    if second < interval { second } else { second - interval }
                };
                let here = all.iter().filter(|(_, it)| (from..to).contains(&phase(*it))).count();
                assert!((150..350).contains(&here), "{here} of 1000 in a quarter");
            }
            for (first, second) in &all {
                assert!(*first < SOON.min(interval) && *second - *first >= interval / 2);
                assert!(*second - *first <= interval * 3 / 2);
            }
            let again = starts("check-7", interval);
            assert_eq!(again, all[7]);
        }
    }
}
