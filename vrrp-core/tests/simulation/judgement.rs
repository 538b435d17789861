//! What has to hold of a network.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use vrrp_core::{Claim, Hold, Instant, Phase, Preempt, Role};

use crate::{network::Network, node::Node};

/// The slack that a judgement allows beyond the arithmetic: delivery takes up to 5 ms, a backend up
/// to 20 ms, and clocks drift by up to 200 ppm.
const SLACK: Duration = Duration::from_millis(50);
/// The longest way of a packet and the longest answer of a backend: the successor has the addresses
/// at once, and the one that yields hears of it and lets go.
const YIELDING: Duration = Duration::from_millis(26);
/// A handover, a stall, and the turn after them are over.
const DRAINED: Duration = Duration::from_secs(12);

impl Network {
    fn claim(&self, index: usize) -> (Claim, IpAddr) {
        (self.nodes[index].config.role().claim(), self.nodes[index].address)
    }

    fn interval(&self) -> Duration {
        self.nodes[0].config.interval().duration()
    }

    /// After the timers of a node ran, and its outputs were polled, its next deadline is to come;
    /// at the latest after one more turn, which ends departures.
    pub(crate) fn judge_deadline(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let next = node.router().next_deadline().filter(|_| !node.is_piled_up);
        let is_ahead = next.is_none_or(|deadline| deadline > node.local(self.now));
        node.turns = if is_ahead { 0 } else { node.turns + 1 };
        assert!(
            node.turns < 2,
            "a deadline that is not in the future is a busy loop: {:?}",
            self.scenario
        );
    }

    /// What was drained by force stays out until it is resumed, whatever else changes.
    pub(crate) fn judge_drains(&self) {
        for node in &self.nodes {
            let long_ago = node.drained_at.is_some_and(|at| at + DRAINED < self.now);
            if node.listens() && long_ago {
                let is_out =
                    matches!(node.phase(), Phase::Initialize(Hold::Drained | Hold::Stopped));
                assert!(
                    is_out && !node.holds(),
                    "drained, and {:?}: {:?}",
                    node.phase(),
                    self.scenario
                );
            }
        }
    }

    /// Exactly one node holds the addresses, and no stronger one may preempt it. Probation lasts up
    /// to 5 min after repeated faults, so that this may take a while.
    pub(crate) fn judge_convergence(&mut self) {
        for _ in 0..35 {
            self.run(Duration::from_secs(20));
            if self.holders().len() == 1 && self.strongest_holds() {
                self.run(Duration::from_secs(20));
                break;
            }
        }
        let holders = self.holders();
        // An ill one hands over now and then, in vain if all are.
        let is_active = |node: &Node| {
            node.phase().is_active() || (!node.is_healthy() && node.phase() == Phase::Resigning)
        };
        let active: Vec<usize> =
            (0..self.nodes.len()).filter(|index| is_active(&self.nodes[*index])).collect();
        assert_eq!(active, holders, "who is active and who holds differ: {:?}", self.scenario);
        assert_eq!(holders.len(), 1, "holders {holders:?} after healing: {:?}", self.scenario);
        assert!(self.strongest_holds(), "not the strongest: {:?}", self.scenario);
        let holder = &self.nodes[self.holder()];
        let as_set = |list: Vec<IpAddr>| list.into_iter().collect::<BTreeSet<_>>();
        assert_eq!(
            as_set(holder.held.clone()),
            as_set(holder.configured()),
            "other addresses: {:?}",
            self.scenario
        );
    }

    /// Whether no node is stronger than the holder and may preempt it: a healthy one is before every
    /// ill one, whatever its Preempt_Mode, and among ill ones nobody is preempted.
    fn strongest_holds(&self) -> bool {
        let holder = self.holder();
        if !self.nodes[holder].is_healthy() {
            return !self.nodes.iter().any(Node::is_healthy);
        }
        let healthy = (0..self.nodes.len()).filter(|index| self.nodes[*index].is_healthy());
        healthy.into_iter().all(|index| {
            let may = self.nodes[index].config.role().preempt() != Preempt::Never;
            self.claim(index).0 <= self.claim(holder).0 || !may
        })
    }

