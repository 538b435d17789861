//! [`Want`]: what a machine asks its backend for.

use core::net::IpAddr;

use crate::Reason;

/// What a backend is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum Want {
    /// Make this host answer for the addresses. Answered by `LeaseDone`.
    Acquire,
    /// The virtual router starts. If an earlier process of this node held the addresses and had not
    /// begun to hand them over, leave them and answer by [`Input::Adopt`](crate::Input::Adopt);
    /// otherwise let go of what it left behind and answer by `LeaseDone`.
    Adopt,
    /// An address was lost, or others are configured: put what is not there. Answered by
    /// `LeaseDone`.
    Repair,
    /// Say whether an acquire could succeed. Answered by `LeaseDone`; `Reach` does not matter.
    Inspect,
    /// A handover has begun: keep answering, but a successor process must not adopt the addresses.
    /// Not answered.
    Leaving,
    /// Let go. Not answered.
    Release {
        /// Why.
        reason: Reason,
        /// Who holds them now, when it was heard.
        successor: Option<IpAddr>,
    },
}
