//! [`Memory`]: a backend for tests, simulations and examples, which changes nothing on the host.

use std::{
    any::Any,
    collections::BTreeMap,
    future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Notify;
use vrrp_core::{Cidr, Key, LeaseFailure, Loss, Reach, Reason};

use super::{Method, Unwanted};
use crate::{Adopted, BackendError, Lease, Release, Renewed, VipBackend};

/// Remembers who holds what, and what it was asked; fails, waits or hangs on request.
///
/// Clones share everything, so that a test can keep one and give one to the node:
///
/// ```
/// # use vrrp_net::{Lease, VipBackend, backend::memory::{Call, Memory}};
/// # use vrrp_core::{Family, InterfaceId, Key, LeaseFailure, Vrid};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let memory = Memory::new();
/// let backend = memory.clone();
/// # let interface = InterfaceId::new(std::num::NonZeroU32::MIN);
/// # let key = Key { interface, family: Family::Ipv4, vrid: Vrid::try_from(51)? };
/// # let lease = Lease::new(key, "eth0", &["192.0.2.10/24".parse()?], std::time::Duration::from_secs(3));
/// memory.fail_next(1, LeaseFailure::Denied);
/// assert!(backend.acquire(&lease).await.is_err());
/// assert!(backend.acquire(&lease).await.is_ok());
/// assert!(memory.holds());
/// assert_eq!(memory.calls(), [Call::Acquire(key), Call::Acquire(key)]);
/// # Ok::<(), vrrp_core::ConfigError>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    called: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    held: BTreeMap<Key, Arc<[Cidr]>>,
    left_behind: Option<Duration>,
    calls: Vec<Call>,
    failure: Option<Failure>,
    inspect_failure: Option<LeaseFailure>,
    delay: Duration,
    hangs: bool,
    reach: Reach,
    is_watched: bool,
    timeout: Duration,
    unwanted: Unwanted,
    /// What the next renewal finds to be lost.
    lost: Vec<(Key, Loss)>,
}

/// How requests to hold fail.
#[derive(Clone, Copy, Debug)]
struct Failure {
    kind: LeaseFailure,
    /// `None`: always.
    times: Option<usize>,
}

/// What a [`Memory`] was asked, for which virtual router. It is recorded when the request arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// [`VipBackend::adopt`].
    Adopt(Key),
    /// [`VipBackend::acquire`].
    Acquire(Key),
    /// [`VipBackend::release`].
    Release {
        /// The virtual router.
        key: Key,
        /// [`Release::reason`].
        reason: Reason,
        /// [`Release::successor`].
        successor: Option<IpAddr>,
    },
    /// [`VipBackend::renew`], one for each lease.
    Renew(Key),
    /// [`VipBackend::leaving`].
    Leaving(Key),
    /// [`VipBackend::inspect`].
    Inspect(Key),
    /// [`VipBackend::repair`].
    Repair(Key),
}

impl Default for State {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            left_behind: None,
            calls: Vec::new(),
            failure: None,
            inspect_failure: None,
            delay: Duration::ZERO,
            hangs: false,
            reach: Reach::OnLink,
            is_watched: false,
            timeout: Duration::from_secs(30),
            unwanted: Unwanted::Drop,
            lost: Vec::new(),
        }
    }
}

impl Memory {
    /// A backend that holds nothing, and does at once what it is asked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A backend whose addresses are found by `reach`.
    #[must_use]
    pub fn with_reach(reach: Reach) -> Self {
        let memory = Self::default();
        memory.state().reach = reach;
        memory
    }

    /// The next `times` requests to acquire or repair fail as `kind`.
    pub fn fail_next(&self, times: usize, kind: LeaseFailure) {
        self.state().failure = Some(Failure { kind, times: Some(times) });
    }

    /// Every request to acquire or repair fails as `kind`, until [`work`](Self::work).
    pub fn fail_always(&self, kind: LeaseFailure) {
        self.state().failure = Some(Failure { kind, times: None });
    }

