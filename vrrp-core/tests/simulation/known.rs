//! What the router does not get right yet: events and judgements that wait for it.
//!
//! Each constant names its finding. When the finding is mended, its constant is turned over, and nothing else here has
//! to be.

/// B4: a notice that waits while the phase changes jams every output. Until it is mended, outputs are polled after each
/// input.
pub(crate) const INPUTS_PILE_UP: bool = false;

/// B1: a takeover that is under way when the own claim or Preempt_Mode gets weaker takes place all the same. Until it
/// is mended, a claim changes when nothing is under way.
pub(crate) const A_NEW_CLAIM_IS_JUDGED_AT_ONCE: bool = false;

/// Priority 0 from a node that is not the one followed starts a takeover, the repeated resignation of a predecessor
/// among them: in VRRPv2 two hold the addresses until the successor's next advertisement. Until it is mended, nobody is
/// drained in VRRPv2.
pub(crate) const A_STRANGER_RESIGNS_IN_VAIN: bool = false;

/// The last word of a node that yields starts the preempt delay of a third one. A delay shorter than an interval is
/// over before the winner advertises again, and in VRRPv2 two hold the addresses until then. Until it is mended, delays
/// are longer than any interval here.
pub(crate) const A_LAST_WORD_STARTS_NO_DELAY: bool = false;

/// B3: a reload during a drain, or a drain during a replacement, makes the drain forgotten.
pub(crate) const DRAINS_ARE_REMEMBERED: bool = false;

/// B8: a drain cuts a repair off, and nobody answers for the addresses during the handover. Until it is mended, nobody
/// is drained while a repair is under way.
pub(crate) const A_HANDOVER_LETS_A_REPAIR_END: bool = false;

/// B8: a repair that fails while the node gives way is ignored, and the node is Active again.
pub(crate) const A_FAILED_REPAIR_COUNTS: bool = false;
