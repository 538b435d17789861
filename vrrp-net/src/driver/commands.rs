//! Doing what programs ask of a driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    sync::Arc,
};

use vrrp_core::{
    Desired, GroupPolicy, Health, Input, InterfaceId, InterfaceStatus, Key, Loss, Phase, Role,
};

use super::{
    Driver,
    backends::call::longest,
    mailbox::{Change, Command, Drain, Removal, Waiter, Whose},
    members::MemberState,
    outbox::Outbox,
    seat::Seat,
};
#[cfg(target_os = "linux")]
use crate::realtime;
use crate::{
    Error, Group, Member, backend::Place, clock::Clock, link::Link, member::Start, monitor::Monitor,
};

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Does what is asked. That nobody waits for the reply any more is no error.
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Add { member, reply } => drop(reply.send(self.add(*member))),
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
            Command::Change { key, name, change, reply } => {
                drop(reply.send(self.change(key, &name, change)));
            }
            Command::Remove { key, name, reply } => {
                if let Err(unknown) = self.entry(&key, &name) {
                    return drop(reply.send(Err(unknown)));
                }
                self.removals.push(Removal { key, name, reply });
                self.remove(key);
            }
            Command::Lost { key, name, loss, reply } => {
                let known = self.entry(&key, &name).map(drop);
                if known.is_ok() {
                    self.lost_by_report(key, loss, "the program");
                }
                drop(reply.send(known));
            }
            Command::Health { key, name, health, reply } => {
                let known = self.entry(&key, &name).map(drop);
                if known.is_ok() {
                    self.input(Input::Health { key, health });
                }
                drop(reply.send(known));
            }
            Command::Announce { key, name, reply } => {
                drop(reply.send(self.announce_on_request(key, &name)));
            }
            Command::Status { reply } => self.surveys.ask(reply),
            Command::StatusOf { key, name, reply } => {
                let status = self.entry(&key, &name).and_then(|entry| {
                    self.status_of(&key, entry).ok_or_else(|| Error::Unknown(name.to_string()))
                });
                drop(reply.send(status));
            }
            Command::Drain { key, name, force, lasts, reply } => {
                if let Err(unknown) = self.entry(&key, &name) {
                    return drop(reply.send(Err(unknown)));
                }
                self.drain(Drain { key, name, reply }, force, lasts);
            }
            Command::Resume { key, name, reply } => {
                let known = self.entry(&key, &name).map(drop);
                if known.is_ok() {
                    self.resume(key);
                }
                drop(reply.send(known));
            }
            Command::LetGo { whose, reply } => {
                let keys = self.keys_of(&whose);
                self.waiters.push(Waiter { keys, reply });
                self.answer_waiters();
            }
            Command::Turn { reply } => drop(reply.send(())),
            #[cfg(target_os = "linux")]
            Command::Realtime { priority, reply } => {
                drop(reply.send(match priority {
                    Some(priority) => priority.apply(),
                    None => realtime::end(),
                }));
            }
            Command::Shutdown { within } => self.shut_down(within),
            Command::Abandon => self.stop.abandoned = true,
        }
    }

    /// Adds a member. Where the kernel refuses its sockets for lack of a right, it is not added:
    /// rights do not come later.
    fn add(&mut self, member: Member) -> Result<Seat, Error> {
        let (name, interface) = (member.name.clone(), member.interface.clone());
        let seats = self.configure(vec![member], Others::Stay)?;
        let seat = seats.into_iter().next().ok_or(Error::Stopped)?;
        let refused = self.outbox.interfaces.port_error(&interface, seat.key.family);
        match refused.filter(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            None => Ok(seat),
            Some(error) => {
                let reason = error.to_string();
                self.remove(seat.key);
                Err(Error::Denied { name: name.to_string(), reason })
            }
        }
    }

    /// Changes one virtual router in place; its backend stays.
    fn change(&mut self, key: Key, name: &str, change: Change) -> Result<(), Error> {
        let mut member = self.entry(&key, name)?.member();
        member.router = match change {
            Change::Priority(priority) => member.router.with_priority(priority),
            Change::Router(router) => *router,
        };
        if member.router.key(key.interface) != key {
            let (vrid, family) = (key.vrid.get(), key.family);
            return Err(Error::OtherRouter { name: name.to_owned(), vrid, family });
        }
        self.configure(vec![member], Others::Change).map(drop)
    }

    /// Has a virtual router hand over and go.
    fn remove(&mut self, key: Key) {
        if let Some(entry) = self.outbox.members.get_mut(&key) {
            entry.leaving = true;
            self.departing.push(key);
        }
        self.input(Input::Configure(&self.desired()));
        self.forget_interfaces();
    }

    /// The virtual routers of this name, or of the group of this name.
    fn keys_of(&self, whose: &Whose) -> Vec<Key> {
        let is_meant = |entry: &MemberState| match whose {
            Whose::Router(name) => entry.name == *name,
            Whose::Group(name) => entry.group.as_ref().is_some_and(|group| group.name == *name),
        };
        let members = self.outbox.members.iter();
        members.filter(|(_, entry)| is_meant(entry)).map(|(key, _)| *key).collect()
    }

    /// The virtual router that a handle is of, unless it was removed.
    pub(super) fn entry(&self, key: &Key, name: &str) -> Result<&MemberState, Error> {
        let entry = self.outbox.members.get(key).filter(|entry| !entry.leaving);
        entry.ok_or_else(|| Error::Unknown(name.to_owned()))
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
        self.surveys.note_configuration();
        // An address may be another virtual router's from now on, which must not lose it by a
        // release from before.
        self.outbox.backends.end_all_lingers();
        let wanted: BTreeSet<Key> = members.iter().map(|(key, _)| *key).collect();
        if others == Others::Leave {
            for (key, entry) in &mut self.outbox.members {
                if !wanted.contains(key) && !entry.leaving {
                    entry.leaving = true;
                    self.departing.push(*key);
                }
            }
        }
        self.rename_leaving(&members);
        let before = self.places();
        let keys: Vec<Key> = members.iter().map(|(key, _)| *key).collect();
        let (mut moved, mut told, mut drained) = (Vec::new(), Vec::new(), Vec::new());
        let first = match others {
            Others::Leave | Others::Change => 0,
            Others::Stay => self.outbox.members.len(),
        };
        for (place, (key, member)) in members.into_iter().enumerate() {
            let is_new = !self.outbox.members.contains_key(&key);
            let start = member.start;
            if is_new && member.health != Health::default() {
                told.push((key, member.health));
            }
            if self.seat_member(key, member) {
                moved.push(key);
            }
            let Some(entry) = self.outbox.members.get_mut(&key) else { continue };
            if others != Others::Change {
                entry.place = first + place;
            }
            match start {
                Start::Drained(lasts) if is_new => drained.push((key, lasts)),
                Start::Succeeding(until) if is_new => {
                    let left = until.saturating_duration_since(std::time::Instant::now());
                    entry.succeeds_until = Some(self.clock.now() + left);
                }
                Start::TakingPart | Start::Drained(_) | Start::Succeeding(_) => {}
            }
        }
        self.note_moved(before);
        self.watch_others();
        self.monitor.set_virtual(self.virtual_addresses());
        // What the monitor knows already should not look like an interface that appears later.
        self.read_monitor();
        let names: BTreeSet<_> =
            self.outbox.members.values().map(|entry| entry.interface.clone()).collect();
        for name in names {
            self.judge_networks(&name);
        }
        self.sync_interfaces();
        self.start(&drained);
        for (key, health) in told {
            self.input(Input::Health { key, health });
        }
        for key in moved {
            self.input(Input::LeaseLost { key, loss: Loss::Lapsed });
        }
        self.report_own_addresses();
        let seat = |key: &Key| self.outbox.members.get(key).map(|entry| entry.seat(*key));
        Ok(keys.iter().filter_map(seat).collect())
    }

    /// Those that leave give their names to others: what is told under one name is of one virtual
    /// router.
    fn rename_leaving(&mut self, members: &[(Key, Member)]) {
        let names: BTreeSet<&str> = members.iter().map(|(_, member)| &*member.name).collect();
        // One that is named again itself is given its name anew.
        for (key, entry) in &mut self.outbox.members {
            if entry.leaving && names.contains(&*entry.name) {
                entry.name =
                    format!("{} (before: {}, VRID {})", entry.name, entry.interface, key.vrid)
                        .into();
            }
        }
    }

    /// Every address with the virtual router that has it, those that leave among them.
    fn places(&self) -> Vec<(Place, Key)> {
        let members = self.outbox.members.iter();
        members.flat_map(|(key, entry)| entry.places().map(|place| (place, *key))).collect()
    }

    /// Notes which addresses are with another virtual router than `before`: whoever had one must not
    /// take it from the other.
    fn note_moved(&mut self, before: Vec<(Place, Key)>) {
        let members = &mut self.outbox.members;
        let there = members.iter().filter(|(_, entry)| !entry.leaving);
        let now: BTreeMap<Place, Key> =
            there.flat_map(|(key, entry)| entry.places().map(|place| (place, *key))).collect();
        for (key, entry) in members.iter_mut() {
            entry.moved.retain(|(place, other)| now.get(place) == Some(other));
            entry.taken_over.retain(|(place, _)| now.get(place) == Some(key));
        }
        for (place, key) in before {
            let Some(other) = now.get(&place).filter(|other| **other != key) else { continue };
            let taken_over = (place.clone(), key);
            if let Some(entry) = members.get_mut(other)
                && !entry.taken_over.contains(&taken_over)
            {
                entry.taken_over.push(taken_over);
            }
            let moved = (place, *other);
            if let Some(entry) = members.get_mut(&key)
                && !entry.moved.contains(&moved)
            {
                entry.moved.push(moved);
            }
        }
    }

    /// Begins to watch the other interfaces that the virtual routers rely on.
    fn watch_others(&mut self) {
        let members = self.outbox.members.values();
        let names: BTreeSet<_> = members.flat_map(|entry| &entry.others).cloned().collect();
        for name in &names {
            self.watch(name);
        }
    }

    /// The key of `member`; its interface is watched from now on.
    fn key_of(&mut self, member: &Member) -> Key {
        let interface = self.watch(&member.interface);
        Key { interface, family: member.router.family(), vrid: member.router.vrid() }
    }

    /// The number of the interface `name`, which is watched from now on.
    fn watch(&mut self, name: &Arc<str>) -> InterfaceId {
        let (interface, is_new) = self.outbox.interfaces.id(name);
        if is_new {
            self.monitor.watch(name);
        }
        interface
    }

    /// In one pass: the driver does nothing else meanwhile.
    fn check(&self, members: &[(Key, Member)], others: Others) -> Result<(), Error> {
        let there = self.outbox.members.iter();
        let changed = |key| others == Others::Change && members.iter().any(|(own, _)| own == key);
        let there = there
            .filter(|(key, entry)| others != Others::Leave && !entry.leaving && !changed(*key));
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
            if let Some(group) = &member.group {
                let other = members.iter().filter_map(|(_, other)| other.group.as_ref());
                let mut other = other.filter(|other| other.name == group.name);
                if other.any(|other| other.policy != group.policy) {
                    return Err(Error::GroupPolicies(group.name.to_string()));
                }
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
        let is_at_rest = entry.phase.is_active() && outbox.backends.is_idle(key);
        if is_at_rest && entry.backend.takes_over(&*old) {
            return true;
        }
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
                desired.set_backend_timeout(&key, longest(&*entry.backend));
                desired.set_revision(&key, entry.revision);
                let known = |name: &Arc<str>| self.outbox.interfaces.known(name);
                desired.rely_on(&key, entry.others.iter().filter_map(known));
            }
        }
        for (policy, keys) in self.groups() {
            // A virtual router names one group, and stands in this world.
            let _grouped = desired.group(policy, keys);
        }
        desired
    }

    /// The groups with their members, in the order of the configuration.
    fn groups(&self) -> Vec<(GroupPolicy, Vec<Key>)> {
        let members = self.outbox.members.iter().filter(|(_, entry)| !entry.leaving);
        let mut places: Vec<(&Group, usize, Key)> = members
            .filter_map(|(key, entry)| Some((entry.group.as_ref()?, entry.place, *key)))
            .collect();
        places.sort_by_key(|(_, place, _)| *place);
        let mut groups: Vec<(&Group, Vec<Key>)> = Vec::new();
        for (group, _, key) in places {
            match groups.iter_mut().find(|(known, _)| known.name == group.name) {
                Some((_, keys)) => keys.push(key),
                None => groups.push((group, vec![key])),
            }
        }
        groups.into_iter().map(|(group, keys)| (group.policy, keys)).collect()
    }
}

/// What becomes of virtual routers that are not named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// They stay, and those that are named are new.
    Stay,
    /// They stay, and those that are named are there.
    Change,
    /// They leave.
    Leave,
}
