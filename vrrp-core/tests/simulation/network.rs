//! The simulated network: time, delivery, faults, and the judgement.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use vrrp_core::{
    Claim, Generation, Input, Instant, Ipv4Addresses, Loss, Phase, Preempt, Role, VirtualRouter, Want,
};

use crate::node::{Effect, Node};

/// The slack that a judgement allows beyond the arithmetic: delivery takes up to 5 ms, a backend up to 20 ms,
/// and clocks drift by up to 200 ppm.
const SLACK: Duration = Duration::from_millis(50);

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.below(longest.as_nanos() as u64 + 1))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) version: u8,
    pub(crate) interval: Duration,
    pub(crate) equal_priorities: bool,
    pub(crate) owner: bool,
    pub(crate) preempt: Preempt,
    pub(crate) backend_faults: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Deliver { source: IpAddr, bytes: Vec<u8> },
    Deadline,
    Wake,
    Backend { generation: Generation, want: BackendWork },
}

/// [`Want`] with an order, for the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum BackendWork {
    Adopt,
    Hold,
    Release,
    Other,
}

pub(crate) struct Network {
    scenario: Scenario,
    random: Random,
    now: Instant,
    nodes: Vec<Node>,
    /// By time, then by the order of their making, so that ties are total.
    events: BinaryHeap<Reverse<(Instant, u64, usize, What)>>,
    made: u64,
    loss_percent: u64,
    trace: DefaultHasher,
    /// Since when more than one node holds the address.
    overlap_since: Option<Instant>,
    longest_overlap: Duration,
    /// Since when no living node holds it.
    gap_since: Option<Instant>,
    longest_gap: Duration,
}

