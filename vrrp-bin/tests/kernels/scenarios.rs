//! What the scripts of `guest/scenarios` assert.

use crate::{is_there, packages::Kernel};

pub(crate) struct Scenario {
    /// The script's.
    pub(crate) name: &'static str,
    /// The kernels.
    on: &'static [&'static str],
    /// A program that it needs in the guest.
    needs: Option<&'static str>,
    pub(crate) checks: &'static [Check],
}

/// One assertion: a trial, and a row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// What happens.
    pub(crate) event: &'static str,
    /// What is promised then.
    pub(crate) promise: &'static str,
}

impl Scenario {
    pub(crate) fn is_for(&self, kernel: &Kernel) -> bool {
        self.on.contains(&kernel.version)
    }

    /// The program that it needs and that is not here.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.needs.filter(|program| !is_there(program))
    }
}

/// In the order of the table.
pub(crate) const SCENARIOS: [Scenario; 11] = [
    everywhere("steady", STEADY),
    everywhere("restart", RESTART),
    everywhere("subnet", SUBNET),
    Scenario { name: "keepalived", on: &["5.10"], needs: Some("keepalived"), checks: KEEPALIVED },
    on_newest("vlan", VLAN),
    on_newest("bond", BOND),
    on_newest("vrf", VRF),
    on_newest("kinds", KINDS),
    on_newest("netem_slow", NETEM_SLOW),
    on_newest("netem_lossy", NETEM_LOSSY),
    on_newest("netem_rough", NETEM_ROUGH),
];

const fn everywhere(name: &'static str, checks: &'static [Check]) -> Scenario {
    Scenario { name, on: &["5.10", "6.1"], needs: None, checks }
}

const fn on_newest(name: &'static str, checks: &'static [Check]) -> Scenario {
    Scenario { name, on: &["6.1"], needs: None, checks }
}

const fn check(name: &'static str, event: &'static str, promise: &'static str) -> Check {
    Check { name, event, promise }
}

const PEER: &str = "the peer has the addresses, and nobody else";
const RESIGNED: &str = "the peer has the addresses, and the node that leaves ends without them";
const NO_TRANSITION: &str = "no transition of either node";
const LEASE_ENDS: &str = "the lease ends, and the peer follows";

const STEADY: &[Check] = &[
    check(
        "election",
        "two nodes start",
        "the stronger one holds the addresses, which are marked; the weaker one is backup",
    ),
    check(
        "quiet",
        "20 s in which nothing happens",
        "the lease is renewed each second; no deletion, no transition, no warning",
    ),
    check("graceful_stop", "TERM", RESIGNED),
    check("killed_and_the_lease_ends", "KILL", LEASE_ENDS),
    check(
        "deleted_by_hand",
        "both addresses are deleted",
        "they are put back; no transition of either node",
    ),
    check(
        "stopped_for_five_seconds",
        "STOP, and CONT 5 s later",
        "the lease ends, the peer follows; then one node has them",
    ),
];

const RESTART: &[Check] = &[
    check(
        "killed_and_started_is_adopted",
        "KILL and start, twice",
        "adopted; no transition of the peer",
    ),
    check(
        "made_the_hosts_own",
        "`ip address replace` on the active node",
        "`address-present`; both are there after TERM",
    ),
    check(
        "killed_while_it_leaves_is_not_adopted",
        "TERM, KILL 0.2 s later, start",
        "starts as a backup",
    ),
    check("without_a_lease_a_stop_removes", "`lease = false`: TERM", "the addresses are gone"),
    check(
        "without_a_lease_it_starts_after_a_stop",
        "`lease = false`: TERM and start",
        "active again",
    ),
    check(
        "without_a_lease_it_starts_after_a_kill",
        "`lease = false`: KILL and start",
        "active again",
    ),
];

const SUBNET: &[Check] = &[
    check(
        "new_subnet",
        "a subnet that no node has",
        "/32 and /128, and routes beside them; no transition for 8 s",
    ),
    check(
        "new_subnet_left",
        "the same, TERM",
        "the peer has it all; neither address nor route is left behind",
    ),
    check("new_subnet_killed", "the same, KILL", "addresses and routes end with the lease"),
    check(
        "new_subnet_without_a_lease",
        "the same, `lease = false`, TERM",
        "neither address nor route is left behind",
    ),
];