    /// Every node stops when it is asked to, and leaves nothing behind.
    pub(crate) fn judge_stop(&mut self) {
        (0..self.nodes.len()).for_each(|index| self.shut_down(index));
        self.run(Duration::from_secs(5));
        for node in &self.nodes {
            assert!(node.router().is_stopped(), "still {:?}: {:?}", node.phase(), self.scenario);
            assert!(!node.holds(), "stopped, and it holds the addresses: {:?}", self.scenario);
        }
    }

    pub(crate) fn judge_overlap(&mut self) {
        let bound = self.interval() + SLACK;
        assert!(
            self.overlap.longest <= bound,
            "{:?} for {:?}",
            self.scenario,
            self.overlap.longest
        );
    }

    /// Changes at run time alone: two nodes hold the addresses for no longer than it takes one to
    /// let go, and nobody for no longer than it takes one to acquire. Where a node was resumed in
    /// the moment of its handover, the one that has just taken over yields again at once: two let
    /// go, one after the other.
    pub(crate) fn judge_changes(&self) {
        let yielding = if self.is_turned_back { 2 * YIELDING } else { YIELDING };
        assert!(
            self.overlap.longest <= yielding,
            "two for {:?}: {:?}",
            self.overlap.longest,
            self.scenario
        );
        assert!(
            self.gap.longest <= YIELDING,
            "nobody for {:?}: {:?}",
            self.gap.longest,
            self.scenario
        );
    }

    /// Crashes the holder: the next one holds the address within its Active_Down_Interval.
    pub(crate) fn judge_takeover_after_crash(&mut self) {
        let holder = self.holder();
        self.crash(holder);
        self.gap.forget();
        let next = (0..self.nodes.len())
            .filter(|index| *index != holder)
            .max_by_key(|index| self.claim(*index).0);
        let next = next.expect("at least two nodes");
        let down = self.nodes[next].config.interval().timing().active_down(self.claim(next).0);
        self.run(2 * down);
        assert!(self.gap.longest <= down + SLACK, "{:?} for {:?}", self.scenario, self.gap.longest);
        assert!(!self.holders().is_empty(), "nobody took over: {:?}", self.scenario);
    }

    /// Crashes the holder and starts it again before a peer may take over: nobody else notices.
    pub(crate) fn judge_restart(&mut self) {
        let holder = self.holder();
        let before = self.others(holder);
        self.crash(holder);
        // The last advertisement is up to an interval old.
        let pause = self.random.up_to(self.interval());
        self.run(pause);
        self.start(holder);
        self.run(5 * self.interval());
        assert_eq!(self.others(holder), before, "a peer noticed: {:?}", self.scenario);
        assert_eq!(self.holders(), [holder], "{:?}", self.scenario);
        let owner = self.nodes[holder].config.role() == Role::Owner;
        // An owner that need not wait for the end of a delay takes what is its own.
        let takes = owner && self.scenario.startup_delay.is_zero();
        let expected = if takes { Phase::Held } else { Phase::Adopted };
        assert_eq!(self.nodes[holder].phase(), expected, "{:?}", self.scenario);
    }

    /// The phases of the others, and since when.
    fn others(&self, than: usize) -> Vec<(Phase, Instant)> {
        let others = self.nodes.iter().enumerate().filter(|(index, _)| *index != than);
        others
            .map(|(_, node)| {
                (node.phase(), node.router().status(&node.key()).expect("it runs").since)
            })
            .collect()
    }

    /// Stops the holder gracefully: somebody answers for the address at every moment.
    pub(crate) fn judge_handover(&mut self) {
        let holder = self.holder();
        self.gap.forget();
        self.shut_down(holder);
        self.run(Duration::from_secs(5));
        assert!(self.nodes[holder].router().is_stopped(), "still running: {:?}", self.scenario);
        // The successor's first advertisement ends the old hold, and its backend takes up to 20 ms.
        // With an interval of 3 s in VRRPv3 the successor's Skew_Time may be longer than the bound
        // of 4 s allows.
        assert!(self.gap.longest <= SLACK, "{:?} for {:?}", self.scenario, self.gap.longest);
    }
}
