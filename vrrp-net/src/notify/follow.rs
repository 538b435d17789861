//! [`Follower`]: follows the events of a node, and has them told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use vrrp_core::Notice;

use super::{
    Setup, State,
    fifo::Fifo,
    queue::Queues,
    told::{Kind, Subject, Told},
    world::World,
};
use crate::{Events, Lagged, Node, NodeEvent, NodeStatus, RouterStatus};

/// How many events are taken at a time.
const BATCH: usize = 256;
/// How many are thrown away at a time, where some were lost.
const MOST: usize = 4096;
/// Of how many virtual routers each is asked for by itself; of more, all at once.
const FEW: usize = 4;
/// How long a node is waited for that does not say how it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first and the longest pause before a virtual router that has just started is looked at again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// As good as for ever.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);
/// How often priorities are looked at, for the FIFO.
const LOOK: Duration = Duration::from_secs(1);

/// What a [`Notifier`](super::Notifier) asks for.
pub(super) enum Request {
    Configure {
        setup: Arc<Setup>,
        /// Another FIFO than before.
        fifo: Option<Option<Fifo>>,
    },
    /// To end once everything is told, or after this time; with what was not told.
    Finish { within: Duration, reply: oneshot::Sender<Vec<String>> },
}

/// Follows a node.
pub(super) struct Follower {
    node: Node,
    /// `None`: it has stopped.
    events: Option<Events>,
    requests: mpsc::UnboundedReceiver<Request>,
    setup: Arc<Setup>,
    fifo: Option<Fifo>,
    world: World,
    queues: Queues,
    /// When virtual routers that have just started are looked at again, and the pause after that.
    next_look: Option<(Instant, Duration)>,
    next_priorities: Instant,
    finish: Option<(Instant, oneshot::Sender<Vec<String>>)>,
}

/// What woke it.
enum Woken {
    Event(Option<Result<NodeEvent, Lagged>>),
    Request(Option<Request>),
    /// A time has come, or something has been told.
    Other,
}

impl Follower {
    /// One that has seen nothing yet.
    pub(super) fn new(
        node: Node,
        events: Events,
        requests: mpsc::UnboundedReceiver<Request>,
        setup: Setup,
        fifo: Option<Fifo>,
    ) -> Self {
        Self {
            queues: Queues::of(node.clone()),
            node,
            events: Some(events),
            requests,
            setup: Arc::new(setup),
            fifo,
            world: World::default(),
            next_look: None,
            next_priorities: Instant::now() + LOOK,
            finish: None,
        }
    }

    /// Follows until it is to end. Returns what was not told, and who wants to know; by then it has
    /// let go of all that it had.
    pub(super) async fn run(mut self) -> Option<(oneshot::Sender<Vec<String>>, Vec<String>)> {
        self.look_at_levels().await;
        while !self.is_over() {
            match self.woken().await {
                Woken::Event(event) => self.take(event).await,
                Woken::Request(Some(request)) => self.request(request).await,
                // Whoever had the notifier wants no more of it.
                Woken::Request(None) => return None,
                Woken::Other => {}
            }
            self.look_again().await;
            self.look_at_priorities().await;
        }
        let (_, reply) = self.finish.take()?;
        Some((reply, self.queues.untold(&self.setup)))
    }

    /// Whether it may end: all is told, or its time is up.
    fn is_over(&self) -> bool {
        let Some((by, _)) = &self.finish else { return false };
        *by <= Instant::now() || (self.events.is_none() && self.queues.is_idle())
    }

    async fn woken(&mut self) -> Woken {
        let at = [
            self.next_look.map(|(at, _)| at),
            self.fifo.as_ref().and(self.events.as_ref()).map(|_| self.next_priorities),
            self.finish.as_ref().map(|(by, _)| *by),
        ];
        let at = at.into_iter().flatten().min();
        tokio::select! {
            event = next_event(self.events.as_mut()) => Woken::Event(event),
            request = self.requests.recv() => Woken::Request(request),
            () = self.queues.next(&self.setup) => Woken::Other,
            () = sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => Woken::Other,
        }
    }

