//! Several routers on one network, simulated from a seed: chaos, then healing, then judgement.
//!
//! `SIMULATION_SEEDS=100000 cargo test -p vrrp-core --release --test simulation` runs more of them,
//! `SIMULATION_SEED=7` replays one. The same seed gives the same trace.
#![expect(clippy::expect_used, reason = "a test: what cannot be is a failure")]

#[path = "simulation/network.rs"]
mod network;
#[path = "simulation/node.rs"]
mod node;

use std::time::Duration;

use network::{Network, Random, Scenario};
use vrrp_core::Preempt;

const SECOND: Duration = Duration::from_secs(1);

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(500),
    }
}

/// A scenario that is drawn from the seed: how many nodes, which version, which priorities.
fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    Scenario {
        seed,
        nodes: 2 + random.below(4) as usize,
        version: if random.chance(30) { 2 } else { 3 },
        interval: *random.pick(&[SECOND, SECOND, SECOND / 10, 3 * SECOND]),
        equal_priorities: random.chance(20),
        owner: random.chance(20),
        preempt: if random.chance(80) { Preempt::Always } else { Preempt::Never },
        backend_faults: random.chance(50),
    }
}

#[test]
fn after_chaos_exactly_one_node_holds_the_address_and_it_is_the_strongest() {
    for seed in seeds() {
        let mut network = Network::new(scenario(seed));
        network.run_with_chaos(60 * SECOND);
        network.heal();
        network.judge_convergence();
    }
}

#[test]
fn on_a_clean_network_two_nodes_never_hold_the_address_for_longer_than_an_interval() {
    for seed in seeds() {
        let mut network = Network::new(Scenario { backend_faults: false, ..scenario(seed) });
        network.run_with_crashes(60 * SECOND);
        network.judge_overlap();
    }
}

#[test]
fn a_crash_is_noticed_within_active_down_interval() {
    for seed in seeds() {
        let mut network = Network::new(Scenario { backend_faults: false, ..scenario(seed) });
        network.run(60 * SECOND);
        network.judge_takeover_after_crash();
    }
}

#[test]
fn a_graceful_stop_leaves_no_moment_without_a_holder() {
    for seed in seeds() {
        let mut network = Network::new(Scenario { backend_faults: false, ..scenario(seed) });
        network.run(60 * SECOND);
        network.judge_handover();
    }
}

#[test]
fn a_restart_is_noticed_by_nobody() {
    for seed in seeds() {
        let mut network = Network::new(Scenario { backend_faults: false, ..scenario(seed) });
        network.run(60 * SECOND);
        network.judge_restart();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut network = Network::new(scenario(seed));
        network.run_with_chaos(60 * SECOND);
        network.trace()
    };
    for seed in seeds().take(100) {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
}
