//! Which requests are carried out, and when.

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
    let (jobs, queue) = std::sync::mpsc::channel();
    let mut waits = Vec::new();
    let renew = || Work::Renew { leases: vec![(lease(), Some(2))] };
    for work in [renew(), renew(), Work::Release { lease: lease(), at_start: false }, renew()] {
        let (answer, wait) = oneshot::channel();
        jobs.send(Job::new(work, answer)).unwrap();
        waits.push(wait);
    }
    let mut renewals = Vec::new();
    let next = collect(&queue, &mut renewals).unwrap();
    assert_eq!(renewals.len(), 2);
    assert!(matches!(next.work, Work::Release { .. }), "the order of other requests is kept");
}
