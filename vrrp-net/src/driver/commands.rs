//! Doing what programs ask of a driver.

use std::{collections::BTreeSet, net::IpAddr};

use vrrp_core::{Desired, Input, InterfaceStatus, Key, Loss, Phase, Role};

use super::{
    Driver,
    mailbox::{Command, Drain},
    members::MemberState,
    outbox::Outbox,
    seat::Seat,
};
use crate::{Drained, Error, Member, NodeEvent, clock::Clock, link::Link, monitor::Monitor};

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Does what is asked. That nobody waits for the reply any more is no error.
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Add { member, reply } => {
                let seats = self.configure(vec![member], Others::Stay);
                drop(
                    reply.send(
                        seats.and_then(|seats| seats.into_iter().next().ok_or(Error::Stopped)),
                    ),
                );
            }
            Command::Configure { members, reply } => {
                drop(reply.send(self.configure(members, Others::Leave)));
            }
            Command::Find { name, reply } => {
                let members = &self.outbox.members;
                let found =
                    members.iter().find(|(_, entry)| *entry.name == *name && !entry.leaving);
                drop(
                    reply.send(
                        found.map(|(key, entry)| entry.seat(*key)).ok_or(Error::Unknown(name)),
                    ),
                );
            }
            Command::Status { reply } => drop(reply.send(self.status())),
            Command::Drain { key, name, force, reply } => {
                if self.knows(&key) {
                    self.drains.push(Drain { key, name, reply });
                    self.input(Input::Drain { key, force });
                } else {
                    drop(reply.send(Err(Error::Unknown(name.to_string()))));
                }
            }
            Command::Resume { key, name, reply } => {
                let known = self.knows(&key);
                if known {
                    self.input(Input::Resume { key });
                }
                drop(
                    reply.send(known.then_some(()).ok_or_else(|| Error::Unknown(name.to_string()))),
                );
            }
            Command::Shutdown => self.shut_down(),
        }
    }

    fn knows(&self, key: &Key) -> bool {
        self.outbox.members.get(key).is_some_and(|entry| !entry.leaving)
    }

    fn configure(&mut self, members: Vec<Member>, others: Others) -> Result<Vec<Seat>, Error> {
        let seats = self.try_to_configure(members, others);
        // Of a configuration that was refused.
        self.forget_interfaces();
        seats
    }

    /// Forgets the interfaces that no virtual router is on any more.
    pub(super) fn forget_interfaces(&mut self) {
        let Outbox { interfaces, members, link, .. } = &mut self.outbox;
        for (name, id) in interfaces.forget_unused(members, link) {
            self.monitor.unwatch(&name);
            self.input(Input::Interface { id, status: InterfaceStatus::Missing });
        }
    }

    fn try_to_configure(
        &mut self,
        members: Vec<Member>,
        others: Others,
    ) -> Result<Vec<Seat>, Error> {
        if self.stop.requested {
            return Err(Error::Stopped);
        }
        let members: Vec<(Key, Member)> =
            members.into_iter().map(|member| (self.key_of(&member), member)).collect();
        self.check(&members, others)?;
        self.guard.take(&members)?;
        let wanted: BTreeSet<Key> = members.iter().map(|(key, _)| *key).collect();
        if others == Others::Leave {
            for (key, entry) in &mut self.outbox.members {
                if !wanted.contains(key) && !entry.leaving {
                    entry.leaving = true;
                    self.departing.push(*key);
                }
            }
        }
        let keys: Vec<Key> = members.iter().map(|(key, _)| *key).collect();
        let mut moved = Vec::new();
        for (key, member) in members {
            if self.seat_member(key, member) {
                moved.push(key);
            }
        }
        self.monitor.set_virtual(self.virtual_addresses());
        // What the monitor knows already should not look like an interface that appears later.
        self.read_monitor();
        let names: BTreeSet<_> =
            self.outbox.members.values().map(|entry| entry.interface.clone()).collect();
        for name in names {
            self.judge_networks(&name);
        }
        self.sync_interfaces();
        self.input(Input::Configure(&self.desired()));
        for key in moved {
            self.input(Input::LeaseLost { key, loss: Loss::Lapsed });
        }
        self.report_own_addresses();
        let seat = |key: &Key| self.outbox.members.get(key).map(|entry| entry.seat(*key));
        Ok(keys.iter().filter_map(seat).collect())
    }

    /// The key of `member`; its interface is watched from now on.
    fn key_of(&mut self, member: &Member) -> Key {
        let (interface, is_new) = self.outbox.interfaces.id(&member.interface);
        if is_new {
            self.monitor.watch(&member.interface);
        }
        Key { interface, family: member.router.family(), vrid: member.router.vrid() }
    }

    /// In one pass: the driver does nothing else meanwhile.
    fn check(&self, members: &[(Key, Member)], others: Others) -> Result<(), Error> {
        let there = self.outbox.members.iter();
        let there = there.filter(|(_, entry)| others == Others::Stay && !entry.leaving);
        let (mut keys, mut names): (BTreeSet<Key>, BTreeSet<&str>) =
            there.map(|(key, entry)| (*key, &*entry.name)).unzip();
        for (key, member) in members {
            if !keys.insert(*key) {
                return Err(Error::Duplicate {
                    interface: member.interface.to_string(),
                    vrid: key.vrid.get(),
                    family: key.family,
                });
            }
            if !names.insert(&member.name) {
                return Err(Error::DuplicateName(member.name.to_string()));
            }
        }
        Ok(())
    }

    /// Takes a member in. If its addresses are held by another backend, or may be, that one lets
    /// go; `true`: the new one has to take them.
    fn seat_member(&mut self, key: Key, member: Member) -> bool {
        let now = self.clock.now();
        let outbox = &mut self.outbox;
        let Some(entry) = outbox.members.get_mut(&key) else {
            outbox.members.insert(key, MemberState::new(key, member));
            return false;
        };
        let lease = entry.lease(key, &entry.router);
        let Some(old) = entry.replace(key, member) else { return false };
        // A release that is under way would be cut off by the first request to the new one.
        if entry.phase.is_on_the_wire() || !outbox.backends.is_idle(key) {
            outbox.backends.retire(old, lease, now);
        }
        if entry.phase == Phase::Acquiring {
            outbox.backends.acquire_instead(entry, key, now);
        }
        entry.phase.is_active()
    }

    /// The addresses that a host must not take for its own although they bear no tag: those that a
    /// program puts there. The owner's are its own.
    fn virtual_addresses(&self) -> BTreeSet<IpAddr> {
        let members = self.outbox.members.values();
        let shared =
            members.filter(|entry| entry.watched.is_none() && entry.router.role() != Role::Owner);
        shared.flat_map(|entry| entry.addresses.iter().map(|held| held.cidr.address())).collect()
    }

    pub(super) fn desired(&self) -> Desired {
        let mut desired = Desired::new();
        for (key, entry) in self.outbox.members.iter().filter(|(_, entry)| !entry.leaving) {
            // Members stand by their keys, so that no two are the same.
            if let Ok(key) = desired.insert(key.interface, entry.router.clone()) {
                desired.set_backend_timeout(&key, entry.backend.timeout());
            }
        }
        desired
    }

    /// Answers the drains that have ended: nobody took over, or everything is let go.
    pub(super) fn answer_drains(&mut self, news: &[NodeEvent]) {
        for drain in std::mem::take(&mut self.drains) {
            let refused = |event: &NodeEvent| matches!(event, NodeEvent::DrainRefused { name } if *name == drain.name);
            let phase = self.outbox.members.get(&drain.key).map(|entry| entry.phase);
            let ended = match phase {
                None => Some(Err(Error::Unknown(drain.name.to_string()))),
                Some(_) if news.iter().any(refused) => Some(Ok(Drained::Refused)),
                Some(Phase::Initialize(_)) if self.outbox.backends.is_idle(drain.key) => {
                    Some(Ok(Drained::Done))
                }
                // It was resumed, or a stronger node took over before the drain began.
                Some(Phase::Backup | Phase::Held | Phase::Adopted | Phase::Acquiring) => {
                    Some(Ok(Drained::Refused))
                }
                Some(Phase::Initialize(_) | Phase::Resigning) => None,
            };
            match ended {
                Some(answer) => drop(drain.reply.send(answer)),
                None => self.drains.push(drain),
            }
        }
    }
}

/// What becomes of virtual routers that are not named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Stay,
    Leave,
}
