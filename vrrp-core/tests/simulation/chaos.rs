//! What happens to a network: faults, and what operators do to it.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use vrrp_core::{Condition, Health, Loss, Phase, play::Given};

use crate::{
    codec::{Checksum, Message},
    network::{Network, What},
    node::Node,
    scenario::{ADDRESSES, Scenario},
};

const SECOND: Duration = Duration::from_secs(1);
/// Packets have arrived, and backends have answered.
const ANSWERED: Duration = Duration::from_millis(25);

impl Network {
    /// Faults of every kind, and changes of every kind.
    pub(crate) fn run_with_chaos(&mut self, time: Duration) {
        let end = self.now + time;
        self.loss_percent = *self.random.pick(&[0, 5, 30]);
        while self.now < end {
            let pause = self.random.up_to(3 * SECOND);
            self.run(pause);
            let index = self.any_node();
            match self.random.below(16) {
                0 => self.crash(index),
                1 if !self.nodes[index].alive => self.start(index),
                2 => self.nodes[index].island = self.random.octet() % 2,
                3 => self.stall(index),
                4 if self.scenario.backend_faults => {
                    self.nodes[index].broken_backend = !self.nodes[index].broken_backend;
                }
                5 if self.scenario.backend_faults => self.nodes[index].fails_once = true,
                6 => self.lose_address(index),
                7 => self.fight(index),
                8 => self.shut_down(index),
                9 | 10 => self.reload(index),
                11 => self.drain_or_resume(index),
                12 => self.remove_or_return(index),
                13 => self.forge(index),
                14 | 15 => {
                    let health = Scenario::health(&mut self.random);
                    self.set_health(index, health);
                }
                _ => {}
            }
        }
    }

