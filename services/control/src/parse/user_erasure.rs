//! Requests of `Operations` about users.

use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::field::MAX_NUMBER;
use super::{Path, Violations};

/// Whom to erase, and why.
#[derive(Debug)]
pub(crate) struct Erasure {
    pub(crate) user: String,
    pub(crate) reason: String,
}

/// Whom to erase.
pub(crate) fn erasure(request: pb::EraseUserRequest) -> Result<Erasure, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let user = violations.key(&Path::of("user_id"), request.user_id);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let parsed = user.zip(reason).map(|(user, reason)| Erasure { user, reason });
    violations.finish(parsed)
}

/// The one that is asked for.
pub(crate) fn id(request: &pb::GetUserErasureRequest) -> Result<u64, Refusal> {
    let mut violations = Violations::new();
    let at = Path::of("user_erasure_id");
    let id = violations.number(&at, request.user_erasure_id, 1..=MAX_NUMBER);
    violations.finish(id)
}
