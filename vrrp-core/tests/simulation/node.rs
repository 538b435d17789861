//! A simulated node: the real router with one virtual router or a group of them, and a clock of its
//! own.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{
    Condition, Desired, Event, Generation, GroupPolicy, Hold, Instant, Key, Output, Phase, Router,
    RxMeta,
    play::{Given, Player},
};

use crate::member::{BackendWork, Effect, Member};

/// Something that arrived: for which member, from whom, what.
type Arrival = (usize, IpAddr, Vec<u8>);

pub(crate) struct Node {
    pub(crate) members: Vec<Member>,
    /// Whether its members move together now.
    pub(crate) group: Option<GroupPolicy>,
    player: Player,
    /// Parts per million by which its clock is fast.
    drift: i64,
    /// Whether the process runs; a crashed one neither sends nor receives.
    pub(crate) alive: bool,
    /// The wake-up that is queued for its deadline, in the network's time.
    pub(crate) wakes_at: Option<Instant>,
    /// Turns in a row after which a deadline was not to come.
    pub(crate) turns: u32,
    /// Until when it neither runs nor loses what arrives (SIGSTOP, a paused VM).
    pub(crate) stalled_until: Option<Instant>,
    /// What arrived meanwhile.
    pub(crate) inbox: Vec<Arrival>,
    /// Inputs were given whose outputs are polled later.
    pub(crate) is_piled_up: bool,
}

const BACKEND_TIMEOUT: Duration = Duration::from_secs(1);

impl Node {
    pub(crate) fn new(members: Vec<Member>, group: Option<GroupPolicy>, drift: i64) -> Self {
        Self {
            members,
            group,
            player: Player::default(),
            drift,
            alive: false,
            wakes_at: None,
            turns: 0,
            stalled_until: None,
            inbox: Vec::new(),
            is_piled_up: false,
        }
    }

    /// A new process. Its configuration is yet to be given.
    pub(crate) fn boot(&mut self, now: Instant) {
        self.player = Player::default();
        self.wakes_at = None;
        self.alive = true;
        self.is_piled_up = false;
        self.turns = 0;
        self.inbox.clear();
        for member in 0..self.members.len() {
            self.members[member].drained_at = None;
            self.tell_link(now, member);
        }
    }

    /// Ends the process.
    pub(crate) fn crash(&mut self) {
        for member in 0..self.members.len() {
            let phase = if self.alive { self.phase(member) } else { Phase::Backup };
            self.members[member].crash(phase);
        }
        self.alive = false;
        self.stalled_until = None;
    }

    /// Gives it its configuration, without the virtual routers that were removed.
    pub(crate) fn configure(&mut self, now: Instant) {
        let mut desired = Desired::new();
        let there = self.members.iter().filter(|member| !member.is_removed);
        let mut keys = Vec::new();
        for member in there {
            let key = desired.insert(member.interface, member.config.clone());
            keys.push(key.expect("one on each interface"));
        }
        keys.iter().for_each(|key| desired.set_backend_timeout(key, BACKEND_TIMEOUT));
        if let Some(policy) = self.group {
            desired.group(policy, keys).expect("each of them once");
        }
        self.handle(now, &Given::Configure(desired));
        (0..self.members.len()).for_each(|member| self.tell_health(now, member));
    }

    /// Its checks say it again and again; what is the same changes nothing.
    pub(crate) fn tell_health(&mut self, now: Instant, member: usize) {
        let (key, health) = (self.key(member), self.members[member].health);
        self.handle(now, &Given::Health { key, health });
    }

    pub(crate) fn tell_link(&mut self, now: Instant, member: usize) {
        let link = self.members[member].link();
        self.handle(now, &link);
    }

    pub(crate) fn receive(&mut self, now: Instant, (member, source, bytes): Arrival) {
        let interface = self.members[member].interface;
        let destination = vrrp_core::IPV4_GROUP.into();
        let meta = RxMeta { interface, source, destination, ttl: 255 };
        self.handle(now, &Given::Datagram { meta, bytes });
    }

    pub(crate) fn backend_done(
        &mut self,
        now: Instant,
        member: usize,
        generation: Generation,
        work: BackendWork,
    ) {
        let drift = self.drift;
        let local = |at| scale(at, drift);
        if let Some(answer) = self.members[member].backend_done(generation, work, local) {
            self.handle(now, &answer);
        }
    }

