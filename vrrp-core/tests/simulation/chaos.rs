//! What happens to a network: faults, and what operators do to it.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use vrrp_core::{Claim, Condition, GroupPolicy, Health, Loss, Phase, Role, play::Given};

use crate::{
    codec::{Checksum, Message},
    network::{Network, What},
    scenario::{Scenario, addresses, contender},
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
            let (index, member) = (self.any_node(), self.any_member());
            match self.random.below(18) {
                0 => self.crash(index),
                1 if !self.nodes[index].alive => self.start(index),
                2 => self.nodes[index].members[member].island = self.random.octet() % 2,
                3 => self.stall(index),
                4 if self.scenario.backend_faults => {
                    let broken = &mut self.nodes[index].members[member].broken_backend;
                    *broken = !*broken;
                }
                5 if self.scenario.backend_faults => {
                    self.nodes[index].members[member].fails_once = true;
                }
                6 => self.lose_address(index, member),
                7 => self.fight(index, member),
                8 => self.shut_down(index),
                9 | 10 => self.reload(index, member),
                11 => self.drain_or_resume(index, member),
                12 => self.remove_or_return(index, member),
                13 => self.forge(index, member),
                14 | 15 => {
                    let health = Scenario::health(&mut self.random);
                    self.set_health(index, member, health);
                }
                16 => self.cut_or_mend_link(index, member),
                17 if self.scenario.group.is_some() => self.regroup(index),
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
            let (index, member) = (self.any_node(), self.any_member());
            match self.random.below(5) {
                // By a forced drain the addresses are left to healthy nodes.
                0 if self.may_drain() && self.nodes.iter().all(|node| node.is_healthy(member)) => {
                    self.wait_for_quiet();
                    self.drain(index, member, true);
                }
                1 => self.resume_all(),
                // What is lost during a handover is its successor's to put there.
                2 if self.nodes[index].phase(member) != Phase::Resigning => {
                    self.lose_address(index, member);
                    self.note_turn(ANSWERED);
                }
                3 => self.change_claim(index),
                4 if self.may_drain() => {
                    self.wait_for_quiet();
                    let ill = self.nodes[index].is_healthy(member) && self.random.chance(70);
                    let condition = if ill { Condition::Ill } else { Condition::Good };
                    let health = Health { condition, ..Health::default() };
                    self.set_health(index, member, health);
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
        self.note_turn(Duration::ZERO);
        for index in 0..self.nodes.len() {
            self.members().for_each(|member| self.resume(index, member));
        }
    }

    /// Notes whether the addresses have just changed hands, or do so soon.
    fn note_turn(&mut self, soon: Duration) {
        self.run(soon);
        let a_moment_ago = self.now - ANSWERED;
        self.is_turned_back |= self.nodes.iter().any(|node| node.has_changed_since(a_moment_ago));
    }

    /// One node at a time.
    fn may_drain(&self) -> bool {
        let mut members = self.nodes.iter().flat_map(|node| &node.members);
        members.all(|member| member.drained_at.is_none())
    }

    fn any_node(&mut self) -> usize {
        let nodes: Vec<usize> = (0..self.nodes.len()).collect();
        *self.random.pick(&nodes)
    }

    fn any_member(&mut self) -> usize {
        let members: Vec<usize> = self.members().collect();
        if members.len() > 1 { *self.random.pick(&members) } else { 0 }
    }

    fn stall(&mut self, index: usize) {
        if self.nodes[index].listens() {
            let until = self.now + self.random.up_to(6 * SECOND);
            self.nodes[index].stalled_until = Some(until);
            self.at(until, index, What::Wake);
        }
    }

    fn lose_address(&mut self, index: usize, member: usize) {
        let loss = if self.random.chance(50) { Loss::Deleted } else { Loss::Lapsed };
        self.lose(index, member, loss);
    }

    fn lose(&mut self, index: usize, member: usize, loss: Loss) {
        let node = &mut self.nodes[index];
        if node.listens() && node.members[member].holds() {
            node.members[member].held.clear();
            let key = node.key(member);
            self.give(index, &Given::LeaseLost { key, loss });
        }
    }

    /// Something on the host deletes the addresses again and again.
    fn fight(&mut self, index: usize, member: usize) {
        if self.nodes[index].listens() && self.nodes[index].members[member].holds() {
            self.at(self.now, index, What::Delete { member, left: 20 });
        }
    }

    pub(crate) fn delete(&mut self, index: usize, member: usize, left: u64) {
        self.lose(index, member, Loss::Deleted);
        if left > 0 {
            let pause = SECOND / 10 + self.random.up_to(SECOND / 2);
            self.at(self.now + pause, index, What::Delete { member, left: left - 1 });
        }
    }

    /// A cable that is out for a moment, or until it is put back.
    fn cut_or_mend_link(&mut self, index: usize, member: usize) {
        if !self.nodes[index].listens() {
            return;
        }
        let is_down = self.nodes[index].members[member].is_link_down;
        self.set_link(index, member, !is_down);
        if !is_down && self.random.chance(50) {
            let pause = self.random.up_to(SECOND / 2);
            self.run(pause);
            self.set_link(index, member, false);
        }
    }

    /// What a process that does not listen has missed, it reads when it is back.
    fn set_link(&mut self, index: usize, member: usize, is_down: bool) {
        self.nodes[index].members[member].is_link_down = is_down;
        if self.nodes[index].alive {
            let now = self.now;
            self.nodes[index].tell_link(now, member);
            self.settle(index);
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

    fn reload(&mut self, index: usize, member: usize) {
        let config = &self.nodes[index].members[member].config;
        let config = self.scenario.reloaded(&mut self.random, place(member), config);
        self.nodes[index].members[member].config = config;
        self.configure(index);
    }

    /// Its virtual routers move together from now on, or each for itself.
    fn regroup(&mut self, index: usize) {
        let groups = [None, Some(GroupPolicy::All), Some(GroupPolicy::Any)];
        let group = *self.random.pick(&groups);
        if self.nodes[index].listens() {
            self.nodes[index].group = group;
            self.configure(index);
        }
    }

    fn set_health(&mut self, index: usize, member: usize, health: Health) {
        self.nodes[index].members[member].health = health;
        if self.nodes[index].listens() {
            let now = self.now;
            self.nodes[index].tell_health(now, member);
            self.settle(index);
        }
    }

    /// In a group the one claim for all, and not close to another node's.
    fn change_claim(&mut self, index: usize) {
        self.wait_for_quiet();
        let config = &self.nodes[index].members[0].config;
        let mut role = self.scenario.with_another_claim(&mut self.random, config).role();
        if self.scenario.group.is_some() {
            let roles = self.nodes.iter().map(|node| node.members[0].config.role());
            let taken: Vec<Claim> = roles.map(Role::claim).collect();
            let mut free = Scenario::PRIORITIES.to_vec();
            free.retain(|priority| !taken.contains(&Claim::from(*priority)));
            role = contender(*self.random.pick(&free), role.preempt());
        }
        for member in &mut self.nodes[index].members {
            member.config = member.config.clone().with_role(role);
        }
        self.configure(index);
    }

    fn remove_or_return(&mut self, index: usize, member: usize) {
        let member = &mut self.nodes[index].members[member];
        member.is_removed = !member.is_removed;
        member.drained_at = None;
        self.configure(index);
    }

    fn drain_or_resume(&mut self, index: usize, member: usize) {
        if self.nodes[index].members[member].drained_at.is_some() {
            self.resume(index, member);
        } else {
            let force = self.random.chance(50);
            self.drain(index, member, force);
        }
    }

    /// A drain of one is a drain of its group.
    fn drain(&mut self, index: usize, member: usize, force: bool) {
        // What it does not know, or not yet again, cannot be drained.
        if self.nodes[index].listens() && self.is_there(index, member) {
            for other in self.nodes[index].together(member) {
                if self.is_there(index, other) {
                    let drained_at = &mut self.nodes[index].members[other].drained_at;
                    *drained_at = force.then_some(self.now);
                }
            }
            let key = self.nodes[index].key(member);
            self.give(index, &Given::Drain { key, force });
        }
    }

    fn is_there(&self, index: usize, member: usize) -> bool {
        let node = &self.nodes[index];
        !node.members[member].is_removed && node.router().status(&node.key(member)).is_some()
    }

    fn resume(&mut self, index: usize, member: usize) {
        if self.nodes[index].listens() {
            for other in self.nodes[index].together(member) {
                self.nodes[index].members[other].drained_at = None;
            }
            let key = self.nodes[index].key(member);
            self.give(index, &Given::Resume(key));
        }
    }

    /// Messages that no node has sent, legal ones among them.
    fn forge(&mut self, index: usize, member: usize) {
        for _ in 0..1 + self.random.below(10) {
            let (source, bytes) = self.forged(index, member);
            let at = self.now + self.random.up_to(SECOND / 2);
            self.at(at, index, What::Deliver { member, source, bytes });
        }
    }

    fn forged(&mut self, index: usize, member: usize) -> (IpAddr, Vec<u8>) {
        let place = place(member);
        let stranger = Ipv4Addr::new(10, place, 9, 9).into();
        let another = self.nodes[(index + 1) % self.nodes.len()].members[member].address;
        let source = *self.random.pick(&[stranger, another]);
        let random = &mut self.random;
        let priority = *random.pick(&[0, 1, 100, 254, 255]);
        let (ours, other) = (addresses(place).map(IpAddr::from), [stranger]);
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

    /// Everything is repaired, everything runs, and the configurations agree. A service may be ill.
    pub(crate) fn heal(&mut self) {
        self.loss_percent = 0;
        for index in 0..self.nodes.len() {
            for member in 0..self.nodes[index].members.len() {
                let is_ill = self.random.chance(self.scenario.ill);
                let condition = if is_ill { self.scenario.illness } else { Condition::Good };
                let weight = Scenario::weight(&mut self.random);
                let member = &mut self.nodes[index].members[member];
                member.health = Health { condition, weight };
                member.island = 0;
                member.broken_backend = false;
                member.fails_once = false;
            }
            self.mend(index);
        }
        // Stalls are over by then, and so are handovers and fights.
        self.run(15 * SECOND);
        (0..self.nodes.len()).for_each(|index| self.mend(index));
    }

    fn mend(&mut self, index: usize) {
        self.nodes[index].group = self.scenario.group;
        let interval = self.nodes[index].members[0].config.interval().duration();
        for place in 0..self.scenario.members() {
            let member = &mut self.nodes[index].members[usize::from(place)];
            member.is_removed = false;
            member.config = self.scenario.agreed(place, interval, member.config.role());
        }
        for member in self.members() {
            self.set_link(index, member, false);
        }
        if !self.nodes[index].alive {
            return self.start(index);
        }
        self.members().for_each(|member| self.resume(index, member));
        self.configure(index);
    }
}

fn place(member: usize) -> u8 {
    u8::try_from(member).expect("a few")
}