const KEEPALIVED: &[Check] = &[
    check(
        "keepalived_stays_backup",
        "keepalived is the weaker node (VRRPv3, IPv4)",
        "it stays backup",
    ),
    check("keepalived_takes_over_at_a_resignation", "the same, TERM", PEER),
    check(
        "keepalived_gives_it_back",
        "the same, start",
        "the stronger node has the address, and nobody else",
    ),
    check("keepalived_takes_over_from_the_dead", "the same, KILL", LEASE_ENDS),
];

const VLAN: &[Check] = &[
    check("vlan_election", "VLAN: two nodes start", "as on a cable"),
    check(
        "vlan_parent_down",
        "VLAN: the parent goes down",
        "`link-down` at once, and the peer follows",
    ),
    check(
        "vlan_parent_up",
        "VLAN: the parent is up again",
        "the stronger node has the addresses, and nobody else",
    ),
    check(
        "vlan_made_anew",
        "VLAN: deleted, and made anew",
        "`interface-missing`, the peer follows; then given back",
    ),
    check("vlan_graceful_stop", "VLAN: TERM", RESIGNED),
];

const BOND: &[Check] = &[
    check("bond_election", "bond, active-backup: two nodes start", "as on a cable"),
    check(
        "bond_changes_its_cable",
        "bond: the active port goes down, up, and the other one down",
        NO_TRANSITION,
    ),
    check(
        "bond_without_a_cable",
        "bond: both ports go down, and up",
        "`link-down`, the peer follows; then given back",
    ),
    check("bond_killed", "bond: KILL", LEASE_ENDS),
];

const VRF: &[Check] = &[
    check("vrf_election", "VRF: two nodes start", "as on a cable"),
    check("vrf_killed", "VRF: KILL", LEASE_ENDS),
    check(
        "vrf_deleted_by_hand",
        "VRF: an address is deleted",
        "it is put back; no transition of either node",
    ),
    check("vrf_graceful_stop", "VRF: TERM", RESIGNED),
    check(
        "vrf_new_subnet",
        "VRF: a subnet that no node has",
        "routes in the VRF's table and not in the main one",
    ),
    check("vrf_new_subnet_killed", "the same, KILL", LEASE_ENDS),
    check("vrf_new_subnet_left", "the same, TERM", "neither address nor route is left behind"),
    check(
        "vrf_places",
        "VRF: an address on a dummy interface of the VRF, and a route of each family",
        "routes in the VRF's table and not in the main one; a route that is deleted is put back",
    ),
    check("vrf_places_killed", "the same, KILL", LEASE_ENDS),
    check("vrf_places_left", "the same, TERM", "neither address nor route is left behind"),
];

const KINDS: &[Check] = &[
    check("macvlan", "macvlan: two nodes start, TERM", RESIGNED),
    check("dummy", "dummy: one node starts, TERM", "holds the addresses, and leaves none behind"),
];

const NETEM_SLOW: &[Check] = &[
    check("netem_none", "netem, no delay", NO_TRANSITION),
    check("netem_delay", "`delay 200ms`", NO_TRANSITION),
    check("netem_jitter", "`delay 300ms 200ms distribution normal`", NO_TRANSITION),
];

const NETEM_LOSSY: &[Check] = &[
    check("netem_loss", "`loss 20%`", "no transition of the active node"),
    check("netem_duplicate", "`duplicate 50%`", NO_TRANSITION),
    check("netem_reorder", "`delay 400ms reorder 50% 50%`", NO_TRANSITION),
];

const NETEM_ROUGH: &[Check] = &[
    check(
        "netem_mixed",
        "`delay 100ms 80ms loss 10% duplicate 10% reorder 25%`",
        "no transition of the active node, 4 of the backup at most",
    ),
    check(
        "netem_quick",
        "`delay 150ms 140ms loss 10% duplicate 10% reorder 25%`, interval 100 ms",
        "no transition of the active node, 30 of the backup at most",
    ),
    check("netem_long", "`delay 2500ms`", NO_TRANSITION),
];
