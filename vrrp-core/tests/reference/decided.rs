//! The one place for what is decided and not built yet.
//!
//! Each constant says what the router does today. When the router changes, its constant is turned over, and nothing
//! else in the model has to be.

/// 6.4.2, priority 0: "Active_Down_Timer is set to Skew_Time" can only bring the takeover nearer. Today this is so for
/// a resignation that follows another one, and not when a weaker advertisement came in between.
pub(crate) const A_RESIGNATION_NEVER_POSTPONES: bool = false;

/// 6.4.2, priority 0 from a node that is not the one followed: while that one is fresh, no timer moves.
pub(crate) const A_STRANGER_RESIGNS_IN_VAIN: bool = false;

/// 7.1: an address list that has nothing in common with ours is that of another virtual router, and is refused.
pub(crate) const A_FOREIGN_LIST_IS_REFUSED: bool = false;

/// dev-stalled: an Active that steps down at its bound says nothing. Today it resigns if its last advertisement is
/// younger than its Active_Down_Interval.
pub(crate) const A_STALLED_ACTIVE_IS_SILENT: bool = false;

/// dev-last-word: an advertisement that follows another one within a sixteenth of an interval is its copy (in the other
/// checksum form), and answers nothing.
pub(crate) const A_COPY_IS_NO_ANSWER: bool = false;
