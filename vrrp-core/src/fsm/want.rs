//! [`Want`]: what a machine asks its backend for.

use core::net::IpAddr;

use crate::{Answer, Reach, Reason};

/// What a backend is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum Want {
    /// Make this host answer for the addresses. Answered by [`Answer::Held`].
    Acquire,
    /// The virtual router starts. If an earlier process of this node held the addresses and had not
    /// begun to hand them over, leave them in place and answer with [`Answer::Adopted`]; otherwise
    /// release what it left behind and answer with [`Answer::NothingLeft`].
    Adopt,
    /// An address was lost, or others are configured: put what is missing. Answered by
    /// [`Answer::Held`].
    Repair,
    /// Report whether an acquire could succeed. Answered by [`Answer::Ready`].
    Inspect,
    /// A handover has begun: keep answering, but a successor process must not adopt the addresses.
    /// Not answered.
    Leaving,
    /// Release the addresses. Not answered.
    Release {
        /// Why.
        reason: Reason,
        /// Who holds them now, if that node was heard.
        successor: Option<IpAddr>,
    },
}

impl Want {
    /// Returns whether `answer` fits this request.
    #[must_use]
    pub const fn is_answered_by(self, answer: Answer) -> bool {
        match (self, answer) {
            (Self::Acquire | Self::Repair, Answer::Held(_) | Answer::Failed(_))
            | (Self::Adopt, Answer::Adopted { .. } | Answer::NothingLeft | Answer::Failed(_))
            | (Self::Inspect, Answer::Ready | Answer::Failed(_)) => true,
            (
                Self::Acquire
                | Self::Repair
                | Self::Adopt
                | Self::Inspect
                | Self::Leaving
                | Self::Release { .. },
                _,
            ) => false,
        }
    }

    /// Returns the answer of a backend that succeeds and finds nothing left by an earlier process;
    /// `None` for a request that is not answered.
    #[must_use]
    pub const fn done(self, reach: Reach) -> Option<Answer> {
        match self {
            Self::Acquire | Self::Repair => Some(Answer::Held(reach)),
            Self::Adopt => Some(Answer::NothingLeft),
            Self::Inspect => Some(Answer::Ready),
            Self::Leaving | Self::Release { .. } => None,
        }
    }
}
