//! The one loop: a task that owns the [`Router`], and everything that feeds it.
//!
//! A turn takes what there is from each source, in this order: packets (a bounded batch), the
//! host's interfaces, answers of backends, a command, deadlines; then it makes a page of the status, if
//! somebody has asked for that. After each input the core's outputs are drained completely. Two
//! rules are about who goes first:
//!
//! - Before a deadline is acted on, the sockets are drained: a driver that did not run for a while
//!   finds queued advertisements *and* an expired timer, and timers-first is a false takeover. What
//!   arrives during the draining does not count, so that a flood cannot starve the timers.
//! - Before a backend's success is passed on, the sockets are drained too: a stronger advertisement
//!   that arrived meanwhile cancels the announcement.

mod announcing;
mod answers;
mod backends;
mod commands;
mod drains;
mod guard;
mod history;
mod host;
mod interfaces;
mod log;
mod mailbox;
mod members;
mod outbox;
mod places;
mod probes;
mod receive;
mod seat;
mod status;
mod survey;

use std::{
    collections::BTreeSet,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime,
    sync::{broadcast, mpsc},
};
use vrrp_core::{Advert, Input, Instant, Key, Router};

pub(crate) use guard::Guard;
pub(crate) use mailbox::{Change, Command, Inbox, Mailbox, Reply, Whose};
pub(crate) use seat::{Bound, Seat};

use crate::{
    Error, Lateness, NodeEvent, Released,
    clock::Clock,
    link::Link,
    monitor::{HostEvent, Monitor},
};
use backends::{Backends, call::Answer, patience};
use drains::Ends;
use mailbox::{Drain, Removal, Waiter};
use members::{MemberState, Throttle};
use outbox::{Outbox, Unsent};
use survey::Surveys;

/// How many changes of the host a turn takes.
const HOST_EVENTS: usize = 64;
/// How many answers of backends a turn takes.
const ANSWERS: usize = 64;
/// How many of them wait for the driver at most. Further backends wait for room before they are
/// asked the next thing.
const WAITING_ANSWERS: usize = 1024;

/// The owner of the [`Router`].
///
/// Dropped before its end, by a panic or with its runtime, it resigns and has the backends release.
pub(crate) struct Driver<L: Link, C: Clock, M: Monitor> {
    router: Router,
    clock: C,
    monitor: M,
    guard: Guard,
    outbox: Outbox<L>,
    inbox: Inbox,
    /// Cleared when every `Node` and `Handle` is gone.
    commanded: bool,
    answers: mpsc::Receiver<Answer>,
    buffer: Box<[u8]>,
    /// How late advertisements left.
    lateness: Lateness,
    /// What the core was last told that the time is. It does not go back.
    handled_at: Instant,
    receive_errors: u32,
    /// When the sockets were last found to be empty.
    last_read: Option<Instant>,
    /// When the sockets are looked at again after too many errors.
    receive_after: Option<Instant>,
    receive_warning: Throttle,
    renewal_warning: Throttle,
    surveys: Surveys,
    drains: Vec<Drain>,
    ends: Ends,
    removals: Vec<Removal>,
    /// As many as there are scripts that wait to be told, of each virtual router and group one.
    waiters: Vec<Waiter>,
    /// Virtual routers that were removed, and may still hold addresses.
    departing: Vec<Key>,
    stop: Stop,
}

/// How far a shutdown has come.
#[derive(Default)]
struct Stop {
    requested: bool,
    /// When nobody waits for a successor any longer.
    hurry_at: Option<Instant>,
    /// When whoever asked for it waits no longer.
    wanted_by: Option<Instant>,
    /// When backends that still have not answered are given up.
    give_up_at: Option<Instant>,
    /// Everything stays as it is.
    abandoned: bool,
    over: bool,
}

impl Stop {
    /// When something is to be done about it.
    fn next(&self) -> Option<Instant> {
        [self.give_up_at, self.hurry_at, self.wanted_by].into_iter().flatten().min()
    }
}

