//! The deployment with unbound, whose check is in the environment: a resolver dies, and hangs.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab::wait_until;

use crate::{
    Outcome,
    engine::{Engine, SOON},
    examples,
    lan::Lan,
    table::Table,
    two_nodes::{NOTHING, SLACK},
};

/// Two results every second and a timeout, as the deployment has it, and Skew_Time of a successor
/// of priority 100 that advertises every second.
const BOUND: Duration = Duration::from_millis(2 * 1000 + 500 + 610);

/// After so long an ill holder resigns again, and its successor waits for Skew_Time.
const ASKS_AGAIN: Duration = Duration::from_millis(10_000 + 610);

/// The container of the holder's unbound is stopped, and started; then it hangs, and goes on; then
/// there is none.
pub(crate) fn play(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::of_bare_hosts(engine, "health", [10, 2, 1], &[10, 11], 12)?;
    examples::unbound_beside(&lan, 10, "first.env")?;
    lan.wait_for_phase(10, "held")?;
    examples::unbound_beside(&lan, 11, "second.env")?;
    lan.wait_for_phase(11, "backup")?;
    lan.client.wait_for(10, lan.client.mark())?;

    let resolver = |verb, host| engine.docker(&[verb, &lan.resolver(host)]).map(drop);
    let bound = BOUND + SLACK;
    lan.event(table, "docker stop of the holder's unbound", 11, bound, || resolver("stop", 10))?;
    lan.wait_for_phase(10, "backup")?;
    says(&lan, 10, "its check dns fails: ")?;
    lan.event(table, "its unbound is back, and so is the address", 10, NOTHING, || {
        resolver("start", 10)
    })?;
    lan.wait_for_phase(10, "held")?;
    // Frozen, it takes queries and answers none.
    lan.event(table, "docker pause of the holder's unbound", 11, bound, || resolver("pause", 10))?;
    lan.wait_for_phase(10, "backup")?;

    // Now nobody is well. The last holder stays; to a supervisor, which might kill it, it is healthy.
    resolver("stop", 11)?;
    says(&lan, 11, "its check dns fails: ")?;
    lan.wait_for_phase(11, "held")?;
    let log = || engine.shell(&format!("docker logs {} 2>&1", lan.router(11)));
    let is_said = || log().is_ok_and(|log| log.contains("unhealthy, and nobody else"));
    if !wait_until(SOON, is_said) {
        return Err(lan.failed(11, "does not say that it is alone"));
    }
    // It left for its check twice within 20 s, and does not preempt so soon: the ill holder asks
    // again.
    let left_twice = lan.status(10)?;
    if !left_twice["probation_seconds"].is_number() {
        return Err(format!("it is not on probation: {left_twice}").into());
    }
    let what = "neither answered, and the one that left twice is well again";
    lan.event(table, what, 10, ASKS_AGAIN + SLACK, || resolver("unpause", 10))?;
    lan.wait_for_phase(10, "held")
}

/// Waits until `vrrp health` on `host` succeeds with these words.
fn says(lan: &Lan<'_>, host: u8, words: &str) -> Result<(), Failed> {
    let health = || lan.engine.docker(&["exec", &lan.router(host), "/vrrp", "health"]);
    let is = wait_until(SOON, || health().is_ok_and(|text| text.contains(words)));
    if is { Ok(()) } else { Err(lan.failed(host, &format!("says {:?}", health()))) }
}