    /// Crashes and restarts only, one at a time, on a network that delivers.
    pub(crate) fn run_with_crashes(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let pause = self.random.up_to(8 * SECOND);
            self.run(pause);
            let index = self.any_node();
            if self.nodes[index].alive { self.crash(index) } else { self.start(index) }
        }
    }

    /// What an operator does, and losses of addresses, on a network that delivers: nothing that
    /// keeps the addresses from being served.
    pub(crate) fn run_with_changes(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let pause = self.random.up_to(4 * SECOND);
            self.run(pause);
            let index = self.any_node();
            match self.random.below(5) {
                // By a forced drain the addresses are left to healthy nodes.
                0 if self.may_drain() && self.nodes.iter().all(Node::is_healthy) => {
                    self.wait_for_quiet();
                    self.drain(index, true);
                }
                1 => self.resume_all(),
                // What is lost during a handover is its successor's to put there.
                2 if self.nodes[index].phase() != Phase::Resigning => {
                    self.lose_address(index);
                }
                3 => self.change_claim(index),
                4 if self.may_drain() => {
                    self.wait_for_quiet();
                    let ill = self.nodes[index].is_healthy() && self.random.chance(70);
                    let condition = if ill { Condition::Ill } else { Condition::Good };
                    self.set_health(index, Health { condition, ..Health::default() });
                }
                _ => {}
            }
        }
    }

    /// Nobody leaves, and no claim changes, while the addresses change hands: a node that is
    /// acquiring has nothing to hand over. The last words of a node that yields go on for three
    /// intervals, and who has become weaker than it meanwhile takes it for an Active.
    fn wait_for_quiet(&mut self) {
        let quiet = 3 * self.scenario.interval.max(SECOND) + ANSWERED;
        while self.nodes.iter().any(|node| node.has_changed_since(self.now - quiet)) {
            self.run(SECOND / 10);
        }
    }

    /// At any moment, also in that in which the addresses change hands.
    fn resume_all(&mut self) {
        let a_moment_ago = self.now - ANSWERED;
        self.is_turned_back |= self.nodes.iter().any(|node| node.has_changed_since(a_moment_ago));
        (0..self.nodes.len()).for_each(|index| self.resume(index));
    }

    /// One node at a time.
    fn may_drain(&self) -> bool {
        self.nodes.iter().all(|node| node.drained_at.is_none())
    }

    fn any_node(&mut self) -> usize {
        let nodes: Vec<usize> = (0..self.nodes.len()).collect();
        *self.random.pick(&nodes)
    }

    fn stall(&mut self, index: usize) {
        if self.nodes[index].listens() {
            let until = self.now + self.random.up_to(6 * SECOND);
            self.nodes[index].stalled_until = Some(until);
            self.at(until, index, What::Wake);
        }
    }

    fn lose_address(&mut self, index: usize) {
        let loss = if self.random.chance(50) { Loss::Deleted } else { Loss::Lapsed };
        self.lose(index, loss);
    }

    fn lose(&mut self, index: usize, loss: Loss) {
        let node = &mut self.nodes[index];
        if node.listens() && node.holds() {
            node.held.clear();
            let key = node.key();
            self.give(index, &Given::LeaseLost { key, loss });
        }
    }

    /// Something on the host deletes the addresses again and again.
    fn fight(&mut self, index: usize) {
        if self.nodes[index].listens() && self.nodes[index].holds() {
            self.at(self.now, index, What::Delete { left: 20 });
        }
    }

    pub(crate) fn delete(&mut self, index: usize, left: u64) {
        self.lose(index, Loss::Deleted);
        if left > 0 {
            let pause = SECOND / 10 + self.random.up_to(SECOND / 2);
            self.at(self.now + pause, index, What::Delete { left: left - 1 });
        }
    }

    pub(crate) fn shut_down(&mut self, index: usize) {
        if self.nodes[index].listens() {
            self.give(index, &Given::Shutdown);
        }
    }

    /// Its configuration is read again. A virtual router that was shut down is started by this.
    fn configure(&mut self, index: usize) {
        let now = self.now;
        if self.nodes[index].listens() {
            self.nodes[index].configure(now);
            self.settle(index);
        }
    }

    fn reload(&mut self, index: usize) {
        let config = &self.nodes[index].config;
        self.nodes[index].config = self.scenario.reloaded(&mut self.random, config);
        self.configure(index);
    }

    fn set_health(&mut self, index: usize, health: Health) {
        self.nodes[index].health = health;
        if self.nodes[index].listens() {
            let now = self.now;
            self.nodes[index].tell_health(now);
            self.settle(index);
        }
    }

    fn change_claim(&mut self, index: usize) {
        self.wait_for_quiet();
        let config = &self.nodes[index].config;
        self.nodes[index].config = self.scenario.with_another_claim(&mut self.random, config);
        self.configure(index);
    }

    fn remove_or_return(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.is_removed = !node.is_removed;
        node.drained_at = None;
        self.configure(index);
    }

    fn drain_or_resume(&mut self, index: usize) {
        if self.nodes[index].drained_at.is_some() {
            self.resume(index);
        } else {
            let force = self.random.chance(50);
            self.drain(index, force);
        }
    }

    fn drain(&mut self, index: usize, force: bool) {
        let node = &mut self.nodes[index];
        // What it does not know, or not yet again, cannot be drained.
        if node.listens() && !node.is_removed && node.router().status(&node.key()).is_some() {
            node.drained_at = force.then_some(self.now);
            let key = node.key();
            self.give(index, &Given::Drain { key, force });
        }
    }

    fn resume(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if node.listens() {
            node.drained_at = None;
            let key = node.key();
            self.give(index, &Given::Resume(key));
        }
    }

    /// Messages that no node has sent, legal ones among them.
    fn forge(&mut self, index: usize) {
        for _ in 0..1 + self.random.below(10) {
            let (source, bytes) = self.forged(index);
            let at = self.now + self.random.up_to(SECOND / 2);
            self.at(at, index, What::Deliver { source, bytes });
        }
    }

    fn forged(&mut self, index: usize) -> (IpAddr, Vec<u8>) {
        let stranger = Ipv4Addr::new(10, 0, 9, 9).into();
        let another = self.nodes[(index + 1) % self.nodes.len()].address;
        let source = *self.random.pick(&[stranger, another]);
        let random = &mut self.random;
        let priority = *random.pick(&[0, 1, 100, 254, 255]);
        let (ours, other) = (ADDRESSES.map(IpAddr::from), [stranger]);
        let list = *random.pick(&[&ours[..], &ours[1..], &other[..]]);
        let mut message = match self.scenario.version {
            2 => Message::v2(51, priority, *random.pick(&[1, 3]), list),
            _ => Message::v3(51, priority, *random.pick(&[1, 10, 100, 300]), list),
        };
        if random.chance(20) {
            message.checksum = *random.pick(&[Checksum::PseudoHeader, Checksum::Fixed(0)]);
        }
        (source, message.octets(source, vrrp_core::IPV4_GROUP.into()))
    }

    /// Everything is repaired, everything runs, and the configurations agree.
    pub(crate) fn heal(&mut self) {
        self.loss_percent = 0;
        for index in 0..self.nodes.len() {
            let is_ill = self.random.chance(self.scenario.ill);
            let condition = if is_ill { Condition::Ill } else { Condition::Good };
            self.nodes[index].health = Health { condition, ..Health::default() };
            self.nodes[index].island = 0;
            self.nodes[index].broken_backend = false;
            self.nodes[index].fails_once = false;
            self.mend(index);
        }
        // Stalls are over by then, and so are handovers and fights.
        self.run(15 * SECOND);
        (0..self.nodes.len()).for_each(|index| self.mend(index));
    }

    fn mend(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.is_removed = false;
        node.config = self.scenario.agreed(&node.config);
        if !node.alive {
            return self.start(index);
        }
        self.resume(index);
        self.configure(index);
    }
}
