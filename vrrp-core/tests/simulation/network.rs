//! The simulated network: time, delivery, and the order in which things happen.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    time::Duration,
};

use vrrp_core::{Generation, Instant, Phase, play::Given};

use crate::{
    node::{BackendWork, Effect, Node},
    random::Random,
    scenario::Scenario,
};

/// The longest way of a packet.
const DELIVERY: Duration = Duration::from_millis(5);
/// How long outputs wait where inputs pile up.
const PILE: Duration = Duration::from_millis(5);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Deliver {
        source: IpAddr,
        bytes: Vec<u8>,
    },
    Deadline,
    /// The outputs of inputs that piled up are polled.
    Poll,
    Wake,
    Backend {
        generation: Generation,
        work: BackendWork,
    },
    /// Somebody deletes the addresses, so many times more.
    Delete {
        left: u64,
    },
}

pub(crate) struct Network {
    pub(crate) scenario: Scenario,
    pub(crate) random: Random,
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    /// By time, then by the order of their making, so that ties are total.
    events: BinaryHeap<Reverse<(Instant, u64, usize, What)>>,
    made: u64,
    pub(crate) loss_percent: u64,
    trace: DefaultHasher,
    /// More than one node holds the address.
    pub(crate) overlap: Span,
    /// No living node holds it.
    pub(crate) gap: Span,
    /// A node was resumed while the addresses were changing hands.
    pub(crate) is_turned_back: bool,
}

impl Random {
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let nanos = u64::try_from(longest.as_nanos()).expect("short");
        Duration::from_nanos(self.below(nanos + 1))
    }
}

/// For how long something has been so without a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    since: Option<Instant>,
    pub(crate) longest: Duration,
}

impl Span {
    fn observe(&mut self, now: Instant, is_so: bool) {
        if let Some(since) = self.since {
            self.longest = self.longest.max(now - since);
        }
        self.since = is_so.then_some(self.since.unwrap_or(now));
    }

    /// What was before does not count.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Network {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut random = Random::new(scenario.seed ^ 0xabcd);
        let nodes = (0_u8..).take(scenario.nodes).map(|index| {
            let drift = i64::try_from(random.below(401)).expect("small") - 200;
            Node::new(index + 1, scenario.config(index), drift)
        });
        let nodes = nodes.collect();
        let mut network = Self {
            scenario,
            random,
            now: Instant::EPOCH + Duration::from_secs(1),
            nodes,
            events: BinaryHeap::new(),
            made: 0,
            loss_percent: 0,
            trace: DefaultHasher::new(),
            overlap: Span::default(),
            gap: Span::default(),
            is_turned_back: false,
        };
        for index in 0..network.nodes.len() {
            network.start(index);
        }
        network
    }

    pub(crate) fn start(&mut self, index: usize) {
        let now = self.now;
        let node = &mut self.nodes[index];
        node.boot(now);
        node.configure(now);
        self.settle(index);
    }

    /// Ends the process. Its addresses serve nobody any more; unless it was handing over, a process
    /// that is started again finds them.
    pub(crate) fn crash(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let leaving = node.alive && node.phase() == Phase::Resigning;
        let held = std::mem::take(&mut node.held);
        let left = node.advertised_at.take().map(|at| (at, held));
        node.left_behind = left.filter(|(_, held)| !held.is_empty() && !leaving);
        node.alive = false;
        node.generation = None;
        node.stalled_until = None;
        self.observe();
    }

    pub(crate) fn at(&mut self, at: Instant, index: usize, what: What) {
        self.made += 1;
        self.events.push(Reverse((at, self.made, index, what)));
    }

    /// Gives a node one input.
    pub(crate) fn give(&mut self, index: usize, given: &Given) {
        self.nodes[index].handle(self.now, given);
        self.settle(index);
    }

    /// After an input: its outputs are polled, at once or with those of the inputs to come.
    pub(crate) fn settle(&mut self, index: usize) {
        if self.random.chance(self.scenario.polls) {
            self.poll(index);
        } else if !self.nodes[index].is_piled_up {
            self.nodes[index].is_piled_up = true;
            let at = self.now + self.random.up_to(PILE);
            self.at(at, index, What::Poll);
        }
    }

    fn poll(&mut self, index: usize) {
        let effects = self.nodes[index].poll(self.now);
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.deliver(index, &bytes),
                Effect::Backend { generation, work } => {
                    let takes = self.random.up_to(Duration::from_millis(20));
                    self.at(self.now + takes, index, What::Backend { generation, work });
                }
                Effect::Announce => (index, "announce").hash(&mut self.trace),
                Effect::Phase(phase) => (self.now, index, phase).hash(&mut self.trace),
            }
        }
        self.schedule(index);
        self.observe();
    }

    /// Wakes the node at its deadline. An earlier wake-up that is still queued is ignored when it
    /// comes.
    fn schedule(&mut self, index: usize) {
        let node = &self.nodes[index];
        let next = node.router().next_deadline();
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
                let at = self.now + self.random.up_to(DELIVERY);
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
        let timers_ran = what == What::Deadline;
        match what {
            What::Deliver { source, bytes } => node.receive(now, source, &bytes),
            What::Deadline if node.wakes_at.is_none_or(|at| at > now) => return,
            What::Deadline => {
                node.wakes_at = None;
                node.handle(now, &Given::Timeout);
            }
            What::Poll if node.is_piled_up => return self.poll(index),
            What::Poll => return,
            What::Wake => return self.wake(index),
            What::Backend { generation, work } => node.backend_done(now, generation, work),
            What::Delete { left } => return self.delete(index, left),
        }
        self.settle(index);
        if timers_ran {
            self.judge_deadline(index);
        }
    }

    /// A driver drains its sockets before it acts on a timer.
    fn wake(&mut self, index: usize) {
        self.nodes[index].stalled_until = None;
        for (source, bytes) in std::mem::take(&mut self.nodes[index].inbox) {
            self.nodes[index].receive(self.now, source, &bytes);
            self.settle(index);
        }
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

    /// Notes how many hold the address, after every event.
    pub(crate) fn observe(&mut self) {
        let holders = self.nodes.iter().filter(|node| node.alive && node.holds()).count();
        self.overlap.observe(self.now, holders > 1);
        self.gap.observe(self.now, holders == 0);
    }

    pub(crate) fn holders(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| self.nodes[*index].holds()).collect()
    }

    /// The node that holds the addresses, where one has to.
    pub(crate) fn holder(&self) -> usize {
        let holders = self.holders();
        let [holder] = holders[..] else { panic!("holders {holders:?}: {:?}", self.scenario) };
        holder
    }

    pub(crate) fn trace(&self) -> u64 {
        self.trace.finish()
    }
}
