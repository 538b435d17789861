//! What the scripts of `guest/scenarios` assert.

use crate::{is_there, packages::Kernel};

pub(crate) struct Scenario {
    /// The script's.
    pub(crate) name: &'static str,
    /// Whether it is played on each kernel, or on one.
    everywhere: bool,
    /// A program that it needs in the guest.
    needs: Option<&'static str>,
    pub(crate) checks: &'static [&'static str],
}

impl Scenario {
    pub(crate) fn is_for(&self, kernel: &Kernel) -> bool {
        self.everywhere || kernel.is_main
    }

    pub(crate) fn is_possible(&self) -> bool {
        self.needs.is_none_or(is_there)
    }
}

/// Those that take longest come first.
pub(crate) const SCENARIOS: [Scenario; 10] = [
    Scenario {
        name: "steady",
        everywhere: true,
        needs: None,
        checks: &[
            "election",
            "quiet",
            "graceful_stop",
            "killed_and_the_lease_ends",
            "deleted_by_hand",
            "stopped_for_five_seconds",
        ],
    },
    Scenario {
        name: "restart",
        everywhere: true,
        needs: None,
        checks: &[
            "killed_and_started_is_adopted",
            "made_the_hosts_own",
            "killed_while_it_leaves_is_not_adopted",
            "without_a_lease_a_stop_removes",
            "without_a_lease_it_starts_after_a_stop",
            "without_a_lease_it_starts_after_a_kill",
        ],
    },
    on_one("netem_slow", &["netem_none", "netem_delay", "netem_jitter"]),
    on_one("netem_lossy", &["netem_loss", "netem_duplicate", "netem_reorder"]),
    on_one("netem_rough", &["netem_mixed", "netem_quick", "netem_long"]),
    on_one(
        "vrf",
        &[
            "vrf_election",
            "vrf_killed",
            "vrf_deleted_by_hand",
            "vrf_graceful_stop",
            "vrf_new_subnet",
            "vrf_new_subnet_killed",
            "vrf_new_subnet_left",
        ],
    ),
    on_one(
        "vlan",
        &["vlan_election", "vlan_parent_down", "vlan_parent_up", "vlan_made_anew", "vlan_graceful_stop"],
    ),
    on_one("bond", &["bond_election", "bond_changes_its_cable", "bond_without_a_cable", "bond_killed"]),
    on_one("kinds", &["macvlan", "dummy"]),
    Scenario {
        name: "keepalived",
        everywhere: true,
        needs: Some("keepalived"),
        checks: &[
            "keepalived_stays_backup",
            "keepalived_takes_over_at_a_resignation",
            "keepalived_gives_it_back",
            "keepalived_takes_over_from_the_dead",
        ],
    },
];

const fn on_one(name: &'static str, checks: &'static [&'static str]) -> Scenario {
    Scenario { name, everywhere: false, needs: None, checks }
}
