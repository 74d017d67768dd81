//! The tally of a full analysis during a batch.

use crate::admin::analysis::NodeTally;

/// The tally of all batches so far, and the position after the last one.
pub(super) struct Tallying {
    /// The position at which the batch began.
    pub(super) began_at: Vec<u8>,
    pub(super) cursor: Vec<u8>,
    pub(super) run_id: Vec<u8>,
    pub(super) tally: NodeTally,
}
