//! [`Linger`]: a release that waits until the successor has the addresses.
//!
//! A successor advertises before its backend puts the addresses, and announces them after it. What
//! is released at the advertisement is with nobody in between. Two that have an IPv4 address for a
//! moment do no harm: neighbours go to the one that announced it last.
//!
//! An IPv6 address is released at the advertisement. A successor that tries it by Duplicate Address
//! Detection (RFC 4862 5.4), as another make may, would be answered by this host, and would never
//! use it.

use std::time::Duration;

use tokio::sync::watch;
use vrrp_core::{Family, Reason};

use super::call::{Call, Request};
use crate::Release;

/// The longest wait. A backend of the kernel puts its addresses in a few milliseconds, and a busy
/// host may take ten times as long. Whoever asks for the address meanwhile may be answered by
/// either host, so that it is not to be longer where the successor is slow or cannot be seen.
const LONGEST: Duration = Duration::from_millis(50);

/// Tells a worker which releases wait no longer: those up to a number. When it is dropped, all.
pub(super) struct End(watch::Sender<u64>);

impl End {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// The request with this number waits no longer, nor does any before it.
    pub(super) fn tell(&self, number: u64) {
        self.0.send_replace(number);
    }

    pub(super) fn told(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The wait before a request is carried out.
pub(super) struct Linger {
    number: u64,
    longest: Duration,
    told: watch::Receiver<u64>,
}

impl Linger {
    /// Whether `request` waits: it is the release of a node that leaves as planned, in favour of a
    /// node that was heard. After a fault, or where nobody follows, there is nothing to wait for.
    pub(super) fn before(request: &Request, told: &watch::Receiver<u64>) -> Option<Self> {
        let Call::Release(Release { reason, successor: Some(_) }) = request.call else {
            return None;
        };
        let is_planned =
            matches!(reason, Reason::Successor | Reason::StrongerClaim | Reason::Fight);
        let waits = is_planned && request.lease.key.family == Family::Ipv4;
        // An interval: at its next advertisement the successor is alone.
        let longest = LONGEST.min(request.lease.lasts / 3);
        waits.then(|| Self { number: request.number, longest, told: told.clone() })
    }

    /// Returns when its end is told, when nobody is left to tell it, or when its time is over.
    pub(super) async fn wait(mut self) {
        let is_told = self.told.wait_for(|number| *number >= self.number);
        drop(tokio::time::timeout(self.longest, is_told).await);
    }
}
