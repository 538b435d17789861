//! Who makes this host answer for the addresses: the [`VipBackend`] trait.

mod address;
#[cfg(target_os = "linux")]
mod before;
mod both;
#[cfg(all(feature = "command", target_os = "linux"))]
pub mod command;
mod error;
mod lease;
pub mod memory;
#[cfg(target_os = "linux")]
pub mod netlink;
mod route;

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use vrrp_core::{Reach, Reason};

pub use address::{Label, LabelError, Scope, ScopeError, VirtualAddress};
#[cfg(target_os = "linux")]
pub use before::Before;
pub use both::Both;
#[cfg(all(feature = "command", target_os = "linux"))]
pub use command::Command;
pub use error::BackendError;
pub(crate) use lease::Place;
pub use lease::{Adopted, Lease, LeaseToken, Release, Renewed};
pub use memory::Memory;
#[cfg(target_os = "linux")]
pub use netlink::Netlink;
pub use route::{RouteError, VirtualRoute, Way};

/// The pace of renewals where a backend has no other.
pub(crate) const PACE: Duration = Duration::from_millis(250);

/// A method of [`VipBackend`] that a driver calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// [`VipBackend::adopt`].
    Adopt,
    /// [`VipBackend::acquire`].
    Acquire,
    /// [`VipBackend::repair`].
    Repair,
    /// [`VipBackend::inspect`].
    Inspect,
    /// [`VipBackend::leaving`].
    Leaving,
    /// [`VipBackend::release`].
    Release,
    /// [`VipBackend::renew`].
    Renew,
}

/// What becomes of a call that is not wanted any more: a newer wish came, or it took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a future is dropped, or it is not")]
pub enum Unwanted {
    /// Its future is dropped at its next `.await`, and the next call begins then.
    Drop,
    /// It runs to its end, and the next call for this virtual router waits for that. Its result
    /// counts for nothing: one that took too long has failed.
    RunToEnd,
}

/// What makes this host answer for virtual addresses.
///
/// The driver asks for one thing at a time per virtual router, and the latest wish wins: when a
/// newer one comes, the future of the older is dropped. Every method may therefore be cut off at
/// any `.await`, and every method is idempotent: [`acquire`](Self::acquire) of what is held
/// succeeds, and so does [`release`](Self::release) of what is not.
///
/// To drop a future does not undo what it began. A request that was sent to a cloud is carried out,
/// perhaps after the `release` that follows: then the address is where nobody is active. Such a
/// backend says [`Unwanted::RunToEnd`] in [`when_unwanted`](Self::when_unwanted), and bounds its
/// requests by itself.
///
/// Two backends under one lease are [`Both`]: an address and a route, a cloud's address and the
/// kernel's.
///
/// A backend that fails is an input of the protocol: this node resigns, a healthy peer takes over,
/// and `release` follows.
///
/// ```
/// use vrrp_net::{BackendError, Lease, Reach, Release, VipBackend, async_trait};
///
/// /// Moves addresses by the API of a cloud.
/// struct Cloud(Api);
/// # struct Api;
/// # impl Api {
/// #     async fn attach(&self, _: &Lease) -> std::io::Result<()> { Ok(()) }
/// #     async fn detach_if_here(&self, _: &Lease) -> std::io::Result<()> { Ok(()) }
/// # }
///
/// #[async_trait]
/// impl VipBackend for Cloud {
///     async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
///         self.0.attach(lease).await?;
///         // The network of the cloud finds the addresses: neighbours need no announcement.
///         Ok(Reach::Routed)
///     }
///
///     async fn release(&self, lease: &Lease, _: &Release) -> Result<(), BackendError> {
///         Ok(self.0.detach_if_here(lease).await?)
///     }
/// }
/// ```
///
/// # Outcomes
///
/// A panic counts as a failure, and so does no answer within [`timeout`](Self::timeout): then the
/// future is dropped.
///
/// | what happens | what follows |
/// |---|---|
/// | `acquire` takes its time | this node advertises, so that peers are quiet, and is not yet reported as active |
/// | `acquire` or `repair` fails | this node resigns at once and stays out, a peer takes over after its Skew_Time, and `release` is asked for. `inspect` is asked after 1, 2, 4, 8 s and then every 10 s. Once it says yes, this node backs the address up, and does not preempt before its probation is over (10 s, twice as long after each further fault, 5 min at most) |
/// | `inspect` fails | this node stays out, sends nothing, and asks again |
/// | `adopt` or `inspect` takes its time | Active_Down_Timer waits for the answer; an owner sends nothing before it |
/// | `adopt` or `release` fails | it is logged, and shown in the status. This node is no longer active, and backs the address up, but may still hold it: `release` is asked for again after 1, 2, 4 s and so on, every 60 s at last, until it succeeds, the addresses are wanted again, or the virtual router is removed |
/// | `renew` reports a loss | `repair` is asked for, and this node stays active |
/// | `renew` fails | it is logged, and asked again after the next advertisement. This node stays active; addresses of the kernel that are lost are noticed, and `repair` is asked for |
/// | `leaving` fails | it is logged, and the handover goes on |
/// | a newer wish comes | the call is dropped at its next `.await`, unless it is to [run to its end](Unwanted::RunToEnd), and the next one begins when it is gone. Its answer is discarded. `adopt` and `inspect` cut nothing off: they wait |
#[async_trait]
pub trait VipBackend: Any + Send + Sync {
    /// Makes this host answer for `lease.addresses`, and returns how neighbours find them. What
    /// stays is served all the while, and `lease.previous` is released.
    ///
    /// No handle, event or log reports this node as active before it returns `Ok`.
    ///
    /// # Errors
    /// [`BackendError`]: this node resigns and tries again after a while, asking
    /// [`inspect`](Self::inspect) first.
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError>;

