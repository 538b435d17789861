//! [`Job`]: a request of the backend, as its thread carries it out.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::sync::{mpsc, oneshot};

use crate::{BackendError, Lease};

/// How long a request may take. The kernel is quick; only the lock on its tables can make it wait.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
/// How many requests wait for the thread at most. There is one for each virtual router, and one
/// that nobody waits for any more for each that was cut off; whoever has a further one waits for
/// room within its timeout.
pub(super) const JOBS: usize = 1024;

/// A lease to renew, and its valid lifetime.
pub(super) type Renewal = (Lease, Option<u32>);

/// What an earlier process left behind, where that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// How long ago it was renewed.
    pub(super) renewed_ago: Duration,
    /// Whether the rest of the addresses was put.
    pub(super) completed: bool,
}

/// Where the answer to a request goes.
pub(super) type Reply = oneshot::Sender<Result<Option<Left>, BackendError>>;

/// What is asked of the thread.
#[derive(Debug)]
pub(super) enum Work {
    /// What version 0.1 left behind is found as well.
    Adopt {
        lease: Lease,
        valid: Option<u32>,
    },
    Acquire {
        lease: Lease,
        valid: Option<u32>,
    },
    /// `at_start`: what version 0.1 left behind goes as well.
    Release {
        lease: Lease,
        at_start: bool,
    },
    Renew {
        leases: Vec<Renewal>,
    },
    /// Of addresses without a lifetime: only their routes are looked at, if one has come or gone.
    Review {
        leases: Vec<Lease>,
    },
    Leaving {
        lease: Lease,
        valid: Option<u32>,
    },
    Inspect {
        lease: Lease,
    },
}

/// One request, and where its answer goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    asked: Duration,
    pub(super) reply: Reply,
}

impl Job {
    pub(super) fn new(work: Work, reply: Reply) -> Self {
        Self { work, asked: since_boot(), reply }
    }

    /// Whether it must not be carried out any more: nobody waits for it, or it comes from before a
    /// pause of the whole process, after which another node may hold the address. A release is
    /// never late.
    pub(super) fn is_stale(&self) -> bool {
        let late = since_boot().saturating_sub(self.asked) > TIMEOUT;
        !matches!(self.work, Work::Release { .. }) && (late || self.reply.is_closed())
    }
}

/// Takes renewals from the queue; returns the first request that is none.
pub(super) fn collect(
    jobs: &mut mpsc::Receiver<Job>,
    renewals: &mut Vec<(Vec<Renewal>, Reply)>,
) -> Option<Job> {
    while let Ok(job) = jobs.try_recv() {
        if job.is_stale() {
            return Some(job);
        }
        match job.work {
            Work::Renew { leases } => renewals.push((leases, job.reply)),
            work => return Some(Job { work, ..job }),
        }
    }
    None
}

/// A clock that goes on while the host sleeps.
fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use vrrp_core::{Family, InterfaceId, Key, Vrid};

    use super::*;

    fn lease() -> Lease {
        let interface = InterfaceId::new(NonZeroU32::MIN);
        let key = Key { interface, family: Family::Ipv4, vrid: Vrid::try_from(51).unwrap() };
        Lease::new(key, "eth0", &[], Duration::from_secs(3))
    }

    #[test]
    fn what_nobody_waits_for_or_waited_too_long_is_not_done_but_a_release_is() {
        let renew = || Work::Renew { leases: vec![(lease(), Some(2))] };
        let (answer, waits) = oneshot::channel();
        let mut job = Job::new(renew(), answer);
        assert!(!job.is_stale());
        job.asked -= TIMEOUT + Duration::from_millis(1);
        assert!(job.is_stale(), "the process was stopped meanwhile");
        job.work = Work::Release { lease: lease(), at_start: false };
        assert!(!job.is_stale());
        drop(waits);
        assert!(!job.is_stale());
        let (answer, _) = oneshot::channel();
        assert!(Job::new(renew(), answer).is_stale());
    }

    #[test]
    fn renewals_that_wait_together_are_collected() {
        let (jobs, mut queue) = mpsc::channel(JOBS);
        let mut waits = Vec::new();
        let renew = || Work::Renew { leases: vec![(lease(), Some(2))] };
        for work in [renew(), renew(), Work::Release { lease: lease(), at_start: false }, renew()] {
            let (answer, wait) = oneshot::channel();
            jobs.try_send(Job::new(work, answer)).unwrap();
            waits.push(wait);
        }
        let mut renewals = Vec::new();
        let next = collect(&mut queue, &mut renewals).unwrap();
        assert_eq!(renewals.len(), 2);
        assert!(matches!(next.work, Work::Release { .. }), "the order of other requests is kept");
    }
}
