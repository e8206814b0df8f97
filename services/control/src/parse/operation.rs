//! Requests of `Operations`.

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{JobId, ProductId};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;
use tandem_store::{BuildScope, JobKind};

use super::field::MAX_NUMBER;
use super::{Path, Violations};

/// Generations of one page, unless the request says how many, and at most.
const PAGE: (u32, u32) = (20, 100);

/// A generation to put back on serve, and why.
#[derive(Debug)]
pub(crate) struct Rollback {
    pub(crate) generation: GenerationNo,
    pub(crate) reason: String,
}

/// A build, and why it is asked for.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) kind: JobKind,
    pub(crate) reason: String,
}

/// The generation that is asked for; none for the one on serve.
pub(crate) fn generation(request: &pb::GetGenerationRequest) -> Result<Option<GenerationNo>, Refusal> {
    let mut violations = Violations::new();
    let number = violations.number(&Path::of("generation"), request.generation, 0..=MAX_NUMBER);
    violations.finish(number.map(|no| (no > 0).then_some(GenerationNo(no))))
}

/// How many generations to list.
pub(crate) fn page_size(request: &pb::ListGenerationsRequest) -> Result<u32, Refusal> {
    let mut violations = Violations::new();
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(size)
}

/// What to build. Whoever accepts a collapse says why.
pub(crate) fn build(request: pb::TriggerBuildRequest) -> Result<Build, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let scope = match pb::generation::Kind::try_from(request.kind) {
        Ok(pb::generation::Kind::Unspecified | pb::generation::Kind::Epoch) => Some(BuildScope::Full),
        Ok(pb::generation::Kind::Increment) => Some(BuildScope::Increment),
        Err(_) => {
            violations.add(
                &Path::of("kind"),
                format!("{} is no kind of generation", request.kind),
            );
            None
        }
    };
    if request.accept_collapse && request.reason.trim().is_empty() {
        violations.add(
            &Path::of("reason"),
            "accepting a collapse needs a reason, for the audit trail",
        );
    }
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let parsed = scope.zip(reason).map(|(scope, reason)| Build {
        kind: JobKind::Build {
            accept_collapse: request.accept_collapse,
            scope,
        },
        reason,
    });
    violations.finish(parsed)
}

/// What to put back on serve.
pub(crate) fn rollback(request: pb::RollbackGenerationRequest) -> Result<Rollback, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let number = violations.number(&Path::of("generation"), request.generation, 1..=MAX_NUMBER);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let parsed = number.zip(reason).map(|(no, reason)| Rollback {
        generation: GenerationNo(no),
        reason,
    });
    violations.finish(parsed)
}

/// The pair to count.
pub(crate) fn pair(request: &pb::ExplainPairRequest) -> Result<JobKind, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let anchor: Option<ProductId> = violations.id(&Path::of("product_id"), &request.product_id);
    let at = Path::of("companion_product_id");
    let companion = violations.id(&at, &request.companion_product_id);
    if anchor.is_some() && anchor == companion {
        violations.add(&at, "must be another product than `product_id`");
    }
    let parsed = anchor
        .zip(companion)
        .map(|(anchor, companion)| JobKind::ExplainPair { anchor, companion });
    violations.finish(parsed)
}

/// The job that is asked for.
pub(crate) fn job_id(request: &pb::GetJobRequest) -> Result<JobId, Refusal> {
    let mut violations = Violations::new();
    let id = violations.id(&Path::of("job_id"), &request.job_id);
    violations.finish(id)
}
