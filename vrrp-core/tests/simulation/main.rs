//! Several routers on one network, simulated from a seed: chaos, then healing, then judgement.
//!
//! `./test` runs 2,000 seeds and `./test --all` 20,000. `SIMULATION_SEEDS=100000 cargo test -p
//! vrrp-core --release --test simulation` runs more of them, `SIMULATION_SEED=7` replays one. The
//! same seed gives the same trace.
#![expect(clippy::expect_used, reason = "a test: what cannot be is a failure")]

mod chaos;
#[path = "../reference/codec.rs"]
mod codec;
mod judgement;
mod member;
mod network;
mod node;
mod random;
mod scenario;

use std::time::Duration;

use network::Network;
use scenario::Scenario;

const SECOND: Duration = Duration::from_secs(1);

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(2000),
    }
}

/// Outputs are polled after each input, and backends work. In a group no two nodes are equal, and
/// one is before the others in all: of nodes that take over in the same moment, one may get the one
/// member and another one the other, and it takes up to an Active_Down_Interval until one has both.
fn calm(seed: u64) -> Network {
    let drawn = Scenario::draw(seed);
    let equal_priorities = drawn.equal_priorities && drawn.group.is_none();
    let scenario = Scenario { equal_priorities, is_crossed: false, ..drawn };
    Network::new(Scenario { backend_faults: false, polls: 100, ..scenario })
}

#[test]
fn after_chaos_exactly_one_node_holds_the_address_and_it_is_the_strongest() {
    for seed in seeds() {
        let mut network = Network::new(Scenario::draw(seed));
        network.run_with_chaos(60 * SECOND);
        network.judge_drains();
        network.heal();
        network.judge_service();
        network.judge_convergence();
        network.judge_stop();
    }
}

#[test]
fn changes_at_run_time_leave_neither_two_holders_nor_none() {
    for seed in seeds() {
        let mut network = calm(seed);
        network.run(20 * SECOND);
        network.forget();
        network.run_with_changes(60 * SECOND);
        network.judge_changes();
    }
}

#[test]
fn on_a_clean_network_two_nodes_never_hold_the_address_for_longer_than_an_interval() {
    for seed in seeds() {
        let mut network = calm(seed);
        network.run_with_crashes(60 * SECOND);
        network.judge_overlap();
    }
}

#[test]
fn a_crash_is_noticed_within_active_down_interval() {
    for seed in seeds() {
        let mut network = calm(seed);
        network.run(60 * SECOND);
        network.judge_takeover_after_crash();
    }
}

#[test]
fn a_graceful_stop_leaves_no_moment_without_a_holder() {
    for seed in seeds() {
        let mut network = calm(seed);
        network.run(60 * SECOND);
        network.judge_handover();
    }
}

#[test]
fn a_restart_is_noticed_by_nobody() {
    for seed in seeds() {
        let mut network = calm(seed);
        network.run(60 * SECOND);
        network.judge_restart();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut network = Network::new(Scenario::draw(seed));
        network.run_with_chaos(60 * SECOND);
        network.trace()
    };
    for seed in seeds().take(100) {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
}
