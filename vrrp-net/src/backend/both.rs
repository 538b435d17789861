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

#[cfg(test)]
mod tests {
    use vrrp_core::{LeaseFailure, Loss};

    use super::*;
    use crate::backend::memory::{Call, Memory};

    #[tokio::test]
    async fn both_hold_or_neither() {
        let (one, other, lease) =
            (Memory::with_reach(Reach::Routed), Memory::new(), Lease::of_eth0());
        let both = Both(one.clone(), other.clone());
        other.fail_next(1, LeaseFailure::Denied);
        assert_eq!(both.acquire(&lease).await.unwrap_err().kind(), LeaseFailure::Denied);
        assert!(!one.holds() && !other.holds());
        assert_eq!(both.acquire(&lease).await.unwrap(), Reach::OnLink, "one of them has to tell");
        assert!(one.holds() && other.holds());
        both.release(&lease, &Release::new(Reason::Shutdown, None)).await.unwrap();
        assert!(!one.holds() && !other.holds());
    }

    #[tokio::test]
    async fn both_are_adopted_or_released() {
        let (one, other, lease) = (Memory::new(), Memory::new(), Lease::of_eth0());
        let both = Both(one.clone(), other.clone());
        one.leave_behind(Duration::from_secs(1));
        assert_eq!(both.adopt(&lease).await.unwrap(), None);
        assert!(!one.holds() && !other.holds());
        one.leave_behind(Duration::from_secs(1));
        other.leave_behind(Duration::from_secs(2));
        let adopted = both.adopt(&lease).await.unwrap().unwrap();
        assert_eq!(adopted.renewed_ago, Duration::from_secs(2), "the older one counts");
    }

    #[tokio::test]
    async fn every_method_reaches_both() {
        let (one, other, lease) = (Memory::new(), Memory::new(), Lease::of_eth0());
        let both = Both(one.clone(), other.clone());
        let key = lease.key;
        both.inspect(&lease).await.unwrap();
        both.repair(&lease).await.unwrap();
        both.leaving(&lease).await.unwrap();
        other.lose(key, Loss::Lapsed);
        let renewed = both.renew(std::slice::from_ref(&lease)).await.unwrap();
        assert_eq!(renewed.lost().collect::<Vec<_>>(), [(key, Loss::Lapsed)]);
        let asked = [Call::Inspect(key), Call::Repair(key), Call::Leaving(key), Call::Renew(key)];
        assert_eq!((&one.calls()[..], &other.calls()[..]), (&asked[..], &asked[..]));
        other.set_timeout(Duration::from_secs(1));
        other.run_to_end();
        other.set_watched(true);
        assert_eq!(both.timeout(Method::Acquire), Duration::from_secs(31));
        assert_eq!(both.when_unwanted(Method::Acquire), Unwanted::RunToEnd);
        assert_eq!(both.watched(&lease).as_deref(), Some("eth0"));
        assert!(both.is_same(&both.clone()) && !both.is_same(&Both(one, Memory::new())));
    }
}
