//! Labs that are over. The kernel needs the one lock on all its addresses to take a network away,
//! for seconds when there are many: it would be measured in the faults that go on. So they stay
//! until the last fault is over.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use vrrp_net::lab::Host;

use crate::support::{Node, inconclusive::wait_until_quick};

/// What keeps a network alive. Nothing runs in it any more.
pub(crate) enum Remains {
    Node(#[expect(dead_code, reason = "it is only kept")] Box<Node>),
    Host(#[expect(dead_code, reason = "it is only kept")] Host),
}

static ATTIC: Mutex<Vec<Remains>> = Mutex::new(Vec::new());

pub(crate) fn keep(remains: Remains) {
    ATTIC.lock().unwrap_or_else(PoisonError::into_inner).push(remains);
}

/// Lets everything go, and waits until the kernel has taken it away: what is tested next is not to
/// feel it.
pub(crate) fn clear() {
    drop(mem::take(&mut *ATTIC.lock().unwrap_or_else(PoisonError::into_inner)));
    wait_until_quick();
}
