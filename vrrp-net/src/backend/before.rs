//! [`Before`]: a program that is run before another backend takes hold.

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use vrrp_core::{Key, Reach};

use super::{Adopted, BackendError, Lease, Method, Release, Renewed, Unwanted, VipBackend};
use crate::{
    Program,
    process::{Errand, Turn, User},
};

/// How long the program may take, unless [`Before::limit`] says something else.
const LIMIT: Duration = Duration::from_secs(2);
/// How long it takes at most to kill it, and to say so.
const MARGIN: Duration = Duration::from_millis(500);

/// Runs a program before another backend takes hold in a promotion: to commit the connections that
/// were learnt of the node that is gone, before the first packet comes.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use vrrp_net::{Program, backend::{Before, Memory}};
///
/// let commit = Program::new("/usr/sbin/conntrackd").args(["-c", "commit"]);
/// let backend = Before::new(Arc::new(Memory::new()), commit).limit(Duration::from_secs(1));
/// # let _ = backend;
/// ```
///
/// # When
///
/// This node advertises meanwhile, so that its peers are quiet, and is not yet reported as active.
/// Nothing is run before an adoption or a repair, nor where the addresses are still held because a
/// handover was taken back.
///
/// # What it is given
///
/// It is started without a shell, as `inner` is asked, with nothing on its standard input, and
/// without this process's capabilities; it can gain none. In its environment are `VRRP_NAME`,
/// `VRRP_KIND` (`instance`), `VRRP_INTERFACE`, `VRRP_VRID`, `VRRP_FAMILY`, and `VRRP_ADDRESSES` with
/// prefix lengths, separated by spaces.
///
/// # How it ends
///
/// When it fails, or past its limit, that is logged (`event="before-active"`), and `inner` takes hold
/// all the same. Past its limit, or when the promotion is not wanted any more, its process group is
/// killed (`SIGKILL`); what it leaves in the background when it ends by itself goes on. If `inner`
/// says [`Unwanted::RunToEnd`] of `acquire`, the program runs to its end, too.
///
/// One that takes the place of another while the addresses are held knows nothing of that, and may
/// run the program once.
///
/// It needs a tokio runtime with I/O enabled.
pub struct Before {
    inner: Arc<dyn VipBackend>,
    program: Program,
    limit: Duration,
    turns: Mutex<BTreeMap<Key, Turn>>,
    /// Of which virtual routers the addresses are held.
    held: Mutex<BTreeSet<Key>>,
}

impl Before {
    /// Returns one that runs `program` before `inner` is asked to
    /// [`acquire`](VipBackend::acquire).
    #[must_use]
    pub fn new(inner: Arc<dyn VipBackend>, program: Program) -> Self {
        let (turns, held) = (Mutex::default(), Mutex::default());
        Self { inner, program, limit: LIMIT, turns, held }
    }

    /// Sets how long the program may take; 2 s unless set.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs the program, and says if that does not go well.
    async fn run(&self, lease: &Lease) {
        let (user, turn) = (User::default(), self.turn(lease.key));
        let errand = Errand { program: &self.program, user: &user, limit: self.limit };
        let told = environment(lease);
        let name = &*lease.name;
        let prepare = |command: &mut std::process::Command| {
            command.envs(told);
        };
        match errand.run(&turn, prepare).await {
            Ok(()) => tracing::debug!(
                event = "before-active",
                name,
                "{name}: {} has run before the addresses are put",
                self.program.path().display()
            ),
            Err(why) => tracing::warn!(
                event = "before-active",
                name,
                "{name}: before the addresses are put, {why}; they are put all the same"
            ),
        }
    }

    fn turn(&self, key: Key) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(key).or_default().clone()
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn environment(lease: &Lease) -> [(&'static str, String); 6] {
    let addresses: Vec<String> = lease.cidrs().map(|cidr| cidr.to_string()).collect();
    [
        ("VRRP_NAME", lease.name.to_string()),
        ("VRRP_KIND", "instance".to_owned()),
        ("VRRP_INTERFACE", lease.interface.to_string()),
        ("VRRP_VRID", lease.key.vrid.to_string()),
        ("VRRP_FAMILY", lease.key.family.to_string()),
        ("VRRP_ADDRESSES", addresses.join(" ")),
    ]
}

#[async_trait]
impl VipBackend for Before {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        if !self.held().contains(&lease.key) {
            self.run(lease).await;
        }
        let reach = self.inner.acquire(lease).await?;
        self.held().insert(lease.key);
        Ok(reach)
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        // Whatever comes of it, another promotion begins anew.
        self.held().remove(&lease.key);
        self.inner.release(lease, release).await
    }

    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        let adopted = self.inner.adopt(lease).await?;
        if adopted.is_some() {
            self.held().insert(lease.key);
        }
        Ok(adopted)
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        self.inner.renew(leases).await
    }

    async fn leaving(&self, lease: &Lease) -> Result<(), BackendError> {
        self.inner.leaving(lease).await
    }

    async fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.inner.inspect(lease).await
    }

    async fn repair(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.inner.repair(lease).await
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        self.inner.watched(lease)
    }

    fn pace(&self) -> Duration {
        self.inner.pace()
    }

    fn timeout(&self, method: Method) -> Duration {
        match method {
            Method::Acquire => {
                self.inner.timeout(method).saturating_add(self.limit).saturating_add(MARGIN)
            }
            _ => self.inner.timeout(method),
        }
    }

    fn when_unwanted(&self, method: Method) -> Unwanted {
        self.inner.when_unwanted(method)
    }

    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { inner, program, limit, turns: _, held: _ } = self;
        (program, limit) == (&other.program, &other.limit)
            && (Arc::ptr_eq(inner, &other.inner) || inner.is_same(&*other.inner))
    }

    fn takes_over(&self, before: &dyn VipBackend) -> bool {
        goes_on(&*self.inner, within(before))
    }
}

/// What holds the addresses in the end.
pub(super) fn within(backend: &dyn VipBackend) -> &dyn VipBackend {
    match (backend as &dyn Any).downcast_ref::<Before>() {
        Some(before) => within(&*before.inner),
        None => backend,
    }
}

fn goes_on(backend: &dyn VipBackend, before: &dyn VipBackend) -> bool {
    std::ptr::addr_eq(backend, before) || backend.is_same(before) || backend.takes_over(before)
}

impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner: _, program, limit, turns: _, held } = self;
        let mut before = f.debug_struct("Before");
        before.field("program", program).field("limit", limit).field("held", held);
        before.finish_non_exhaustive()
    }
}