impl Network {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut random = Random::new(scenario.seed ^ 0xabcd);
        let nodes =
            (0..scenario.nodes).map(|index| Self::node(&scenario, &mut random, index as u8)).collect();
        let mut network = Self {
            scenario,
            random,
            now: Instant::EPOCH + Duration::from_secs(1),
            nodes,
            events: BinaryHeap::new(),
            made: 0,
            loss_percent: 0,
            trace: DefaultHasher::new(),
            overlap_since: None,
            longest_overlap: Duration::ZERO,
            gap_since: None,
            longest_gap: Duration::ZERO,
        };
        for index in 0..network.nodes.len() {
            network.start(index);
        }
        network
    }

    fn node(scenario: &Scenario, random: &mut Random, index: u8) -> Node {
        let addresses = Ipv4Addresses::new([Ipv4Addr::new(10, 0, 0, 100)]).expect("one address");
        let vrid = 51.try_into().expect("a VRID");
        let config = match scenario.version {
            2 => {
                let seconds =
                    scenario.interval.max(Duration::from_secs(1)).try_into().expect("whole seconds");
                VirtualRouter::v2(vrid, addresses, seconds)
            }
            _ => VirtualRouter::v3_ipv4(vrid, addresses, scenario.interval.try_into().expect("centiseconds")),
        };
        let priority = if scenario.equal_priorities { 100 } else { 50 + index * 40 };
        let contender =
            Role::Contender { priority: priority.try_into().expect("a priority"), preempt: scenario.preempt };
        let role = if scenario.owner && index == 0 { Role::Owner } else { contender };
        let drift = random.below(401) as i64 - 200;
        Node::new(index + 1, config.role(role).acquire_timeout(Duration::from_secs(1)), drift)
    }

    fn start(&mut self, index: usize) {
        let effects = self.nodes[index].start(self.now);
        self.apply(index, effects);
    }

    /// Ends the process. Its addresses serve nobody any more; unless it was handing over, a process that is started
    /// again finds them.
    fn crash(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let leaving = node.alive && node.phase() == Phase::Resigning;
        node.left_behind = node.advertised_at.take().filter(|_| node.holds && !leaving);
        node.alive = false;
        node.holds = false;
        node.generation = None;
        node.stalled_until = None;
        self.observe();
    }

    fn at(&mut self, at: Instant, index: usize, what: What) {
        self.made += 1;
        self.events.push(Reverse((at, self.made, index, what)));
    }

    fn apply(&mut self, index: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.deliver(index, &bytes),
                Effect::Backend { generation, want } => {
                    let takes = self.random.up_to(Duration::from_millis(20));
                    let want = match want {
                        Want::Adopt => BackendWork::Adopt,
                        Want::Acquire | Want::Repair => BackendWork::Hold,
                        Want::Release { .. } => BackendWork::Release,
                        Want::Inspect | Want::Leaving => BackendWork::Other,
                    };
                    self.at(self.now + takes, index, What::Backend { generation, want });
                }
                Effect::Announce => (index, "announce").hash(&mut self.trace),
                Effect::Phase(phase) => (self.now, index, phase).hash(&mut self.trace),
            }
        }
        self.schedule(index);
        self.observe();
    }

    /// Wakes the node at its deadline. An earlier wake-up that is still queued is ignored when it comes.
    fn schedule(&mut self, index: usize) {
        let node = &self.nodes[index];
        let next = node.router.next_deadline();
        let at = next.map(|deadline| node.global(deadline).max(self.now + Duration::from_nanos(1)));
        if let Some(at) = at
            && node.wakes_at != Some(at)
        {
            self.at(at, index, What::Deadline);
        }
        self.nodes[index].wakes_at = at;
    }

    fn deliver(&mut self, from: usize, bytes: &[u8]) {
        (self.now, from, bytes).hash(&mut self.trace);
        for to in 0..self.nodes.len() {
            let apart = self.nodes[from].island != self.nodes[to].island;
            if to == from || apart || self.random.chance(self.loss_percent) {
                continue;
            }
            let copies = if self.loss_percent > 0 && self.random.chance(5) { 2 } else { 1 };
            for _ in 0..copies {
                let at = self.now + self.random.up_to(Duration::from_millis(5));
                let source = self.nodes[from].address;
                self.at(at, to, What::Deliver { source, bytes: bytes.to_vec() });
            }
        }
    }

    fn happen(&mut self, index: usize, what: What) {
        let now = self.now;
        let node = &mut self.nodes[index];
        if !node.alive {
            return;
        }
        if let Some(until) = node.stalled_until
            && what != What::Wake
        {
            match what {
                What::Deliver { source, bytes } => node.inbox.push((source, bytes)),
                other => self.at(until + Duration::from_micros(1), index, other),
            }
            return;
        }
        let effects = match what {
            What::Deliver { source, bytes } => node.receive(now, source, &bytes),
            What::Deadline if node.wakes_at.is_none_or(|at| at > now) => return,
            What::Deadline => {
                node.wakes_at = None;
                node.handle(now, Input::Timeout)
            }
            What::Wake => {
                node.stalled_until = None;
                // A driver drains its sockets before it acts on a timer.
                let inbox = std::mem::take(&mut node.inbox);
                inbox.iter().flat_map(|(source, bytes)| node.receive(now, *source, bytes)).collect()
            }
            What::Backend { generation, want } => node.backend_done(now, generation, want.into()),
        };
        self.apply(index, effects);
    }

    /// Lets the network run undisturbed.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(Reverse((at, ..))) = self.events.peek()
            && *at <= end
        {
            let Some(Reverse((at, _, index, what))) = self.events.pop() else { return };
            self.now = self.now.max(at);
            self.happen(index, what);
        }
        self.now = end;
        self.observe();
    }

    /// Loss, partitions, crashes, stalls, restarts and broken backends.
    pub(crate) fn run_with_chaos(&mut self, time: Duration) {
        let end = self.now + time;
        self.loss_percent = *self.random.pick(&[0, 5, 30]);
        while self.now < end {
            let pause = self.random.up_to(Duration::from_secs(4));
            self.run(pause);
            let index = self.random.below(self.nodes.len() as u64) as usize;
            match self.random.below(7) {
                0 => self.crash(index),
                1 if !self.nodes[index].alive => self.start(index),
                2 => self.nodes[index].island = self.random.below(2) as u8,
                3 => self.stall(index),
                4 if self.scenario.backend_faults => {
                    self.nodes[index].broken_backend = !self.nodes[index].broken_backend;
                }
                5 => self.lose_address(index),
                6 => self.shut_down(index),
                _ => {}
            }
        }
    }

    /// Crashes and restarts only, one at a time, on a network that delivers.
    pub(crate) fn run_with_crashes(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let pause = self.random.up_to(Duration::from_secs(8));
            self.run(pause);
            let index = self.random.below(self.nodes.len() as u64) as usize;
            if self.nodes[index].alive { self.crash(index) } else { self.start(index) }
        }
    }

    fn stall(&mut self, index: usize) {
        if self.nodes[index].alive && self.nodes[index].stalled_until.is_none() {
            let until = self.now + self.random.up_to(Duration::from_secs(6));
            self.nodes[index].stalled_until = Some(until);
            self.at(until, index, What::Wake);
        }
    }

    fn lose_address(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if node.alive && node.holds && node.stalled_until.is_none() {
            let key = node.key();
            let loss = if self.random.chance(50) { Loss::Deleted } else { Loss::Lapsed };
            let effects = node.handle(self.now, Input::LeaseLost { key, loss });
            self.apply(index, effects);
        }
    }

    fn shut_down(&mut self, index: usize) {
        if self.nodes[index].alive && self.nodes[index].stalled_until.is_none() {
            let effects = self.nodes[index].handle(self.now, Input::Shutdown);
            self.apply(index, effects);
        }
    }

    /// Everything is repaired, and every node runs.
    pub(crate) fn heal(&mut self) {
        self.loss_percent = 0;
        for index in 0..self.nodes.len() {
            self.nodes[index].island = 0;
            self.nodes[index].broken_backend = false;
            if self.nodes[index].stalled_until.is_none() {
                // A stopped process is started again, as a supervisor does; so is a crashed one.
                let stopped = self.nodes[index].alive && self.nodes[index].router.is_stopped();
                if stopped || !self.nodes[index].alive {
                    self.crash(index);
                    self.start(index);
                }
            }
        }
        self.run(Duration::from_secs(10));
        for index in 0..self.nodes.len() {
            if self.nodes[index].router.is_stopped() {
                self.crash(index);
                self.start(index);
            }
        }
    }

    /// Notes how many hold the address, after every event.
    fn observe(&mut self) {
        let holders = self.nodes.iter().filter(|node| node.alive && node.holds).count();
        let now = self.now;
        let track = |since: &mut Option<Instant>, longest: &mut Duration, is: bool| {
            if let Some(from) = *since {
                *longest = (*longest).max(now - from);
            }
            *since = if is { Some(since.unwrap_or(now)) } else { None };
        };
        track(&mut self.overlap_since, &mut self.longest_overlap, holders > 1);
        track(&mut self.gap_since, &mut self.longest_gap, holders == 0);
    }

    pub(crate) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    fn claim(&self, index: usize) -> (Claim, IpAddr) {
        (self.nodes[index].config.configured_role().claim(), self.nodes[index].address)
    }

    fn holders(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| self.nodes[*index].holds).collect()
    }

    /// Exactly one node holds the address, and it is the strongest. Probation lasts up to 5 min after
    /// repeated faults, so that this may take a while.
    pub(crate) fn judge_convergence(&mut self) {
        for _ in 0..35 {
            self.run(Duration::from_secs(20));
            if self.holders().len() == 1 && self.strongest_holds() {
                self.run(Duration::from_secs(20));
                break;
            }
        }
        let holders = self.holders();
        let active: Vec<usize> =
            (0..self.nodes.len()).filter(|index| self.nodes[*index].phase().is_active()).collect();
        assert_eq!(active, holders, "who is active and who holds differ: {:?}", self.scenario);
        assert_eq!(holders.len(), 1, "holders {holders:?} after healing: {:?}", self.scenario);
        assert!(self.strongest_holds(), "not the strongest: {:?}", self.scenario);
    }

    /// Whether the strongest node holds the address; any node will do where the strongest need not preempt.
    fn strongest_holds(&self) -> bool {
        let strongest = (0..self.nodes.len()).max_by_key(|index| self.claim(*index).0);
        let any = self.scenario.preempt == Preempt::Never || self.scenario.equal_priorities;
        any || self.holders().first() == strongest.as_ref()
    }

    pub(crate) fn judge_overlap(&mut self) {
        let bound = self.interval() + SLACK;
        assert!(self.longest_overlap <= bound, "{:?} for {:?}", self.scenario, self.longest_overlap);
    }

    fn interval(&self) -> Duration {
        self.nodes[0].config.interval().duration()
    }

    /// Crashes the holder: the next one holds the address within its Active_Down_Interval.
    pub(crate) fn judge_takeover_after_crash(&mut self) {
        let holders = self.holders();
        let [holder] = holders[..] else { panic!("holders {holders:?}: {:?}", self.scenario) };
        self.crash(holder);
        self.longest_gap = Duration::ZERO;
        let next =
            (0..self.nodes.len()).filter(|index| *index != holder).max_by_key(|index| self.claim(*index).0);
        let next = next.expect("at least two nodes");
        let down = self.nodes[next].config.interval().active_down(self.claim(next).0);
        self.run(2 * down);
        assert!(self.longest_gap <= down + SLACK, "{:?} for {:?}", self.scenario, self.longest_gap);
        assert!(!self.holders().is_empty(), "nobody took over: {:?}", self.scenario);
    }

    /// Crashes the holder and starts it again before a peer may take over: nobody else notices.
    pub(crate) fn judge_restart(&mut self) {
        let holders = self.holders();
        let [holder] = holders[..] else { panic!("holders {holders:?}: {:?}", self.scenario) };
        let others = |network: &Self| -> Vec<_> {
            let others = network.nodes.iter().enumerate().filter(|(index, _)| *index != holder);
            others
                .map(|(_, node)| (node.phase(), node.router.status(&node.key()).expect("it runs").since))
                .collect()
        };
        let before = others(self);
        self.crash(holder);
        // The last advertisement is up to an interval old.
        let pause = self.random.up_to(self.interval());
        self.run(pause);
        self.start(holder);
        self.run(5 * self.interval());
        assert_eq!(others(self), before, "a peer noticed: {:?}", self.scenario);
        assert_eq!(self.holders(), [holder], "{:?}", self.scenario);
        let owner = self.nodes[holder].config.configured_role() == Role::Owner;
        let expected = if owner { Phase::Held } else { Phase::Adopted };
        assert_eq!(self.nodes[holder].phase(), expected, "{:?}", self.scenario);
    }

    /// Stops the holder gracefully: somebody answers for the address at every moment.
    pub(crate) fn judge_handover(&mut self) {
        let holders = self.holders();
        let [holder] = holders[..] else { panic!("holders {holders:?}: {:?}", self.scenario) };
        self.longest_gap = Duration::ZERO;
        self.shut_down(holder);
        self.run(Duration::from_secs(5));
        assert!(self.nodes[holder].router.is_stopped(), "still running: {:?}", self.scenario);
        // The successor's first advertisement ends the old hold, and its backend takes up to 20 ms. With an
        // interval of 3 s in VRRPv3 the successor's Skew_Time may be longer than the bound of 4 s allows.
        assert!(self.longest_gap <= SLACK, "{:?} for {:?}", self.scenario, self.longest_gap);
    }
}

impl From<BackendWork> for Want {
    fn from(work: BackendWork) -> Self {
        match work {
            BackendWork::Adopt => Self::Adopt,
            BackendWork::Hold => Self::Acquire,
            BackendWork::Release => Self::Release { reason: vrrp_core::Reason::Shutdown, successor: None },
            BackendWork::Other => Self::Inspect,
        }
    }
}