    /// Stops answering for them. It compares before it takes away: if another node holds them by
    /// now, it leaves them alone.
    ///
    /// This node is not active any more by then. IPv4 addresses that are [on the
    /// link](Reach::OnLink) and have a successor are released a moment later: when that one is seen
    /// to have them, or after 50 ms, or an interval where that is less.
    ///
    /// # Errors
    /// [`BackendError`] is logged, and this is asked for again after a while.
    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError>;

    /// Asked once, when the virtual router starts: what did an earlier process of this node leave
    /// behind?
    ///
    /// `Some`: all of the addresses are held as [`acquire`](Self::acquire) leaves them. That process
    /// renewed them as reported, and had not begun to hand them over. If it was configured with
    /// fewer, the others are put first. If no peer can have taken over yet, this node adopts them
    /// ([`Phase::Adopted`](vrrp_core::Phase::Adopted)); otherwise a `release` follows.
    ///
    /// `None`: nothing is held any more. A backend that cannot know when its hold was last renewed
    /// releases it, as this method does unless it is overridden.
    ///
    /// # Errors
    /// [`BackendError`] is logged; the virtual router starts as Backup in any case.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Adopted>, BackendError> {
        self.release(lease, &Release::new(Reason::Startup, None)).await?;
        Ok(None)
    }

    /// Extends what is held: called after advertisements were sent, at its [`pace`](Self::pace) at
    /// most, with every lease of this backend that is due. A backend whose hold does not expire has
    /// nothing to do, but may look whether it is still there, and say what is
    /// [lost](Renewed::but_lost).
    ///
    /// # Errors
    /// [`BackendError`] is logged. A lease of the kernel that expired is noticed as lost.
    async fn renew(&self, _leases: &[Lease]) -> Result<Renewed, BackendError> {
        Ok(Renewed::all())
    }

    /// A handover has begun: the addresses stay until [`release`](Self::release), but a process
    /// that starts now must not adopt them.
    ///
    /// # Errors
    /// [`BackendError`] is logged; the handover goes on.
    async fn leaving(&self, _lease: &Lease) -> Result<(), BackendError> {
        Ok(())
    }

    /// Whether an [`acquire`](Self::acquire) could succeed now. Asked before this node contends, at
    /// the start and after every pause or failure: a node whose backend is broken must not take the
    /// address from a healthy one.
    ///
    /// # Errors
    /// [`BackendError`]: what is still wrong. This node stays out and asks again later.
    async fn inspect(&self, _lease: &Lease) -> Result<(), BackendError> {
        Ok(())
    }

    /// Puts back an address that was lost while the lease was held; or puts those that were
    /// configured since, and releases `lease.previous`.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    async fn repair(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.acquire(lease).await
    }

    /// The interface that the addresses are put on as addresses of the kernel, but for those that
    /// name another one. The driver then watches for their loss: it is one that virtual routers of
    /// the node are on. `None`, unless overridden: nobody watches. Asked once for each configuration.
    fn watched(&self, _lease: &Lease) -> Option<Arc<str>> {
        None
    }

    /// The least time from one [`renew`](Self::renew) to the next; 250 ms unless overridden. A
    /// backend whose hold is shorter than a few of these wants less.
    fn pace(&self) -> Duration {
        PACE
    }

    /// How long a call may take before it counts as failed; 30 s unless overridden. The time of
    /// the next one begins when it is over.
    fn timeout(&self, _method: Method) -> Duration {
        Duration::from_secs(30)
    }

    /// What becomes of a call that is not wanted any more; [`Unwanted::Drop`] unless overridden.
    fn when_unwanted(&self, _method: Method) -> Unwanted {
        Unwanted::Drop
    }

    /// Whether this backend does the same as `other`, so that either can go on with what the other
    /// one holds; `false` unless overridden, where they are not one and the same `Arc`.
    ///
    /// A configuration that names a backend which is the same keeps the one that is there: nothing
    /// is released, and nothing is asked for.
    ///
    /// ```
    /// # use vrrp_net::{BackendError, Lease, Reach, Release, VipBackend, async_trait};
    /// use std::any::Any;
    ///
    /// struct Cloud { region: String }
    ///
    /// #[async_trait]
    /// impl VipBackend for Cloud {
    /// #   async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> { Ok(Reach::Routed) }
    /// #   async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> { Ok(()) }
    ///     // ...
    ///     fn is_same(&self, other: &dyn VipBackend) -> bool {
    ///         let other = (other as &dyn Any).downcast_ref::<Self>();
    ///         other.is_some_and(|other| other.region == self.region)
    ///     }
    /// }
    /// ```
    fn is_same(&self, _other: &dyn VipBackend) -> bool {
        false
    }

    /// Whether this backend can take over what `before`, another one, holds, without `before` having
    /// to release it first; `false` unless overridden.
    ///
    /// Where a configuration names this one in the place of `before`, it is asked to
    /// [`repair`](Self::repair) what is held, and `before` is asked for nothing more.
    fn takes_over(&self, _before: &dyn VipBackend) -> bool {
        false
    }
}
