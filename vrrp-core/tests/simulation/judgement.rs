//! What has to hold of a network.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use vrrp_core::{Claim, Condition, GroupPolicy, Hold, Instant, Phase, Preempt, Role};

use crate::{
    member::Member,
    network::{Network, Span},
};

/// The slack that a judgement allows beyond the arithmetic: delivery takes up to 5 ms, a backend up
/// to 20 ms, and clocks drift by up to 200 ppm.
const SLACK: Duration = Duration::from_millis(50);
/// The longest way of a packet and the longest answer of a backend: the successor has the addresses
/// at once, and the one that yields hears of it and lets go.
const YIELDING: Duration = Duration::from_millis(26);
/// A stall, a handover, a delay and the patience of an ill node are over.
const WAITING: Duration = Duration::from_secs(45);
/// A handover, a stall, and the turn after them are over.
const DRAINED: Duration = Duration::from_secs(12);

impl Network {
    fn role(&self, index: usize, member: usize) -> Role {
        self.nodes[index].members[member].config.role()
    }

    /// What a healthy node claims.
    fn claim(&self, index: usize, member: usize) -> Claim {
        self.role(index, member).weighted(self.nodes[index].members[member].health.weight)
    }

    fn interval(&self) -> Duration {
        self.nodes[0].members[0].config.interval().duration()
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
        for (node, index) in
            self.nodes.iter().flat_map(|node| self.members().map(move |m| (node, m)))
        {
            let member = &node.members[index];
            let long_ago = member.drained_at.is_some_and(|at| at + DRAINED < self.now);
            if node.listens() && long_ago {
                let phase = node.phase(index);
                let is_out = matches!(phase, Phase::Initialize(Hold::Drained | Hold::Stopped));
                assert!(is_out && !member.holds(), "drained, and {phase:?}: {:?}", self.scenario);
            }
        }
    }

    /// Nobody waits for somebody who waits: soon after everything is repaired, the addresses of
    /// each member are held if any node may hold them.
    pub(crate) fn judge_service(&mut self) {
        self.forget();
        self.run(WAITING);
        for member in self.members() {
            let served = !self.holders(member).is_empty();
            assert_eq!(
                served,
                self.is_servable(member),
                "served {member}: {}\n{:?}",
                self.phases(),
                self.scenario
            );
        }
    }

    /// Exactly one node holds the addresses, and no stronger one may preempt it. Probation lasts up
    /// to 5 min after repeated faults, so that this may take a while.
    pub(crate) fn judge_convergence(&mut self) {
        for _ in 0..35 {
            if self.members().all(|member| self.has_converged(member)) {
                break;
            }
            self.run(Duration::from_secs(20));
        }
        self.run(Duration::from_secs(20));
        for member in self.members() {
            self.judge_holder(member);
            assert!(
                self.has_converged(member),
                "not together, or not the strongest: {}\n{:?}",
                self.phases(),
                self.scenario
            );
        }
    }

    /// Who is Active, who holds the addresses, and which.
    fn judge_holder(&self, member: usize) {
        let holders = self.holders(member);
        // An ill one hands over now and then, in vain if all are; so does one that waits for the
        // first member of its group.
        let is_active = |index: &usize| {
            let (node, phase) = (&self.nodes[*index], self.nodes[*index].phase(member));
            let may_ask = !node.is_healthy(member) || node.follows_its_group(member);
            phase.is_active() || (may_ask && phase == Phase::Resigning)
        };
        let active: Vec<usize> = (0..self.nodes.len()).filter(is_active).collect();
        assert_eq!(
            active,
            holders,
            "who is active and who holds differ: {}\n{:?}",
            self.phases(),
            self.scenario
        );
        let number = usize::from(self.is_servable(member));
        assert_eq!(
            holders.len(),
            number,
            "holders {holders:?} after healing: {}\n{:?}",
            self.phases(),
            self.scenario
        );
        let as_set = |list: Vec<IpAddr>| list.into_iter().collect::<BTreeSet<_>>();
        for holder in holders {
            let holder = &self.nodes[holder].members[member];
            let (held, configured) = (as_set(holder.held.clone()), as_set(holder.configured()));
            assert_eq!(held, configured, "other addresses: {:?}", self.scenario);
        }
    }

    /// Whether there is a node that may hold the addresses.
    fn is_servable(&self, member: usize) -> bool {
        self.nodes.iter().any(|node| node.may_serve(member))
    }

    /// Whether the addresses are where they belong: all of a group on one node, and on the
    /// strongest.
    fn has_converged(&self, member: usize) -> bool {
        if !self.is_servable(member) {
            return self.holders(member).is_empty();
        }
        let [holder] = self.holders(member)[..] else { return false };
        let conditions = self.nodes.iter().flat_map(|node| &node.members);
        let is_out = conditions.into_iter().any(|member| member.condition() == Condition::Out);
        if self.scenario.group == Some(GroupPolicy::Any) && is_out {
            // Some serve without the one that is out, and wait for nobody who serves all.
            return true;
        }
        let group = self.nodes[holder].together(member);
        group.iter().all(|member| self.holders(*member) == [holder])
            && self.is_strongest(holder, &group)
    }