    /// Every inspection fails as `kind`, until [`work`](Self::work).
    pub fn fail_inspections(&self, kind: LeaseFailure) {
        self.state().inspect_failure = Some(kind);
    }

    /// Calls that are not wanted any more run to their end from now on, as those of a cloud do.
    pub fn run_to_end(&self) {
        self.state().unwanted = Unwanted::RunToEnd;
    }

    /// The addresses of `key` go, and the next renewal says so.
    pub fn lose(&self, key: Key, loss: Loss) {
        let mut state = self.state();
        state.held.remove(&key);
        state.lost.push((key, loss));
    }

    /// Requests to acquire, repair and release take `delay` from now on.
    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Requests to acquire and repair are never answered, until [`work`](Self::work). Those that
    /// hang already go on hanging.
    pub fn hang(&self) {
        self.state().hangs = true;
    }

    /// From now on everything works at once.
    pub fn work(&self) {
        let mut state = self.state();
        state.failure = None;
        state.inspect_failure = None;
        state.delay = Duration::ZERO;
        state.hangs = false;
    }

    /// An earlier process held what is asked for first, and renewed it `renewed_ago`.
    pub fn leave_behind(&self, renewed_ago: Duration) {
        self.state().left_behind = Some(renewed_ago);
    }

    /// Sets whether [`VipBackend::watched`] names the lease's interface; it does not unless set.
    pub fn set_watched(&self, is_watched: bool) {
        self.state().is_watched = is_watched;
    }

    /// Sets what [`VipBackend::timeout`] says; 30 s unless set.
    pub fn set_timeout(&self, timeout: Duration) {
        self.state().timeout = timeout;
    }

