//! [`Before`]: a program that is run before another backend takes hold.

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use vrrp_core::Reach;

use super::{Adopted, BackendError, Lease, Method, Release, Renewed, Unwanted, VipBackend};
use crate::Program;

/// How long the program may take, unless [`Before::limit`] says something else.
const LIMIT: Duration = Duration::from_secs(2);

/// Runs a program before another backend takes hold in a promotion: to commit the connections that
/// were learnt of the node that is gone, before the first packet comes.
pub struct Before {
    inner: Arc<dyn VipBackend>,
    program: Program,
    limit: Duration,
}

impl Before {
    /// Returns one that runs `program` before `inner` is asked to
    /// [`acquire`](VipBackend::acquire).
    #[must_use]
    pub fn new(inner: Arc<dyn VipBackend>, program: Program) -> Self {
        Self { inner, program, limit: LIMIT }
    }

    /// Sets how long the program may take; 2 s unless set.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

#[async_trait]
impl VipBackend for Before {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.inner.acquire(lease).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        self.inner.release(lease, release).await
    }

    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        self.inner.adopt(lease).await
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
            Method::Acquire => self.inner.timeout(method).saturating_add(self.limit),
            _ => self.inner.timeout(method),
        }
    }

    fn when_unwanted(&self, method: Method) -> Unwanted {
        self.inner.when_unwanted(method)
    }

    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { inner, program, limit } = self;
        (program, limit) == (&other.program, &other.limit)
            && (Arc::ptr_eq(inner, &other.inner) || inner.is_same(&*other.inner))
    }
}