    /// One input, and nothing of what it leads to.
    pub(crate) fn handle(&mut self, now: Instant, given: &Given) {
        self.player.stall_until(self.local(now));
        let _accepted = self.player.give(given);
    }

    /// Everything that the inputs so far have led to, and for which member.
    pub(crate) fn poll(&mut self, now: Instant) -> Vec<(usize, Effect)> {
        let held: [bool; 2] =
            [0, 1].map(|index| self.members.get(index).is_some_and(Member::holds));
        let mut effects = Vec::new();
        let Self { player, members, .. } = self;
        player.poll(&mut |_, output: &Output<'_>| {
            let key = key_of(output);
            let of = |member: &Member| key.is_some_and(|key| key.interface == member.interface);
            if let Some(index) = members.iter().position(of) {
                let mut note = |effect| effects.push((index, effect));
                members[index].effects(now, held[index], output, &mut note);
            }
        });
        self.is_piled_up = false;
        effects
    }

    pub(crate) const fn router(&self) -> &Router {
        self.player.router()
    }

    pub(crate) fn key(&self, member: usize) -> Key {
        self.members[member].key()
    }

    /// Of a virtual router that was removed, that it is stopped.
    pub(crate) fn phase(&self, member: usize) -> Phase {
        let status = self.router().status(&self.key(member));
        status.map_or(Phase::Initialize(Hold::Stopped), |status| status.phase)
    }

    /// Whether one of its phases is a new one.
    pub(crate) fn has_changed_since(&self, at: Instant) -> bool {
        let mut keys = self.members.iter().map(Member::key);
        keys.any(|key| {
            self.router().status(&key).is_some_and(|status| status.since >= self.local(at))
        })
    }

    /// Whether it runs and takes inputs.
    pub(crate) fn listens(&self) -> bool {
        self.alive && self.stalled_until.is_none()
    }

    /// The members that move with this one, itself among them.
    pub(crate) fn together(&self, member: usize) -> Vec<usize> {
        match self.group {
            Some(_) => (0..self.members.len()).collect(),
            None => vec![member],
        }
    }

    /// Whether its service is as it should be; that of a group is ill if one of its members is.
    pub(crate) fn is_healthy(&self, member: usize) -> bool {
        let together = self.together(member);
        let mut conditions = together.iter().map(|member| self.members[*member].condition());
        self.members[member].condition() == Condition::Good
            && !conditions.any(|condition| condition == Condition::Ill)
    }

    /// Whether the member that decides for its group, the first one that may serve, is not with this
    /// node: it asks now and then whether that other node takes this member, too.
    pub(crate) fn follows_its_group(&self, member: usize) -> bool {
        let mut together = self.together(member).into_iter();
        let first = together.find(|member| self.members[*member].condition() != Condition::Out);
        first.is_some_and(|first| first != member && !self.phase(first).is_active())
    }

    /// Whether no check forbids it to serve; where all have to, one does for all.
    pub(crate) fn may_serve(&self, member: usize) -> bool {
        let is_in = |member: &usize| self.members[*member].condition() != Condition::Out;
        match self.group {
            Some(GroupPolicy::All) => self.together(member).iter().all(is_in),
            Some(GroupPolicy::Any) | None => is_in(&member),
        }
    }

    /// The node's clock at the network's time.
    pub(crate) fn local(&self, now: Instant) -> Instant {
        scale(now, self.drift)
    }

    /// The network's time from which on the node's clock shows `at`.
    pub(crate) fn global(&self, at: Instant) -> Instant {
        let rate = 1_000_000 + i128::from(self.drift);
        nanos((i128::from(at.as_nanos()) * 1_000_000 + rate - 1).div_euclid(rate))
    }
}

fn key_of(output: &Output<'_>) -> Option<Key> {
    match output {
        Output::Transmit(transmit) => Some(transmit.key()),
        Output::Lease(request) => Some(request.key),
        Output::Announce(announce) => Some(announce.key),
        Output::Event(Event::Transition { key, .. }) => Some(*key),
        Output::Greet(_) | Output::Event(_) | Output::Probe(_) | Output::Overhear { .. } => None,
    }
}

fn scale(at: Instant, ppm: i64) -> Instant {
    nanos(i128::from(at.as_nanos()) * (1_000_000 + i128::from(ppm)) / 1_000_000)
}

fn nanos(count: i128) -> Instant {
    Instant::from_nanos(u64::try_from(count).expect("times are small"))
}
