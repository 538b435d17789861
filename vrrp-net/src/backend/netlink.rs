//! [`Netlink`]: addresses and routes of the kernel.

mod failure;
mod fitness;
mod job;
mod leftovers;
mod readings;
mod subnets;
mod table;
mod thread;

use std::{
    any::Any, collections::BTreeSet, fs, io, net::IpAddr, os::unix::fs::MetadataExt, sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use vrrp_core::{Family, LeaseFailure, Reach, Reason, Vrid};

use super::{Method, before::within};
use crate::{Adopted, BackendError, Lease, Release, Renewed, VipBackend, netlink::Socket};
pub use fitness::Unfit;
use job::{JOBS, Job, Left, TIMEOUT, Work};
pub use leftovers::Leftover;
use subnets::Subnets;
use thread::AddressThread;

/// Puts the addresses on their interfaces by netlink, leased and marked, and their routes with them.
/// Linux 4.18 or newer.
///
/// - *Leased*: each address has a valid lifetime of a second less than three advertisement
///   intervals, and [`renew`](VipBackend::renew) extends it. When this process dies or hangs, the
///   kernel takes the address away by itself. It does so a little late (0.3 s on a busy CPU, 2.3 s
///   at the worst that was measured), so this ends a dead node's hold, and is no exact fence.
///   [`permanent`](Self::permanent) turns it off.
/// - *Marked*: each address has a route metric of ours (`ip address` shows `metric 1987211888`) and
///   is deprecated, and nothing without both is ever changed or deleted. The mark in the kernel is
///   the only record of what is held, and the kernel knows when it was renewed, so a restarted
///   process goes on where the last one ended ([`adopt`](VipBackend::adopt)). Whoever replaces such
///   an address takes the mark away, and with it what this backend may do to it. The first acquire
///   reads back whether this kernel keeps the mark, and fails where it does not.
/// - *Exclusive*: an address that is on this host already and is not ours is
///   [`LeaseFailure::AddressPresent`]. The owner (priority 255) borrows it: it stays as it is.
///
/// Where the host has no route to the subnet of an address, a route is put beside it, in the table
/// of the interface's VRF if it is in one. It goes with the address, and gives way to a route of
/// the host's. An IPv4 address keeps its prefix length only where the host has an address of its
/// own in that subnet, else it is put as /32: as the subnet's primary address its end would take
/// away the host's own addresses that came after it. An IPv6 address that brings its subnet is put
/// as /128. Somebody who deletes the route is answered as one who deletes the address: it is put
/// back.
///
/// A virtual route ([`Lease::routes`]) is told by its protocol (`ip route` shows `proto 112`) and is
/// exclusive, too: where the host has a route of its own to the same subnet with the same metric in
/// the same table, an acquire fails, and nothing of it is left. If somebody puts his own in place
/// of ours, his stays, and ours comes back after it. An IPv6 route has the lifetime of the lease. An
/// IPv4 route names a virtual address as its source, the first one unless another one is given: with
/// that the kernel takes it away, out of the table of the address's interface. Some outlive a process
/// that is killed, until one with the same addresses or routes starts: an IPv4 route in another table
/// than that, one whose given source is no virtual address, an IPv6 route that leads nowhere, on
/// kernels before 2026 an IPv4 route that does, and what is put without a lifetime. An IPv6 route that no virtual router lists any more is left to its lifetime, since
/// nothing tells whose it was.
///
/// The kernel changes neither the label nor the scope nor the broadcast address of an address that is
/// there. Where these are configured anew, the address is deleted and put again at once. It takes no
/// two scopes in one subnet: an IPv4 address with another scope than global is put as /32.
///
/// All requests are carried out by one thread, in order. Clones share it; it ends with the last of
/// them.
#[derive(Clone, Debug)]
pub struct Netlink {
    jobs: mpsc::Sender<Job>,
    permanent: bool,
    /// Device and number of the network namespace, if it could be told.
    namespace: Option<(u64, u64)>,
}

impl Netlink {
    /// A backend in the network namespace of the calling thread.
    ///
    /// # Errors
    /// What the operating system says when it refuses the socket or the thread.
    pub fn new() -> io::Result<Self> {
        let (socket, subnets) = (Socket::new()?, Subnets::new()?);
        let (jobs, queue) = mpsc::channel(JOBS);
        // A thread starts in the network namespace of the one that made it, and the names of
        // interfaces are looked up in the thread's.
        std::thread::Builder::new()
            .name("vrrp-netlink".to_owned())
            .spawn(move || AddressThread::new(socket, subnets).run(queue))?;
        let namespace = fs::metadata("/proc/thread-self/ns/net").ok();
        let namespace = namespace.map(|file| (file.dev(), file.ino()));
        Ok(Self { jobs, permanent: false, namespace })
    }

    /// Puts addresses without a lifetime: they stay when this process dies, until another one with
    /// the same configuration starts.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }

    /// Tries in a network namespace of its own whether this kernel can hold addresses as this
    /// backend needs it.
    ///
    /// A backend finds out by itself when it first acquires; this is for those who want to know
    /// before.
    ///
    /// # Errors
    /// [`Unfit`]: it cannot, or it was not tried, since that needs `CAP_SYS_ADMIN`.
    pub fn try_kernel() -> Result<(), Unfit> {
        fitness::try_out()
    }

    /// Addresses without a lifetime that an earlier process put on an interface of this host, and
    /// that no virtual router names: `named` are those that one does, and `ours` are the virtual
    /// routers that this process runs. Where another process runs a virtual router of the interface
    /// and family, they may be its own, and are left out.
    ///
    /// It asks the kernel, and can block for a moment.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn leftovers(
        named: &BTreeSet<IpAddr>,
        ours: &BTreeSet<(String, Family, Vrid)>,
    ) -> io::Result<Vec<Leftover>> {
        leftovers::find(named, ours).map_err(io::Error::other)
    }

    fn valid(&self, lease: &Lease) -> Option<u32> {
        (!self.permanent).then(|| valid_lifetime(lease.lasts, self.pace()))
    }

    async fn ask(&self, work: Work) -> Result<Option<Left>, BackendError> {
        let (answer, answered) = oneshot::channel();
        let gone = || {
            BackendError::new(
                LeaseFailure::Failed,
                "the thread that changes addresses has ended; restart",
            )
        };
        self.jobs.send(Job::new(work, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl VipBackend for Netlink {
    /// What has the mark and a lifetime is adopted: the kernel knows when it was renewed. What a
    /// process held until a moment ago needs no lifetime.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        if self.permanent && !lease.succeeds {
            self.release(lease, &Release::new(Reason::Startup, None)).await?;
            return Ok(None);
        }
        let adopt = Work::Adopt { lease: lease.clone(), valid: self.valid(lease) };
        let left = self.ask(adopt).await?;
        Ok(left.map(|Left { renewed_ago, completed }| {
            let adopted = Adopted::new(Reach::OnLink, renewed_ago);
            if completed { adopted.completed() } else { adopted }
        }))
    }

    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.ask(Work::Acquire { lease: lease.clone(), valid: self.valid(lease) }).await?;
        Ok(Reach::OnLink)
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        let at_start = release.reason == Reason::Startup;
        self.ask(Work::Release { lease: lease.clone(), at_start }).await.map(drop)
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        if self.permanent {
            self.ask(Work::Review { leases: leases.to_vec() }).await?;
            return Ok(Renewed::all());
        }
        let leases = leases.iter().map(|lease| (lease.clone(), self.valid(lease))).collect();
        // What is lost is watched by the driver.
        self.ask(Work::Renew { leases }).await.map(|_| Renewed::all())
    }

    async fn leaving(&self, lease: &Lease) -> Result<(), BackendError> {
        self.ask(Work::Leaving { lease: lease.clone(), valid: self.valid(lease) }).await.map(drop)
    }

    async fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.ask(Work::Inspect { lease: lease.clone() }).await.map(drop)
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        Some(lease.interface.clone())
    }

    fn timeout(&self, _method: Method) -> Duration {
        TIMEOUT
    }

    /// In one network namespace all do the same: the mark in the kernel is the record.
    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| {
            self.permanent == other.permanent
                && self.namespace.is_some()
                && self.namespace == other.namespace
        })
    }

    /// Whether with a lifetime or without one, and whatever runs before it: an address that is there
    /// is put again in its place.
    fn takes_over(&self, before: &dyn VipBackend) -> bool {
        let before = (within(before) as &dyn Any).downcast_ref::<Self>();
        before.is_some_and(|before| self.namespace.is_some() && self.namespace == before.namespace)
    }
}

/// The kernel counts in whole seconds and takes addresses away late: one second less than the lease
/// lasts, but at least one.
fn valid_lifetime(lasts: Duration, pace: Duration) -> u32 {
    let seconds = lasts.as_secs().saturating_sub(1).max(1);
    // One advertisement in each interval, and the renewal up to a pace after it: at intervals of
    // 0.75 s to 1 s the second that is taken off would be one that a healthy node needs.
    let too_short = Duration::from_secs(seconds) < lasts / 3 + pace;
    u32::try_from(seconds + u64::from(too_short)).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::PACE;

    #[test]
    fn the_lifetime_is_a_second_less_than_three_intervals_and_at_least_one() {
        for (lasts, valid) in [
            (30, 1),
            (1000, 1),
            (2250, 1),
            (2280, 2),
            (2999, 2),
            (3000, 2),
            (3990, 2),
            (30_000, 29),
            (122_850, 121),
        ] {
            assert_eq!(valid_lifetime(Duration::from_millis(lasts), PACE), valid, "{lasts} ms");
        }
        assert_eq!(valid_lifetime(Duration::ZERO, PACE), 1);
        assert_eq!(valid_lifetime(Duration::MAX, PACE), u32::MAX - 1, "not for ever");
    }
}
