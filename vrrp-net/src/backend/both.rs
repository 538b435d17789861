//! [`Both`]: two backends under one lease.

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use vrrp_core::{Reach, Reason};

use super::{Adopted, BackendError, Lease, Method, Release, Renewed, Unwanted, VipBackend};

/// Two backends that hold together: the first takes hold first and lets go last.
///
/// Every method of the trait is passed on, so that nothing of either is lost. To do something
/// before or after another backend takes hold, write it as a backend with `acquire` and `release`.
///
/// - What one of them cannot acquire, neither holds: the first releases again.
/// - A release is tried with both, and fails if it failed with one.
/// - Both are [adopted](VipBackend::adopt), or both release.
/// - Neighbours are told where the addresses are if either says so.
/// - Calls may take as long as both together; what one of them wants to run to its end does.
///
/// ```no_run
/// # use vrrp_net::backend::{Both, Command, Netlink};
/// # fn main() -> std::io::Result<()> {
/// let backend = Both(Netlink::new()?, Command::new("/usr/local/bin/announce-by-bgp"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "two backends, and nothing else")]
pub struct Both<A, B>(pub A, pub B);

impl<A: VipBackend, B: VipBackend> Both<A, B> {
    /// What the first one put goes again when the second one fails.
    async fn hold_second(
        &self,
        first: Reach,
        second: Result<Reach, BackendError>,
        lease: &Lease,
    ) -> Result<Reach, BackendError> {
        match second {
            Ok(second) => Ok(either(first, second)),
            Err(error) => {
                let release = Release::new(Reason::Backend(error.kind()), None);
                // The error that counts is the one that made it necessary; the driver asks for a
                // release of both after it.
                drop(self.0.release(lease, &release).await);
                Err(error)
            }
        }
    }
}

/// Neighbours look for the addresses by themselves only if both say so.
const fn either(one: Reach, other: Reach) -> Reach {
    match (one, other) {
        (Reach::Routed, Reach::Routed) => Reach::Routed,
        (Reach::OnLink, _) | (_, Reach::OnLink) => Reach::OnLink,
    }
}

#[async_trait]
impl<A: VipBackend, B: VipBackend> VipBackend for Both<A, B> {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        let first = self.0.acquire(lease).await?;
        let second = self.1.acquire(lease).await;
        self.hold_second(first, second, lease).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        let second = self.1.release(lease, release).await;
        self.0.release(lease, release).await?;
        second
    }

    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        let first = self.0.adopt(lease).await?;
        let second = self.1.adopt(lease).await?;
        match (first, second) {
            (Some(first), Some(second)) => Ok(Some(Adopted {
                reach: either(first.reach, second.reach),
                renewed_ago: first.renewed_ago.max(second.renewed_ago),
                completed: first.completed || second.completed,
            })),
            (None, None) => Ok(None),
            // One alone is no hold.
            (Some(_), None) | (None, Some(_)) => {
                self.release(lease, &Release::new(Reason::Startup, None)).await?;
                Ok(None)
            }
        }
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        // One that fails keeps the other from nothing.
        let (first, second) = (self.0.renew(leases).await, self.1.renew(leases).await);
        let second = second?;
        Ok(second.lost().fold(first?, |all, (key, loss)| all.but_lost(key, loss)))
    }

    async fn leaving(&self, lease: &Lease) -> Result<(), BackendError> {
        let first = self.0.leaving(lease).await;
        self.1.leaving(lease).await?;
        first
    }

    async fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.0.inspect(lease).await?;
        self.1.inspect(lease).await
    }

    async fn repair(&self, lease: &Lease) -> Result<Reach, BackendError> {
        let first = self.0.repair(lease).await?;
        let second = self.1.repair(lease).await;
        self.hold_second(first, second, lease).await
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        self.0.watched(lease).or_else(|| self.1.watched(lease))
    }

    fn pace(&self) -> Duration {
        self.0.pace().min(self.1.pace())
    }

    fn timeout(&self, method: Method) -> Duration {
        self.0.timeout(method).saturating_add(self.1.timeout(method))
    }

    fn when_unwanted(&self, method: Method) -> Unwanted {
        match (self.0.when_unwanted(method), self.1.when_unwanted(method)) {
            (Unwanted::Drop, Unwanted::Drop) => Unwanted::Drop,
            (Unwanted::RunToEnd, _) | (_, Unwanted::RunToEnd) => Unwanted::RunToEnd,
        }
    }

    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| self.0.is_same(&other.0) && self.1.is_same(&other.1))
    }
}