    async fn request(&mut self, request: Request) {
        match request {
            Request::Configure { setup, fifo } => {
                self.setup = setup;
                if let Some(fifo) = fifo {
                    self.fifo = fifo;
                }
                // A configuration of the node says nothing of itself.
                if let Some(status) = self.status().await {
                    self.look_at(&status.routers);
                }
            }
            Request::Finish { within, reply } => {
                self.finish = Some((Instant::now() + within.min(LONGEST), reply));
            }
        }
    }

    /// Takes an event and those that have come after it.
    async fn take(&mut self, first: Option<Result<NodeEvent, Lagged>>) {
        let (mut batch, mut lagged) = (Vec::new(), 0);
        let mut next = first;
        if next.is_none() {
            self.events = None;
            // One that ended in order has told that already.
            let told = self.world.stop_all(|_| true);
            self.tell(told);
        }
        while let Some(event) = next {
            match event {
                Ok(event) => batch.push(event),
                Err(Lagged { lost }) => lagged += lost,
            }
            let goes_on = batch.len() < BATCH || (lagged > 0 && batch.len() < MOST);
            next = self.events.as_mut().filter(|_| goes_on).and_then(Events::try_next);
        }
        if lagged > 0 {
            tracing::info!(
                event = "notify-lagged",
                lost = lagged,
                "{lagged} events were lost before scripts could be told; going by what is"
            );
            // Those that are left are older than that, and some are missing before them.
            self.look_at_levels().await;
            let told = self.world.reasserted_all();
            return self.tell(told);
        }
        self.refresh(&batch).await;
        for event in batch {
            self.event(event);
        }
    }