    /// Whether no node is stronger than the holder and may preempt it: a healthy one is before every
    /// ill one, whatever its Preempt_Mode, and among ill ones nobody is preempted. A group is
    /// preempted as a whole, by a node that is stronger for each member.
    fn is_strongest(&self, holder: usize, group: &[usize]) -> bool {
        let is_healthy = |index: &usize| {
            let node = &self.nodes[*index];
            group.iter().all(|member| node.may_serve(*member) && node.is_healthy(*member))
        };
        let mut healthy = (0..self.nodes.len()).filter(is_healthy);
        if !is_healthy(&holder) {
            return healthy.next().is_none();
        }
        let is_stronger = |index: usize, member: usize| {
            self.role(index, member).preempt() != Preempt::Never
                && self.claim(index, member) > self.claim(holder, member)
        };
        !healthy.any(|index| group.iter().all(|member| is_stronger(index, *member)))
    }

    /// How each member of each node stands.
    fn phases(&self) -> String {
        let mut lines = String::new();
        for (index, node) in self.nodes.iter().enumerate() {
            for member in self.members() {
                let (phase, role) = (node.phase(member), self.role(index, member));
                let Member { health, held, .. } = &node.members[member];
                let gates = node.router().status(&node.key(member)).map(|status| status.gates);
                let line =
                    format!("{index}/{member} {phase} {role:?} {health:?} {held:?} {gates:?}");
                lines.push_str(&format!("\n{line}"));
            }
        }
        lines
    }

    /// Every node stops when it is asked to, and leaves nothing behind.
    pub(crate) fn judge_stop(&mut self) {
        (0..self.nodes.len()).for_each(|index| self.shut_down(index));
        self.run(Duration::from_secs(5));
        for node in &self.nodes {
            assert!(node.router().is_stopped(), "{}\n{:?}", self.phases(), self.scenario);
            let holds = node.members.iter().any(Member::holds);
            assert!(!holds, "stopped, and it holds the addresses: {:?}", self.scenario);
        }
    }

    pub(crate) fn judge_overlap(&mut self) {
        let bound = self.interval() + SLACK;
        assert!(
            Span::longest(&self.overlap) <= bound,
            "{:?} for {:?}",
            self.scenario,
            Span::longest(&self.overlap)
        );
    }

    /// Changes at run time alone: two nodes hold the addresses for no longer than it takes one to
    /// let go, and nobody for no longer than it takes one to acquire. Where a node was resumed in
    /// the moment of its handover, the one that has just taken over yields again at once: two let
    /// go, one after the other. Where an address is lost in the moment of a takeover, its repair
    /// ends with the takeover: two acquire, one after the other.
    pub(crate) fn judge_changes(&self) {
        let yielding = if self.is_turned_back { 2 * YIELDING } else { YIELDING };
        assert!(
            Span::longest(&self.overlap) <= yielding,
            "two for {:?}: {:?}",
            Span::longest(&self.overlap),
            self.scenario
        );
        assert!(
            Span::longest(&self.gap) <= yielding,
            "nobody for {:?}: {:?}",
            Span::longest(&self.gap),
            self.scenario
        );
    }

    /// Crashes the holder: the next one holds the address within its Active_Down_Interval.
    pub(crate) fn judge_takeover_after_crash(&mut self) {
        let holder = self.holder();
        self.crash(holder);
        self.forget();
        let next = (0..self.nodes.len())
            .filter(|index| *index != holder)
            .max_by_key(|index| self.claim(*index, 0));
        let next = next.expect("at least two nodes");
        let timing = self.nodes[next].members[0].config.interval().timing();
        let down = timing.active_down(self.claim(next, 0));
        self.run(2 * down);
        assert!(
            Span::longest(&self.gap) <= down + SLACK,
            "{:?} for {:?}",
            self.scenario,
            Span::longest(&self.gap)
        );
        let served = self.members().all(|member| !self.holders(member).is_empty());
        assert!(served, "nobody took over: {:?}", self.scenario);
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
        assert_eq!(self.holder(), holder, "{:?}", self.scenario);
        for member in self.members() {
            let owner = self.role(holder, member) == Role::Owner;
            // An owner that need not wait for the end of a delay takes what is its own.
            let takes = owner && self.scenario.startup_delay.is_zero();
            let expected = if takes { Phase::Held } else { Phase::Adopted };
            assert_eq!(self.nodes[holder].phase(member), expected, "{:?}", self.scenario);
        }
    }

    /// The phases of the others, and since when.
    fn others(&self, than: usize) -> Vec<(Phase, Instant)> {
        let others = self.nodes.iter().enumerate().filter(|(index, _)| *index != than);
        let keys = others.flat_map(|(_, node)| node.members.iter().map(move |m| (node, m.key())));
        keys.map(|(node, key)| node.router().status(&key).expect("it runs"))
            .map(|status| (status.phase, status.since))
            .collect()
    }

    /// Stops the holder gracefully: somebody answers for the address at every moment.
    pub(crate) fn judge_handover(&mut self) {
        let holder = self.holder();
        self.forget();
        self.shut_down(holder);
        self.run(Duration::from_secs(5));
        assert!(self.nodes[holder].router().is_stopped(), "still running: {:?}", self.scenario);
        // The successor's first advertisement ends the old hold, and its backend takes up to 20 ms.
        // With an interval of 3 s in VRRPv3 the successor's Skew_Time may be longer than the bound
        // of 4 s allows.
        assert!(
            Span::longest(&self.gap) <= SLACK,
            "{:?} for {:?}",
            self.scenario,
            Span::longest(&self.gap)
        );
    }
}
