//! The simulated network: time, delivery, and the order in which things happen.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    time::Duration,
};

use vrrp_core::{Generation, Instant, play::Given};

use crate::{
    member::{BackendWork, Effect, Member},
    node::Node,
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
        member: usize,
        source: IpAddr,
        bytes: Vec<u8>,
    },
    Deadline,
    /// The outputs of inputs that piled up are polled.
    Poll,
    Wake,
    Backend {
        member: usize,
        generation: Generation,
        work: BackendWork,
    },
    /// Somebody deletes the addresses, so many times more.
    Delete {
        member: usize,
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
    /// More than one node holds the address, for each member.
    pub(crate) overlap: Vec<Span>,
    /// No living node holds it.
    pub(crate) gap: Vec<Span>,
    /// A node was resumed, or lost an address, while the addresses were changing hands.
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
    longest: Duration,
}

impl Span {
    fn observe(&mut self, now: Instant, is_so: bool) {
        if let Some(since) = self.since {
            self.longest = self.longest.max(now - since);
        }
        self.since = is_so.then_some(self.since.unwrap_or(now));
    }

    /// The longest of several.
    pub(crate) fn longest(of: &[Self]) -> Duration {
        of.iter().map(|span| span.longest).max().unwrap_or_default()
    }
}

impl Network {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let mut random = Random::new(scenario.seed ^ 0xabcd);
        let nodes = (0_u8..).take(scenario.nodes).map(|index| {
            let drift = i64::try_from(random.below(401)).expect("small") - 200;
            let member = |place| Member::new(index + 1, place, scenario.config(index, place));
            let members = (0..scenario.members()).map(member).collect();
            Node::new(members, scenario.group, drift)
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
            overlap: vec![Span::default(); scenario.members().into()],
            gap: vec![Span::default(); scenario.members().into()],
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

    pub(crate) fn crash(&mut self, index: usize) {
        self.nodes[index].crash();
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
        for (member, effect) in effects {
            match effect {
                Effect::Send(bytes) => self.deliver(index, member, &bytes),
                Effect::Backend { generation, work } => {
                    let takes = self.random.up_to(Duration::from_millis(20));
                    self.at(self.now + takes, index, What::Backend { member, generation, work });
                }
                Effect::Announce => (index, member, "announce").hash(&mut self.trace),
                Effect::Phase(phase) => (self.now, index, member, phase).hash(&mut self.trace),
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

    /// Each member has a network of its own.
    fn deliver(&mut self, from: usize, member: usize, bytes: &[u8]) {
        (self.now, from, member, bytes).hash(&mut self.trace);
        let sender = &self.nodes[from].members[member];
        let (source, island) = (sender.address, sender.island);
        if sender.is_link_down {
            return;
        }
        for to in 0..self.nodes.len() {
            let receiver = &self.nodes[to].members[member];
            let apart = island != receiver.island || receiver.is_link_down;
            if to == from || apart || self.random.chance(self.loss_percent) {
                continue;
            }
            let copies = if self.loss_percent > 0 && self.random.chance(5) { 2 } else { 1 };
            for _ in 0..copies {
                let at = self.now + self.random.up_to(DELIVERY);
                self.at(at, to, What::Deliver { member, source, bytes: bytes.to_vec() });
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
                What::Deliver { member, source, bytes } => {
                    node.inbox.push((member, source, bytes));
                }
                other => self.at(until + Duration::from_micros(1), index, other),
            }
            return;
        }
        let timers_ran = what == What::Deadline;
        match what {
            What::Deliver { member, source, bytes } => node.receive(now, (member, source, bytes)),
            What::Deadline if node.wakes_at.is_none_or(|at| at > now) => return,
            What::Deadline => {
                node.wakes_at = None;
                node.handle(now, &Given::Timeout);
            }
            What::Poll if node.is_piled_up => return self.poll(index),
            What::Poll => return,
            What::Wake => return self.wake(index),
            What::Backend { member, generation, work } => {
                node.backend_done(now, member, generation, work);
            }
            What::Delete { member, left } => return self.delete(index, member, left),
        }
        self.settle(index);
        if timers_ran {
            self.judge_deadline(index);
        }
    }

    /// A driver drains its sockets before it acts on a timer.
    fn wake(&mut self, index: usize) {
        self.nodes[index].stalled_until = None;
        for arrival in std::mem::take(&mut self.nodes[index].inbox) {
            self.nodes[index].receive(self.now, arrival);
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
        for member in 0..self.overlap.len() {
            let holds = |node: &&Node| node.alive && node.members[member].holds();
            let holders = self.nodes.iter().filter(holds).count();
            self.overlap[member].observe(self.now, holders > 1);
            self.gap[member].observe(self.now, holders == 0);
        }
    }

    /// What was before does not count.
    pub(crate) fn forget(&mut self) {
        self.overlap.iter_mut().chain(&mut self.gap).for_each(|span| *span = Span::default());
    }

    pub(crate) fn holders(&self, member: usize) -> Vec<usize> {
        let holds = |index: &usize| self.nodes[*index].members[member].holds();
        (0..self.nodes.len()).filter(holds).collect()
    }

    /// The node that holds the addresses, where one has to hold those of all members.
    pub(crate) fn holder(&self) -> usize {
        let holders: Vec<_> = self.members().map(|member| self.holders(member)).collect();
        let [holder] = holders[0][..] else { panic!("holders {holders:?}: {:?}", self.scenario) };
        assert!(holders.iter().all(|of| *of == [holder]), "{holders:?}: {:?}", self.scenario);
        holder
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = usize> + use<> {
        0..usize::from(self.scenario.members())
    }

    pub(crate) fn trace(&self) -> u64 {
        self.trace.finish()
    }
}