/// What woke the driver.
#[derive(Default)]
struct Turn {
    packets: bool,
    host: Vec<HostEvent>,
    answers: Vec<Answer>,
    command: Option<Command>,
    abandoned: bool,
}

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// A driver whose backends run on `runtime`.
    pub(crate) fn new(
        link: L,
        clock: C,
        monitor: M,
        guard: Guard,
        inbox: Inbox,
        events: broadcast::Sender<NodeEvent>,
        runtime: runtime::Handle,
    ) -> Self {
        let (sender, answers) = mpsc::channel(WAITING_ANSWERS);
        Self {
            router: Router::new(),
            clock,
            monitor,
            guard,
            outbox: Outbox::new(link, Backends::new(runtime, sender), events),
            inbox,
            commanded: true,
            answers,
            // One octet more than any message has, to tell those that are too long.
            buffer: vec![0; Advert::MAX_LEN.saturating_add(1)].into(),
            lateness: Lateness::default(),
            handled_at: Instant::EPOCH,
            receive_errors: 0,
            last_read: None,
            receive_after: None,
            receive_warning: Throttle::default(),
            renewal_warning: Throttle::default(),
            surveys: Surveys::default(),
            drains: Vec::new(),
            ends: Ends::default(),
            removals: Vec::new(),
            waiters: Vec::new(),
            departing: Vec::new(),
            stop: Stop::default(),
        }
    }

    /// Drives until a shutdown is over.
    pub(crate) async fn run(mut self) {
        while !self.is_over() {
            let turn = poll_fn(|cx| self.poll_turn(cx)).await;
            self.take(turn);
            tokio::task::coop::consume_budget().await;
        }
        self.stop.over = true;
        self.guard.keep(&BTreeSet::new());
        self.inbox.commands.close();
        self.inbox.over.send_replace(Some(self.released()));
    }

    /// Whose addresses are still held, or may be: all of an abandoned node's.
    fn released(&self) -> Released {
        let Outbox { members, backends, .. } = &self.outbox;
        let held = |key: &Key, entry: &MemberState| {
            entry.phase.is_on_the_wire() || !backends.is_idle(*key) || entry.unreleased.is_some()
        };
        let members = members.iter().filter(|(key, entry)| held(key, entry));
        Released { unreleased: members.map(|(_, entry)| entry.name.clone()).collect() }
    }

    /// Asks every source whether it has something, so that each of them wakes the driver.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut turn = Turn {
            packets: self.receive_after.is_none() && self.outbox.link.poll_readable(cx).is_ready(),
            host: self.poll_monitor(cx),
            ..Turn::default()
        };
        // Ready with none when all senders are gone, which this driver holds one of.
        let _ = self.answers.poll_recv_many(cx, &mut turn.answers, ANSWERS);
        if self.commanded
            && let Poll::Ready(command) = self.inbox.commands.poll_recv(cx)
        {
            turn.abandoned = command.is_none();
            turn.command = command;
        }
        let deadline = self.deadline();
        let due = self.clock.poll_until(deadline, cx).is_ready();
        let any = turn.packets
            || !turn.host.is_empty()
            || !turn.answers.is_empty()
            || turn.command.is_some()
            || self.surveys.are_due();
        if any || turn.abandoned || due { Poll::Ready(turn) } else { Poll::Pending }
    }

    fn poll_monitor(&mut self, cx: &mut Context<'_>) -> Vec<HostEvent> {
        let mut events = Vec::new();
        while events.len() < HOST_EVENTS
            && let Poll::Ready(event) = self.monitor.poll_event(cx)
        {
            events.push(event);
        }
        events
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.router.next_deadline(),
            self.outbox.backends.next_renewal(),
            self.outbox.interfaces.next_retry(),
            self.receive_after,
            self.ends.next(),
        ];
        let next = deadlines.into_iter().flatten().min();
        if self.stop.requested { next.into_iter().chain(self.stop.next()).min() } else { next }
    }

    fn take(&mut self, turn: Turn) {
        if turn.packets {
            self.receive_batch();
            self.take_seen();
        }
        for event in turn.host {
            self.host_event(event);
        }
        self.take_answers(turn.answers);
        if let Some(command) = turn.command {
            // Who asks after a pause is not told how it was before.
            self.act_on_deadlines();
            self.command(command);
        }
        if turn.abandoned {
            self.commanded = false;
            self.shut_down(None);
            // Nobody waits for its end, and the runtime of the backends may be about to go.
            self.outbox.backends.hurry();
        }
        self.act_on_deadlines();
        self.survey();
    }

    /// Whether a deadline has come is decided by the clock, whatever the wake-up was.
    fn act_on_deadlines(&mut self) {
        let due = |at: Option<Instant>, now| at.is_some_and(|at| at <= now);
        if due(self.router.next_deadline(), self.clock.now()) {
            self.drain_sockets();
            if due(self.router.next_deadline(), self.clock.now()) {
                self.input(Input::Timeout);
            }
        }
        let now = self.clock.now();
        if due(self.receive_after, now) {
            self.receive_after = None;
        }
        if due(self.outbox.interfaces.next_retry(), now) {
            self.sync_interfaces();
        }
        if due(self.outbox.backends.next_renewal(), now) {
            self.outbox.backends.renew(now, &self.outbox.members);
        }
        self.end_drains(now);
    }

    /// Gives one input to the core and carries out what it leads to.
    fn input(&mut self, input: Input<'_>) {
        self.handled_at = self.clock.now();
        self.router.handle(self.handled_at, input);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let now = self.clock.now();
            while let Some(output) = self.router.poll_output() {
                if let Some(due) = self.outbox.perform(&output, now) {
                    // Others may be due at the same moment: each leaves later than the one before.
                    self.lateness.note(self.clock.now() - due);
                }
            }
            // The core answers a failure with a later try or with a resignation whose failure it
            // ignores.
            let unsent = self.outbox.take_unsent();
            if unsent.is_empty() {
                break;
            }
            self.handled_at = now;
            for (key, why) in unsent {
                self.router.handle(
                    now,
                    match why {
                        Unsent::Failed => Input::SendFailed { key },
                        Unsent::Unreachable => Input::Unreached { key },
                    },
                );
            }
        }
        self.outbox.ask_backends(self.clock.now());
        let news = self.outbox.publish(&self.router);
        self.forget_departed();
        self.answer_drains(&news);
        self.answer_waiters();
    }

    /// Reads what the monitor has to say already, without waiting for more.
    fn read_monitor(&mut self) {
        for event in self.poll_monitor(&mut Context::from_waker(Waker::noop())) {
            self.host_event(event);
        }
    }

    /// Makes the ports what they should be, and tells the core what that changes.
    fn sync_interfaces(&mut self) {
        let now = self.clock.now();
        let Outbox { interfaces, members, link, .. } = &mut self.outbox;
        for (id, status) in interfaces.sync(members, link, now) {
            self.input(Input::Interface { id, status });
        }
    }

    /// Forgets removed virtual routers once the core has, and their backends have let go.
    fn forget_departed(&mut self) {
        let before = self.departing.len();
        for key in std::mem::take(&mut self.departing) {
            let Some(entry) = self.outbox.members.get(&key).filter(|entry| entry.leaving) else {
                self.answer_removals(key, |name| Err(Error::Kept(name.to_string())));
                continue;
            };
            if self.router.status(&key).is_some() || !self.outbox.backends.is_idle(key) {
                self.departing.push(key);
                continue;
            }
            tracing::info!(event = "removed", name = &*entry.name, "{}: removed", entry.name);
            self.outbox.members.remove(&key);
            self.ends.forget(&key);
            self.outbox.backends.forget(key, self.clock.now());
            self.answer_removals(key, |_| Ok(()));
        }
        if self.departing.len() < before {
            self.guard.keep(&self.outbox.members.keys().copied().collect());
            self.sync_interfaces();
            self.forget_interfaces();
        }
    }

    /// Answers whoever waits for backends that have done what they were asked.
    fn answer_waiters(&mut self) {
        let Self { waiters, outbox, .. } = self;
        let is_over = |waiter: &mut Waiter| {
            let is_idle = |key: &Key| outbox.backends.is_idle(*key);
            waiter.reply.is_closed() || waiter.keys.iter().all(is_idle)
        };
        for Waiter { reply, .. } in waiters.extract_if(.., is_over) {
            // That nobody waits any more is no error.
            let _ = reply.send(());
        }
    }

    fn answer_removals(&mut self, key: Key, answer: impl Fn(&str) -> Result<(), Error>) {
        let gone = self.removals.extract_if(.., |removal| removal.key == key);
        for Removal { name, reply, .. } in gone {
            drop(reply.send(answer(&name)));
        }
    }

    /// Begins to leave; when that has begun already, lets go at once.
    fn shut_down(&mut self, within: Option<Duration>) {
        if std::mem::replace(&mut self.stop.requested, true) {
            self.outbox.backends.hurry();
        }
        if let Some(within) = within {
            let now = self.clock.now();
            let sooner = |at: Instant, before: Option<Instant>| before.map_or(at, |it| it.min(at));
            // The last quarter is for the backends.
            self.stop.hurry_at = Some(sooner(now + within / 4 * 3, self.stop.hurry_at));
            self.stop.wanted_by = Some(sooner(now + within, self.stop.wanted_by));
        }
        self.input(Input::Shutdown);
    }

    /// Whether a shutdown is over: all has stopped, and every backend has let go or had its time.
    fn is_over(&mut self) -> bool {
        if !self.stop.requested {
            return self.stop.abandoned;
        }
        self.hurry();
        let is_up = self.stop.wanted_by.is_some_and(|by| by <= self.clock.now());
        if self.stop.abandoned || is_up {
            return true;
        }
        if !self.router.is_stopped() {
            // A deadline that has passed would wake the driver again and again.
            self.stop.give_up_at = None;
            return false;
        }
        let now = self.clock.now();
        let members = &self.outbox.members;
        let give_up_at = *self.stop.give_up_at.get_or_insert_with(|| now + patience(members));
        self.outbox.backends.all_idle() || give_up_at <= now
    }

    /// Has everything released without waiting for a successor, once it is time for that.
    fn hurry(&mut self) {
        if self.stop.hurry_at.is_some_and(|at| at <= self.clock.now()) {
            self.stop.hurry_at = None;
            self.outbox.backends.hurry();
            self.input(Input::Shutdown);
        }
    }
}

impl<L: Link, C: Clock, M: Monitor> Drop for Driver<L, C, M> {
    /// Resigns and has the backends release, as well as that can be done without a driver: the
    /// workers of the backends are tasks of their own, and go on for as long as their runtime does.
    fn drop(&mut self) {
        if self.stop.over {
            return;
        }
        tracing::error!(
            event = "driver-ended",
            "the driver ends before its time: resigning and releasing"
        );
        // The first shutdown resigns, the second does not wait for a successor. The core may be
        // what panicked, and then may do so again.
        let resign = AssertUnwindSafe(|| {
            self.input(Input::Shutdown);
            self.input(Input::Shutdown);
        });
        if catch_unwind(resign).is_err() {
            tracing::error!(
                event = "driver-ended",
                "resigning failed; peers take over when they hear nothing"
            );
            self.outbox.backends.release_all(&self.outbox.members);
        }
    }
}
