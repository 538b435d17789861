//! The task that talks to the backend of one virtual router.

use std::{
    collections::{BTreeSet, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime,
    sync::{
        Mutex,
        mpsc::{self, Sender, UnboundedReceiver, UnboundedSender},
        watch,
    },
};
use vrrp_core::{Instant, Reason};

use super::{
    call::{Answer, Call, Done, Failure, Request, Wish, bounded, to_end},
    linger::{End, Linger},
};
use crate::{
    BackendError, Lease, Release, VipBackend, VirtualAddress, VirtualRoute, backend::Unwanted,
};

/// The first pause before a release that failed is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Our end of the task that talks to the backend of one virtual router.
pub(super) struct BackendTask {
    /// In boxes: the channel has room for 32 from the start, and there is one for each virtual
    /// router. Without a bound, because the driver neither waits nor may lose a release; the task
    /// takes each request while another one runs, and keeps the latest and those of backends that
    /// were replaced.
    requests: UnboundedSender<Box<Request>>,
    turn: Arc<Mutex<()>>,
    linger_end: End,
    asked: u64,
    answered: u64,
}

impl BackendTask {
    pub(super) fn spawn(runtime: &runtime::Handle, answers: &Sender<Answer>) -> Self {
        let (requests, receiver) = mpsc::unbounded_channel();
        let (turn, linger_end) = (Arc::new(Mutex::new(())), End::new());
        drop(runtime.spawn(work(receiver, turn.clone(), linger_end.told(), answers.clone())));
        Self { requests, turn, linger_end, asked: 0, answered: 0 }
    }

    /// What is held while the backend is asked anything for this virtual router.
    pub(super) fn turn(&self) -> Arc<Mutex<()>> {
        self.turn.clone()
    }

    pub(super) fn ask(&mut self, wish: Wish, uncut: bool, now: Instant) {
        let Wish { backend, lease, call } = wish;
        self.asked = self.asked.saturating_add(1);
        let request = Request { number: self.asked, asked_at: now, backend, lease, call, uncut };
        // A runtime that has ended took the worker along: `is_idle` knows.
        drop(self.requests.send(Box::new(request)));
    }

    /// Has a release that waits for its successor carried out now.
    pub(super) fn end_linger(&self) {
        self.linger_end.tell(self.asked);
    }

    /// Notes that a request was carried out.
    pub(super) fn answered(&mut self, number: u64) {
        // A release that is tried again has its old number.
        self.answered = self.answered.max(number);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.answered == self.asked || self.requests.is_closed()
    }
}

/// Carries out requests, one at a time. The latest wins: it cuts off the one that runs, at its next
/// await point, and those that have not begun are left out. Only requests that ran to their end are
/// answered.
///
/// Ends when the sender is gone and the last request has been carried out.
async fn work(
    mut requests: UnboundedReceiver<Box<Request>>,
    turn: Arc<Mutex<()>>,
    linger_end: watch::Receiver<u64>,
    answers: Sender<Answer>,
) {
    let mut waiting = VecDeque::new();
    let mut again = None;
    let mut put = MaybePut::default();
    while let Some(mut request) = next(&mut requests, &mut waiting, &mut again).await {
        (request.lease.previous, request.lease.previous_routes) = put.beside(&request.lease);
        let linger = Linger::before(&request, &linger_end).filter(|_| put.is_on_link);
        let result = run(&request, linger, &turn, &mut requests, &mut waiting).await;
        put.note(&request, result.as_ref());
        if let Some(result) = result {
            if request.call.lets_go() {
                again = result.is_err().then(|| Again::after(&request, again.take()));
            }
            let Request { number, asked_at, lease, call, .. } = *request;
            let Lease { key, generation, .. } = lease;
            let answer = Answer::Call { key, number, generation, call, asked_at, result };
            // It fails only where no driver is left to care.
            drop(answers.send(answer).await);
        }
    }
}

/// The addresses and routes that may be held. A configuration can change while a request runs, and a
/// request that was cut off may have done all of its work, some of it, or nothing.
#[derive(Debug, Default)]
struct MaybePut {
    addresses: BTreeSet<VirtualAddress>,
    routes: BTreeSet<VirtualRoute>,
    /// Whether all of them are held for certain, where neighbours find them by an announcement.
    is_on_link: bool,
}

impl MaybePut {
    /// Those that are not among the addresses of `lease` on the same interface, whatever their prefix
    /// length, or not among its routes; without what another virtual router has by now.
    fn beside(&self, lease: &Lease) -> (Arc<[VirtualAddress]>, Arc<[VirtualRoute]>) {
        let place = |held: &VirtualAddress| lease.place(held);
        let named: BTreeSet<_> = lease.addresses.iter().map(place).collect();
        let is_left = |held: &&VirtualAddress| {
            !named.contains(&place(held)) && !lease.elsewhere.contains(&place(held))
        };
        let addresses = self.addresses.iter().filter(is_left);
        let routes = self.routes.iter().filter(|route| !lease.routes.contains(route));
        (addresses.cloned().collect(), routes.cloned().collect())
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, lease: &Lease) {
        self.addresses.extend(lease.addresses.iter().cloned());
        self.routes.extend(lease.routes.iter().cloned());
    }

    /// `result`: what came of `request`; `None` if it was cut off.
    fn note(&mut self, request: &Request, result: Option<&Result<Done, Failure>>) {
        match (request.call, result) {
            // These two put nothing and take nothing away.
            (Call::Inspect | Call::Leaving, _) => {}
            (Call::Release(_), Some(Ok(_))) | (Call::Adopt, Some(Ok(Done::Nothing))) => {
                self.clear();
            }
            // It may have released some of them: the next one is asked for all.
            (Call::Release(_), _) => self.is_on_link = false,
            (Call::Acquire | Call::Repair | Call::Adopt, Some(Ok(done))) => {
                self.clear();
                self.add(&request.lease);
                self.is_on_link = done.is_on_link();
            }
            (Call::Acquire | Call::Repair | Call::Adopt, _) => {
                self.add(&request.lease);
                self.is_on_link = false;
            }
        }
    }
}

/// The next request: one that waits, a new one, or a release that failed once its pause is over.
/// `None` when nobody can ask any more.
async fn next(
    requests: &mut UnboundedReceiver<Box<Request>>,
    waiting: &mut VecDeque<Box<Request>>,
    again: &mut Option<Again>,
) -> Option<Box<Request>> {
    let newer = match (waiting.pop_front(), &again) {
        (Some(request), _) => Some(request),
        (None, None) => requests.recv().await,
        (None, Some(Again { request, at, .. })) => tokio::select! {
            biased;
            newer = requests.recv() => newer,
            () = tokio::time::sleep_until(*at) => return Some(request.clone()),
        },
    };
    // An inspection does not cancel a pending retry of a release.
    if newer.as_ref().is_none_or(|request| !matches!(request.call, Call::Inspect)) {
        *again = None;
    }
    newer
}

/// A release that failed: the addresses may still be held where nobody is active.
struct Again {
    request: Box<Request>,
    at: tokio::time::Instant,
    pause: Duration,
}

impl Again {
    /// After 1, 2, 4, 8 s, and so on.
    fn after(request: &Request, before: Option<Self>) -> Self {
        let pause =
            before.map_or(FIRST_PAUSE, |again| again.pause.saturating_mul(2).min(LONGEST_PAUSE));
        let mut request = Box::new(Request { uncut: false, ..request.clone() });
        if request.call == Call::Adopt {
            request.call = Call::Release(Release::new(Reason::Startup, None));
        }
        Self { request, at: tokio::time::Instant::now() + pause, pause }
    }
}

/// Carries out one request, after its wait; `None` when it was cut off.
async fn run(
    request: &Request,
    linger: Option<Linger>,
    turn: &Arc<Mutex<()>>,
    requests: &mut UnboundedReceiver<Box<Request>>,
    waiting: &mut VecDeque<Box<Request>>,
) -> Option<Result<Done, Failure>> {
    let mut running = pin!(async {
        if let Some(linger) = linger {
            linger.wait().await;
        }
        // A renewal that runs has been cut off already; it must be gone before anything else is
        // asked, and so must a call that runs to its end.
        let turn = turn.clone().lock_owned().await;
        let Request { backend, lease, call, .. } = request;
        let (call, method) = (*call, call.method());
        match backend.when_unwanted(method) {
            Unwanted::Drop => bounded(&**backend, method, perform(&**backend, lease, call)).await,
            Unwanted::RunToEnd => {
                let (own, lease) = (backend.clone(), lease.clone());
                let call = async move { perform(&*own, &lease, call).await };
                bounded(&**backend, method, to_end(turn, call)).await
            }
        }
    });
    loop {
        tokio::select! {
            biased;
            Some(newer) = requests.recv() => {
                let waits = newer.waits_for(request);
                waiting.retain(|older| older.uncut);
                waiting.push_back(newer);
                if !waits {
                    return None;
                }
            }
            result = &mut running => return Some(result),
        }
    }
}

async fn perform(
    backend: &dyn VipBackend,
    lease: &Lease,
    call: Call,
) -> Result<Done, BackendError> {
    let nothing = |()| Done::Nothing;
    match call {
        // Some of it is held by another virtual router of this node, and what is left is no whole.
        Call::Adopt if !lease.elsewhere.is_empty() => match &*lease.addresses {
            [] => Ok(Done::Nothing),
            _ => backend.release(lease, &Release::new(Reason::Startup, None)).await.map(nothing),
        },
        Call::Adopt => Ok(backend.adopt(lease).await?.map_or(Done::Nothing, Done::Adopted)),
        Call::Acquire => backend.acquire(lease).await.map(Done::Held),
        Call::Repair => backend.repair(lease).await.map(Done::Held),
        Call::Inspect => backend.inspect(lease).await.map(nothing),
        Call::Leaving => backend.leaving(lease).await.map(nothing),
        Call::Release(release) => backend.release(lease, &release).await.map(nothing),
    }
}
