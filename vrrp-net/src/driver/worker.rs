//! The task that talks to the backend of one virtual router.

use std::{
    any::Any,
    collections::{BTreeSet, VecDeque},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, UnboundedSender},
};
use vrrp_core::{Cidr, Instant, LeaseFailure, Reach, Reason};

use super::leases::Answer;
use crate::{Adopted, BackendError, Lease, Release, VipBackend};

/// The first pause before a release that failed is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Something to ask a backend.
#[derive(Clone)]
pub(super) struct Request {
    /// Counts the requests of one virtual router.
    pub(super) number: u64,
    /// When it was asked for.
    pub(super) asked_at: Instant,
    pub(super) backend: Arc<dyn VipBackend>,
    pub(super) lease: Lease,
    pub(super) call: Call,
    /// It runs to its end whatever comes after it: the release of a backend that was replaced.
    pub(super) uncut: bool,
}

impl Request {
    /// Whether this one waits for `running` instead of cutting it off. To ask what is or can be
    /// held is no wish to hold the addresses or to let go of them, so it may not cut off a release.
    fn waits_for(&self, running: &Self) -> bool {
        running.uncut || matches!(self.call, Call::Adopt | Call::Inspect)
    }

    /// Whether nothing is to be held after it.
    const fn lets_go(&self) -> bool {
        matches!(self.call, Call::Adopt | Call::Release(_))
    }
}

/// A method of [`VipBackend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Adopt,
    Acquire,
    Repair,
    Inspect,
    Leaving,
    Release(Release),
}

impl Call {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Acquire => "acquire",
            Self::Repair => "repair",
            Self::Inspect => "inspect",
            Self::Leaving => "leaving",
            Self::Release(_) => "release",
        }
    }
}

/// What came of a call that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The addresses are held.
    Held(Reach),
    /// They are held since an earlier process.
    Adopted(Adopted),
    /// There is nothing more to say.
    Nothing,
}

/// What went wrong in a call, with the words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: LeaseFailure,
    pub(super) text: String,
}

/// Carries out requests, one at a time. The latest wins: it cuts off the one that runs, at its next
/// await point, and those that have not begun are left out. Only requests that ran to their end are
/// answered.
///
/// Ends when the sender is gone and the last request has been carried out.
pub(super) async fn work(
    mut requests: UnboundedReceiver<Box<Request>>,
    turn: Arc<Mutex<()>>,
    answers: UnboundedSender<Answer>,
) {
    let mut waiting = VecDeque::new();
    let mut again = None;
    let mut put = MaybePut::default();
    while let Some(mut request) = next(&mut requests, &mut waiting, &mut again).await {
        request.lease.previous = put.beside(&request.lease);
        let result = run(&request, &turn, &mut requests, &mut waiting).await;
        put.note(&request, result.as_ref());
        if let Some(result) = result {
            if request.lets_go() {
                again = result.is_err().then(|| Again::after(&request, again.take()));
            }
            let Request { number, asked_at, lease, call, .. } = *request;
            let Lease { key, generation, .. } = lease;
            let answer = Answer::Call { key, number, generation, call, asked_at, result };
            // Without a driver nobody needs to know.
            drop(answers.send(answer));
        }
    }
}

/// The addresses that may be held. A configuration can change while a request runs, or is cut off.
#[derive(Debug, Default)]
struct MaybePut(BTreeSet<Cidr>);

impl MaybePut {
    /// Those that are not among the addresses of `lease`, whatever their prefix length.
    fn beside(&self, lease: &Lease) -> Arc<[Cidr]> {
        let is_named =
            |cidr: &Cidr| lease.addresses.iter().any(|named| named.address() == cidr.address());
        self.0.iter().filter(|cidr| !is_named(cidr)).copied().collect()
    }

    /// `result`: what came of `request`; `None` if it was cut off.
    fn note(&mut self, request: &Request, result: Option<&Result<Done, Failure>>) {
        let addresses = request.lease.addresses.iter().copied();
        match (request.call, result) {
            (Call::Inspect | Call::Leaving, _) => {}
            (Call::Release(_), Some(Ok(_))) | (Call::Adopt, Some(Ok(Done::Nothing))) => {
                self.0.clear()
            }
            (Call::Release(_), _) => {}
            (Call::Acquire | Call::Repair | Call::Adopt, Some(Ok(_))) => {
                self.0 = addresses.collect()
            }
            (Call::Acquire | Call::Repair | Call::Adopt, _) => self.0.extend(addresses),
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
    // To be asked whether it would work ends no wish to let go.
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

/// Carries out one request; `None` when it was cut off.
async fn run(
    request: &Request,
    turn: &Mutex<()>,
    requests: &mut UnboundedReceiver<Box<Request>>,
    waiting: &mut VecDeque<Box<Request>>,
) -> Option<Result<Done, Failure>> {
    let mut running = pin!(async {
        // A renewal that runs has been cut off already; it must be gone before anything else is
        // asked.
        let _turn = turn.lock().await;
        bounded(&*request.backend, perform(&*request.backend, &request.lease, request.call)).await
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
        Call::Adopt => Ok(backend.adopt(lease).await?.map_or(Done::Nothing, Done::Adopted)),
        Call::Acquire => backend.acquire(lease).await.map(Done::Held),
        Call::Repair => backend.repair(lease).await.map(Done::Held),
        Call::Inspect => backend.inspect(lease).await.map(nothing),
        Call::Leaving => backend.leaving(lease).await.map(nothing),
        Call::Release(release) => backend.release(lease, &release).await.map(nothing),
    }
}

/// Runs a call of `backend` for as long as it may take. A panic is a failure like any other.
pub(super) async fn bounded<T>(
    backend: &dyn VipBackend,
    call: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, Failure> {
    let limit = backend.timeout();
    match tokio::time::timeout(limit, catch(call)).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(Failure { kind: error.kind(), text: error.to_string() }),
        Ok(Err(panic)) => Err(Failure { kind: LeaseFailure::Failed, text: panic }),
        Err(_) => Err(Failure { kind: LeaseFailure::TimedOut, text: unanswered(limit) }),
    }
}

/// What is said of a call that took longer than `limit`.
pub(super) fn unanswered(limit: Duration) -> String {
    format!("the backend did not answer within {limit:?}")
}

/// Turns a panic of a future into an error that says so.
async fn catch<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    let caught =
        |cx: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(format!("the backend panicked: {}", message(&*panic)))),
        };
    poll_fn(caught).await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
