//! What backends are asked, and what they answer.

use std::{future::Future, sync::Arc, time::Duration};

use vrrp_core::{Generation, Instant, Key, LeaseFailure, LeaseRequest, Reach, Want};

use crate::{
    Adopted, BackendError, Lease, Release, Renewed, VipBackend, backend::Method,
    driver::members::MemberState, panics::catch,
};

/// What the backend of one virtual router is to be asked.
pub(in crate::driver) struct Wish {
    pub(in crate::driver) backend: Arc<dyn VipBackend>,
    pub(in crate::driver) lease: Lease,
    pub(in crate::driver) call: Call,
}

impl Wish {
    /// What the core wants.
    pub(in crate::driver) fn new(entry: &MemberState, request: &LeaseRequest<'_>) -> Self {
        let call = match request.want {
            Want::Adopt => Call::Adopt,
            Want::Acquire => Call::Acquire,
            Want::Repair => Call::Repair,
            Want::Inspect => Call::Inspect,
            Want::Leaving => Call::Leaving,
            Want::Release { reason, successor } => Call::Release(Release::new(reason, successor)),
        };
        let (backend, lease) = (entry.backend.clone(), entry.lease(request.key, request.config));
        Self { backend, lease, call }
    }

    /// What the driver asks by itself, of the latest configuration.
    pub(super) fn of(entry: &MemberState, key: Key, call: Call) -> Self {
        Self { backend: entry.backend.clone(), lease: entry.lease(key, &entry.router), call }
    }
}

/// A wish on its way to the task that carries it out.
#[derive(Clone)]
pub(in crate::driver) struct Request {
    /// Counts the requests of one virtual router.
    pub(in crate::driver) number: u64,
    /// When it was asked for.
    pub(in crate::driver) asked_at: Instant,
    pub(in crate::driver) backend: Arc<dyn VipBackend>,
    pub(in crate::driver) lease: Lease,
    pub(in crate::driver) call: Call,
    /// It runs to its end whatever comes after it: the release of a backend that was replaced,
    /// which nobody would ask for again.
    pub(in crate::driver) uncut: bool,
}

impl Request {
    /// Whether this one waits for `running` instead of cutting it off. `Adopt` and `Inspect` only
    /// ask; they must not cancel a release that is in progress.
    pub(super) fn waits_for(&self, running: &Self) -> bool {
        running.uncut || matches!(self.call, Call::Adopt | Call::Inspect)
    }
}

/// A method of [`VipBackend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::driver) enum Call {
    Adopt,
    Acquire,
    Repair,
    Inspect,
    Leaving,
    Release(Release),
}

impl Call {
    /// Whether nothing should be held after it.
    pub(in crate::driver) const fn lets_go(self) -> bool {
        matches!(self, Self::Adopt | Self::Release(_))
    }

    pub(in crate::driver) const fn method(self) -> Method {
        match self {
            Self::Adopt => Method::Adopt,
            Self::Acquire => Method::Acquire,
            Self::Repair => Method::Repair,
            Self::Inspect => Method::Inspect,
            Self::Leaving => Method::Leaving,
            Self::Release(_) => Method::Release,
        }
    }

    pub(in crate::driver) const fn as_str(self) -> &'static str {
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
pub(in crate::driver) enum Done {
    /// The addresses are held.
    Held(Reach),
    /// They are held since an earlier process.
    Adopted(Adopted),
    /// There is nothing more to say.
    Nothing,
}

impl Done {
    /// Whether addresses are held that neighbours find by an announcement.
    pub(super) const fn is_on_link(self) -> bool {
        match self {
            Self::Held(reach) | Self::Adopted(Adopted { reach, .. }) => {
                matches!(reach, Reach::OnLink)
            }
            Self::Nothing => false,
        }
    }
}

/// What went wrong in a call, with the words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::driver) struct Failure {
    pub(in crate::driver) kind: LeaseFailure,
    pub(in crate::driver) text: String,
}

/// What a backend said.
pub(in crate::driver) enum Answer {
    /// To a call for one virtual router.
    Call {
        key: Key,
        number: u64,
        generation: Generation,
        call: Call,
        asked_at: Instant,
        result: Result<Done, Failure>,
    },
    /// To a renewal.
    Renewed { id: BackendId, number: u64, result: Result<Renewed, Failure> },
}

/// The address of a backend, which tells backends apart.
pub(in crate::driver) type BackendId = usize;

/// Runs a call of `backend` for as long as it may take. A panic is a failure like any other.
pub(in crate::driver) async fn bounded<T>(
    backend: &dyn VipBackend,
    method: Method,
    call: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, Failure> {
    let limit = backend.timeout(method);
    match tokio::time::timeout(limit, catch("the backend", call)).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(Failure { kind: error.kind(), text: error.chain() }),
        Ok(Err(panic)) => Err(Failure { kind: LeaseFailure::Failed, text: panic }),
        Err(_) => Err(Failure { kind: LeaseFailure::TimedOut, text: unanswered(limit) }),
    }
}

/// Makes a call a task of its own, which holds `turn`: when nobody waits for it any more it goes
/// on, and whatever waits for the turn waits for it.
pub(in crate::driver) async fn to_end<T: Send + 'static>(
    turn: impl Send + 'static,
    call: impl Future<Output = Result<T, BackendError>> + Send + 'static,
) -> Result<T, BackendError> {
    let task = tokio::spawn(async move {
        let done = catch("the backend", call).await;
        drop(turn);
        done
    });
    let failed = |text: String| BackendError::new(LeaseFailure::Failed, text);
    match task.await {
        Ok(done) => done.unwrap_or_else(|panic| Err(failed(panic))),
        // Its runtime ends.
        Err(error) => Err(failed(error.to_string())),
    }
}

/// How long the core waits for the answer to a call that it asked for.
pub(in crate::driver) fn longest(backend: &dyn VipBackend) -> Duration {
    let awaited = [Method::Adopt, Method::Acquire, Method::Repair, Method::Inspect];
    awaited.into_iter().map(|method| backend.timeout(method)).max().unwrap_or_default()
}

/// The sentence for a call that took longer than `limit`.
pub(in crate::driver) fn unanswered(limit: Duration) -> String {
    format!("the backend did not answer within {limit:?}")
}
