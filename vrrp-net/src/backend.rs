//! Who makes this host answer for the addresses: the [`VipBackend`] trait.

pub mod command;
pub mod memory;
pub mod netlink;

use std::{error::Error as StdError, fmt, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use vrrp_core::{Cidr, Generation, Key, LeaseFailure, Reach, Reason};

pub use command::Command;
pub use memory::Memory;
pub use netlink::Netlink;

/// The pace of renewals where a backend has no other.
pub(crate) const PACE: Duration = Duration::from_millis(250);

/// The right to hold the addresses of one virtual router, as a backend is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The virtual router.
    pub key: Key,
    /// Its name, for logs.
    pub name: Arc<str>,
    /// Grows with every request for this virtual router. A cloud API can use it to make requests
    /// idempotent.
    pub generation: Generation,
    /// The interface's name.
    pub interface: Arc<str>,
    /// The addresses, each with the prefix length of its subnet.
    pub addresses: Arc<[VirtualAddress]>,
    /// The addresses of an earlier configuration that may still be held. A backend that is asked to
    /// [`acquire`](VipBackend::acquire), [`repair`](VipBackend::repair) or
    /// [`release`](VipBackend::release) releases them too. None of them is among `addresses`.
    pub previous: Arc<[VirtualAddress]>,
    /// How long the addresses may stay after the last renewal if nobody renews again: three
    /// advertisement intervals.
    pub lasts: Duration,
    /// Whether this node owns the addresses (priority 255), so that they may be there already.
    pub owner: bool,
}

impl Lease {
    /// A lease, for tests of backends. The driver makes its own.
    #[must_use]
    pub fn new(key: Key, interface: &str, addresses: &[Cidr], lasts: Duration) -> Self {
        Self {
            key,
            name: key.to_string().into(),
            generation: Generation::default(),
            interface: interface.into(),
            addresses: addresses.iter().copied().map(VirtualAddress::from).collect(),
            previous: Arc::default(),
            lasts,
            owner: false,
        }
    }

    /// The addresses, without what is said of each.
    pub fn cidrs(&self) -> impl Iterator<Item = Cidr> + Clone + '_ {
        self.addresses.iter().map(|address| address.cidr)
    }

    /// The same lease, of its `previous` addresses alone; `None` if there are none.
    #[must_use]
    pub fn of_previous(&self) -> Option<Self> {
        let lease =
            || Self { addresses: self.previous.clone(), previous: Arc::default(), ..self.clone() };
        (!self.previous.is_empty()).then(lease)
    }
}

/// An address that a lease holds, and how it is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct VirtualAddress {
    /// The address, with the prefix length of its subnet.
    pub cidr: Cidr,
}

impl From<Cidr> for VirtualAddress {
    /// On the lease's interface, as the kernel puts an address of its own accord.
    fn from(cidr: Cidr) -> Self {
        Self { cidr }
    }
}

/// Why the addresses are released, and who has them now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// What caused it. [`Reason::Startup`]: this process holds nothing yet, and the leftovers of a
    /// crash have to go.
    pub reason: Reason,
    /// The node that holds them now, if it was heard. A release must not take the addresses from
    /// it.
    pub successor: Option<IpAddr>,
}

impl Release {
    /// A release for `reason` in favour of `successor`.
    #[must_use]
    pub const fn new(reason: Reason, successor: Option<IpAddr>) -> Self {
        Self { reason, successor }
    }
}

/// Addresses that are held because an earlier process of this node held them when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// How neighbours find them.
    pub reach: Reach,
    /// How long ago that process renewed them last, or longer.
    pub renewed_ago: Duration,
    /// Whether it held only some of them, and the others were put just now. The addresses are
    /// announced then.
    pub completed: bool,
}

impl Adopted {
    /// Addresses that were renewed `renewed_ago`.
    #[must_use]
    pub const fn new(reach: Reach, renewed_ago: Duration) -> Self {
        Self { reach, renewed_ago, completed: false }
    }

    /// The same, after those that were missing were put.
    #[must_use]
    pub const fn completed(self) -> Self {
        Self { completed: true, ..self }
    }
}

/// What makes this host answer for virtual addresses.
///
/// The driver asks for one thing at a time per virtual router, and the latest wish wins: when a
/// newer one comes, the future of the older is dropped. Every method may therefore be cut off at
/// any `.await`, and every method is idempotent: [`acquire`](Self::acquire) of what is held
/// succeeds, and so does [`release`](Self::release) of what is not.
///
/// A backend that fails is an input of the protocol: this node resigns, a healthy peer takes over,
/// and `release` follows.
///
/// ```
/// use vrrp_core::Reach;
/// use vrrp_net::{BackendError, Lease, Release, VipBackend};
///
/// /// Moves addresses by the API of a cloud.
/// struct Cloud(Api);
/// # struct Api;
/// # impl Api {
/// #     async fn attach(&self, _: &Lease) -> std::io::Result<()> { Ok(()) }
/// #     async fn detach_if_here(&self, _: &Lease) -> std::io::Result<()> { Ok(()) }
/// # }
///
/// #[async_trait::async_trait]
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
/// | `renew` fails | it is logged, and asked again after the next advertisement. This node stays active; addresses of the kernel that are lost are noticed, and `repair` is asked for |
/// | `leaving` fails | it is logged, and the handover goes on |
/// | a newer wish comes | the call is dropped at its next `.await`, and the next one begins when it is gone. Its answer is discarded. `adopt` and `inspect` cut nothing off: they wait |
#[async_trait]
pub trait VipBackend: Send + Sync + 'static {
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
    /// nothing to do.
    ///
    /// # Errors
    /// [`BackendError`] is logged. A lease that expired is noticed as lost.
    async fn renew(&self, _leases: &[Lease]) -> Result<(), BackendError> {
        Ok(())
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

    /// The interface that the addresses are put on as addresses of the kernel, which the driver
    /// then watches for their loss: it is one that virtual routers of the node are on. `None`,
    /// unless overridden: nobody watches. Asked once for each configuration.
    fn watched(&self, _lease: &Lease) -> Option<Arc<str>> {
        None
    }

    /// The least time from one [`renew`](Self::renew) to the next; 250 ms unless overridden. A
    /// backend whose hold is shorter than a few of these wants less.
    fn pace(&self) -> Duration {
        PACE
    }

    /// How long a request may take before it counts as failed; 30 s unless overridden.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// Why a backend could not do what it was asked.
///
/// Any error turns into one by `?`, as [`LeaseFailure::Failed`]. Like `anyhow::Error`, it is no
/// [`std::error::Error`] itself, which makes that possible.
pub struct BackendError {
    kind: LeaseFailure,
    source: Box<dyn StdError + Send + Sync>,
}

impl BackendError {
    /// An error of another kind than [`LeaseFailure::Failed`].
    pub fn new(kind: LeaseFailure, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// The kind, which the protocol sees.
    #[must_use]
    pub const fn kind(&self) -> LeaseFailure {
        self.kind
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for BackendError {
    fn from(error: E) -> Self {
        Self { kind: LeaseFailure::Failed, source: Box::new(error) }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendError")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}