    fn event(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Transition { name, key, from, to, reason, sender } => {
                let told = self.world.transition((key, &name), (from, to), reason, sender);
                self.tell(told);
            }
            NodeEvent::Notice { name, notice: Notice::WeakerActive, .. } => {
                if let Some((State::Active, priority)) = self.world.told(&name)
                    && let Some(fifo) = &mut self.fifo
                {
                    fifo.weaker_active(&Subject { kind: Kind::Instance, name }, priority);
                }
            }
            NodeEvent::Reasserted { name, .. } => {
                let told = self.world.reasserted(&name);
                self.tell(told);
            }
            // Its backend may have answered: what that came to is told after this.
            NodeEvent::Standing { .. } if self.world.is_undecided() => {
                self.next_look = Some((Instant::now(), FIRST_PAUSE));
            }
            NodeEvent::Notice { .. }
            | NodeEvent::DrainRefused { .. }
            | NodeEvent::Unrelieved { .. }
            | NodeEvent::Rival { .. }
            | NodeEvent::RivalGone { .. }
            | NodeEvent::Standing { .. }
            | NodeEvent::Backend { .. } => {}
            // It may have changed a priority.
            NodeEvent::Check { .. } => self.next_priorities = Instant::now(),
        }
        if self.world.is_undecided() && self.next_look.is_none() {
            self.next_look = Some((Instant::now() + FIRST_PAUSE, FIRST_PAUSE));
        }
    }

    fn tell(&mut self, all: Vec<Told>) {
        for told in all {
            if let Some(fifo) = &mut self.fifo {
                fifo.state(&told);
            }
            if told.state == State::Stop {
                self.world.forget_gone();
            }
            self.queues.push(told, &self.setup);
        }
    }

    /// Looks at those that events speak of, so that scripts are told of them as they are now.
    async fn refresh(&mut self, batch: &[NodeEvent]) {
        let names = batch.iter().filter_map(|event| match event {
            NodeEvent::Transition { name, .. } | NodeEvent::Reasserted { name, .. } => Some(name),
            _ => None,
        });
        let names: BTreeSet<&Arc<str>> = names.collect();
        if names.len() > FEW || names.iter().any(|name| !self.world.knows(name)) {
            if let Some(status) = self.status().await {
                self.look_at(&status.routers);
            }
            return;
        }
        for name in names {
            if let Some(status) = self.status_of(name).await {
                self.look_at(&[status]);
            }
        }
    }

    /// Goes by what is, where events were lost or have not been seen. Those that have come by then
    /// may be older than that, and are gone through from where they begin.
    async fn look_at_levels(&mut self) {
        // However long that takes: a driver that is late has not stopped.
        let Ok(status) = self.node.status().await else {
            let told = self.world.stop_all(|_| true);
            return self.tell(told);
        };
        self.look_at(&status.routers);
        let pending = self.pending();
        let began = |wanted: &str| {
            pending.iter().find_map(|event| match event {
                NodeEvent::Transition { name, from, .. } if **name == *wanted => Some(*from),
                _ => None,
            })
        };
        for router in &status.routers {
            let told = match began(&router.name) {
                Some(from) => self.world.level_before(router, from),
                None => self.world.level(router),
            };
            self.tell(told);
        }
        let names: BTreeSet<&str> = status.routers.iter().map(|router| &*router.name).collect();
        let told = self.world.stop_all(|name| !names.contains(name) && began(name).is_none());
        self.tell(told);
        // They may speak of virtual routers that were not there yet.
        self.refresh(&pending).await;
        for event in pending {
            self.event(event);
        }
        if self.world.is_undecided() {
            self.next_look = Some((Instant::now() + FIRST_PAUSE, FIRST_PAUSE));
        }
    }

    /// The events that have come already. Where some were lost, those after them.
    fn pending(&mut self) -> Vec<NodeEvent> {
        let mut pending = Vec::new();
        let next = || self.events.as_mut().and_then(Events::try_next);
        for event in std::iter::from_fn(next).take(MOST) {
            match event {
                Ok(event) => pending.push(event),
                Err(_) => pending.clear(),
            }
        }
        pending
    }

    /// Looks whether backends have answered, of virtual routers that have just started.
    async fn look_again(&mut self) {
        let Some((at, pause)) = self.next_look else { return };
        if at > Instant::now() {
            return;
        }
        let status = self.status().await.unwrap_or_default();
        // What has happened before that comes first.
        if let Some(event) = self.events.as_mut().and_then(Events::try_next) {
            Box::pin(self.take(Some(event))).await;
        }
        for router in &status.routers {
            let told = self.world.decide(router);
            self.tell(told);
        }
        let pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        let goes_on = self.events.is_some() && self.world.is_undecided();
        self.next_look = goes_on.then(|| (Instant::now() + pause, pause));
    }

    /// Priorities change without an event.
    async fn look_at_priorities(&mut self) {
        if self.fifo.is_none() || self.events.is_none() || self.next_priorities > Instant::now() {
            return;
        }
        self.next_priorities = Instant::now() + LOOK;
        if let Some(status) = self.status().await {
            self.look_at(&status.routers);
        }
    }

    fn look_at(&mut self, routers: &[RouterStatus]) {
        for router in routers {
            let changed = self.world.look_at(router);
            if let (Some((state, priority)), Some(fifo)) = (changed, &mut self.fifo) {
                let subject = Subject { kind: Kind::Instance, name: router.name.clone() };
                fifo.priority(&subject, state, priority);
            }
        }
    }

    async fn status(&self) -> Option<NodeStatus> {
        timeout(PATIENCE, self.node.status()).await.ok()?.ok()
    }

    async fn status_of(&self, name: &str) -> Option<RouterStatus> {
        let status = async { self.node.handle(name).await?.status().await };
        timeout(PATIENCE, status).await.ok()?.ok()
    }
}

/// The next event of a node; never, once it has stopped.
async fn next_event(events: Option<&mut Events>) -> Option<Result<NodeEvent, Lagged>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