    /// Whether the addresses of any virtual router are held.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.state().held.is_empty()
    }

    /// Whether the addresses of the virtual router `key` are held.
    #[must_use]
    pub fn holds_for(&self, key: Key) -> bool {
        self.state().held.contains_key(&key)
    }

    /// The addresses of the virtual router `key` that are held.
    #[must_use]
    pub fn addresses(&self, key: Key) -> Vec<Cidr> {
        self.state().held.get(&key).map(|addresses| addresses.to_vec()).unwrap_or_default()
    }

    /// What it has been asked, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Waits until what it has been asked satisfies `is_enough`.
    pub async fn called(&self, is_enough: impl Fn(&[Call]) -> bool) {
        loop {
            let called = self.called.notified();
            tokio::pin!(called);
            // A call between the look and the wait is not missed.
            called.as_mut().enable();
            if is_enough(&self.state().calls) {
                return;
            }
            called.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, call: Call) {
        self.state().calls.push(call);
        self.called.notify_waiters();
    }

    async fn pause(&self) {
        let delay = self.state().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    async fn hold(&self, lease: &Lease) -> Result<Reach, BackendError> {
        let (hangs, failure) = {
            let mut state = self.state();
            (state.hangs, state.next_failure())
        };
        if hangs {
            future::pending::<()>().await;
        }
        self.pause().await;
        if let Some(kind) = failure {
            return Err(BackendError::new(kind, "the memory backend was told to fail"));
        }
        let mut state = self.state();
        state.held.insert(lease.key, lease.cidrs().collect());
        Ok(state.reach)
    }
}

impl State {
    fn next_failure(&mut self) -> Option<LeaseFailure> {
        let failure = self.failure.as_mut()?;
        let kind = failure.kind;
        match &mut failure.times {
            None => Some(kind),
            Some(0) => None,
            Some(times) => {
                *times -= 1;
                Some(kind)
            }
        }
    }
}

#[async_trait]
impl VipBackend for Memory {
    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        self.record(Call::Adopt(lease.key));
        self.pause().await;
        let mut state = self.state();
        let Some(renewed_ago) = state.left_behind.take() else {
            state.held.remove(&lease.key);
            return Ok(None);
        };
        state.held.insert(lease.key, lease.cidrs().collect());
        Ok(Some(Adopted::new(state.reach, renewed_ago)))
    }

    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.record(Call::Acquire(lease.key));
        self.hold(lease).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        let Release { reason, successor } = *release;
        self.record(Call::Release { key: lease.key, reason, successor });
        self.pause().await;
        self.state().held.remove(&lease.key);
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        for lease in leases {
            self.record(Call::Renew(lease.key));
        }
        let lost = std::mem::take(&mut self.state().lost);
        Ok(lost.into_iter().fold(Renewed::all(), |all, (key, loss)| all.but_lost(key, loss)))
    }

    async fn leaving(&self, lease: &Lease) -> Result<(), BackendError> {
        self.record(Call::Leaving(lease.key));
        Ok(())
    }

    async fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.record(Call::Inspect(lease.key));
        match self.state().inspect_failure {
            None => Ok(()),
            Some(kind) => {
                Err(BackendError::new(kind, "the memory backend was told to fail inspections"))
            }
        }
    }

    async fn repair(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.record(Call::Repair(lease.key));
        self.hold(lease).await
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        self.state().is_watched.then(|| lease.interface.clone())
    }

    fn timeout(&self, _method: Method) -> Duration {
        self.state().timeout
    }

    fn when_unwanted(&self, _method: Method) -> Unwanted {
        self.state().unwanted
    }

    /// Clones are.
    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| Arc::ptr_eq(&self.state, &other.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_fails_as_often_as_it_was_told() {
        let (memory, lease) = (Memory::with_reach(Reach::Routed), Lease::of_eth0());
        memory.fail_next(2, LeaseFailure::Denied);
        for _ in 0..2 {
            assert_eq!(memory.acquire(&lease).await.unwrap_err().kind(), LeaseFailure::Denied);
            assert!(!memory.holds());
        }
        assert_eq!(memory.repair(&lease).await.unwrap(), Reach::Routed);
        assert!(memory.holds_for(lease.key));
        memory.fail_always(LeaseFailure::AddressPresent);
        memory.fail_inspections(LeaseFailure::Failed);
        assert!(memory.repair(&lease).await.is_err() && memory.repair(&lease).await.is_err());
        assert_eq!(memory.inspect(&lease).await.unwrap_err().kind(), LeaseFailure::Failed);
        memory.work();
        assert!(memory.acquire(&lease).await.is_ok() && memory.inspect(&lease).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_cut_off_holds_nothing() {
        let (memory, lease) = (Memory::new(), Lease::of_eth0());
        let second = Duration::from_secs(1);
        memory.delay(2 * second);
        assert!(tokio::time::timeout(second, memory.acquire(&lease)).await.is_err());
        assert!(!memory.holds());
        assert!(tokio::time::timeout(3 * second, memory.acquire(&lease)).await.is_ok());
        assert!(memory.holds());
        memory.hang();
        assert!(tokio::time::timeout(1000 * second, memory.acquire(&lease)).await.is_err());
    }

    #[tokio::test]
    async fn it_remembers_what_it_was_asked() {
        let (memory, lease) = (Memory::new(), Lease::of_eth0());
        let key = lease.key;
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.called(|calls| calls.len() == 4).await }
        });
        let successor = Some("192.0.2.2".parse().unwrap());
        memory.acquire(&lease).await.unwrap();
        memory.renew(std::slice::from_ref(&lease)).await.unwrap();
        memory.leaving(&lease).await.unwrap();
        memory.release(&lease, &Release::new(Reason::Successor, successor)).await.unwrap();
        waiting.await.unwrap();
        let release = Call::Release { key, reason: Reason::Successor, successor };
        assert_eq!(
            memory.calls(),
            [Call::Acquire(key), Call::Renew(key), Call::Leaving(key), release]
        );
        assert!(!memory.holds());
    }
}
