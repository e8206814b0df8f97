//! Requests of `Operations` about dead letters.

use std::collections::HashSet;

use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::field::MAX_NUMBER;
use super::{Path, Violations, bound};

/// Dead letters of one call.
const MAX_BATCH: usize = 500;

/// Dead letters of one page, unless the request says how many, and at most.
const PAGE: (u32, u32) = (50, 500);

/// Dead letters to replay or drop, and why.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) ids: Vec<u64>,
    pub(crate) reason: String,
}

/// How many to list.
pub(crate) fn page_size(request: &pb::ListDeadLettersRequest) -> Result<u32, Refusal> {
    let mut violations = Violations::new();
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(size)
}

/// The one that is asked for.
pub(crate) fn id(request: &pb::GetDeadLetterRequest) -> Result<u64, Refusal> {
    let mut violations = Violations::new();
    let at = Path::of("dead_letter_id");
    let id = violations.number(&at, request.dead_letter_id, 1..=MAX_NUMBER);
    violations.finish(id)
}

/// What to replay.
pub(crate) fn replay(request: pb::ReplayDeadLettersRequest) -> Result<Settlement, Refusal> {
    settlement(&request.dead_letter_ids, request.reason, &request.request_id)
}

/// What to drop.
pub(crate) fn discard(request: pb::DropDeadLettersRequest) -> Result<Settlement, Refusal> {
    settlement(&request.dead_letter_ids, request.reason, &request.request_id)
}

fn settlement(ids: &[u64], reason: String, request_id: &str) -> Result<Settlement, Refusal> {
    bound("dead_letter_ids", ids.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(request_id);
    let at = Path::of("dead_letter_ids");
    violations.at_least_one(&at, ids.len());
    let mut seen = HashSet::new();
    for (index, id) in ids.iter().enumerate() {
        violations.number(&at.at(index), *id, 1..=MAX_NUMBER);
        if !seen.insert(*id) {
            violations.add(&at.at(index), "stands here twice");
        }
    }
    let reason = violations.reason(&Path::of("reason"), reason);
    violations.finish(reason.map(|reason| Settlement {
        ids: ids.to_vec(),
        reason,
    }))
}
