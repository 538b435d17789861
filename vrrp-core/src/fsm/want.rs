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
    /// begun to hand them over, leave them and answer by [`Answer::Adopted`];
    /// otherwise release what it left behind and answer by [`Answer::NothingLeft`].
    Adopt,
    /// An address was lost, or others are configured: put what is not there. Answered by
    /// [`Answer::Held`].
    Repair,
    /// Say whether an acquire could succeed. Answered by [`Answer::Ready`].
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

impl Want {
    /// Whether this is an answer to it.
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

    /// What a backend answers that has nothing else to say: it could do what was asked, and an
    /// earlier process left nothing. `None` for what is not answered.
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
