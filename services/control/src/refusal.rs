//! What callers are told of the store's errors. The cause goes to the log, here and nowhere else.

use std::time::Duration;

use tandem_domain::bundle::FIXED_BUNDLES_PER_ANCHOR;
use tandem_domain::id::SurfaceId;
use tandem_domain::rule::RULES_PER_OWNER;
use tandem_domain::surface::Fault;
use tandem_runtime::backoff::chain;
use tandem_runtime::status::Refusal;
use tandem_store::{Missing, StoreError};
use tonic::Code;

/// The database is away for seconds rather than milliseconds.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// A crowd of writers is over soon.
const RETRY_BUSY: Duration = Duration::from_millis(100);

/// The caller's view of an error.
pub(crate) fn refuse(error: StoreError) -> Refusal {
    log(&error);
    match error {
        StoreError::Unavailable { .. } => unavailable(),
        StoreError::Busy { .. } => busy(),
        StoreError::Timeout { .. } => too_late(),
        StoreError::NotFound(missing) => not_found(&missing),
        StoreError::ForeignShop(missing) => foreign_shop(&missing),
        StoreError::NoShop => no_shop(),
        StoreError::EtagMismatch { what, id, found, .. } => etag_mismatch(what, &id, found),
        StoreError::LinkExists { id } => link_exists(id.as_str()),
        StoreError::BundlesFull { anchor } => Refusal::new(
            Code::FailedPrecondition,
            "BUNDLES_FULL",
            format!("the anchor has {FIXED_BUNDLES_PER_ANCHOR} fixed bundles already: delete one first"),
        )
        .resource("product", anchor),
        StoreError::RulesFull => Refusal::new(
            Code::FailedPrecondition,
            "CATEGORY_RULES_FULL",
            format!("there are {RULES_PER_OWNER} category rules already: delete one first"),
        ),
        StoreError::QuestionsFull(most) => Refusal::new(
            Code::ResourceExhausted,
            "QUESTIONS_FULL",
            format!("{most} pairs wait to be explained: ask again when a job has ended"),
        )
        .quota("marketplace", format!("{most} waiting jobs of ExplainPair")),
        StoreError::VersionConflict {
            sku,
            pool,
            source_version,
        } => Refusal::new(
            Code::Aborted,
            "VERSION_CONFLICT",
            "this source version came before with another quantity: send a higher one",
        )
        .with("sku_id", sku)
        .with("pool", pool)
        .with("source_version", source_version),
        StoreError::RequestIdReused => request_id_reused(),
        StoreError::NotPublished(no) => not_published(no.0),
        StoreError::SurfaceInvalid { id, faults } => surface_invalid(&id, faults),
        StoreError::SurfaceBuiltIn(id) => {
            let message = format!("every marketplace has surface {id}: change it, or make one of your own");
            Refusal::new(Code::FailedPrecondition, "SURFACE_BUILT_IN", message).resource("surface", id)
        }
        StoreError::RevisionDeleted { id, version } => {
            let message = format!("surface {id} was deleted at version {version}: go back to an earlier one");
            Refusal::new(Code::FailedPrecondition, "SURFACE_REVISION_DELETED", message)
                .resource("surface", id)
        }
        StoreError::Unreplayable { id, why } => {
            let message = format!("dead letter {id} cannot be replayed: {why}");
            Refusal::new(Code::FailedPrecondition, "DEAD_LETTER_NOT_REPLAYABLE", message)
                .resource("dead_letter", id)
        }
        StoreError::SkuMoved { sku } => Refusal::new(
            Code::FailedPrecondition,
            "SKU_MOVED",
            "a SKU stays with its product: make a new one",
        )
        .resource("sku", sku),
        StoreError::OutOfRange { what } => {
            Refusal::invalid(vec![(what.to_owned(), "is out of range".to_owned())])
        }
        StoreError::SchemaPending(names) => {
            schema_mismatch(&format!("migrations are pending: {}", names.join(", ")))
        }
        StoreError::SchemaNewer(names) => schema_mismatch(&format!(
            "the schema is newer than this binary: {}",
            names.join(", ")
        )),
        StoreError::LeaseLost
        | StoreError::Publish { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Internal { .. } => internal(),
    }
}

/// What is no caller's fault is told once, with its causes.
fn log(error: &StoreError) {
    match error {
        StoreError::Unavailable { .. } | StoreError::Timeout { .. } | StoreError::Busy { .. } => {
            tracing::warn!(error = chain(error), "the database did not answer");
        }
        StoreError::LeaseLost
        | StoreError::Publish { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Internal { .. } => tracing::error!(error = chain(error), "the store failed"),
        error => tracing::debug!(error = chain(error), "refused"),
    }
}

/// The database cannot be reached.
pub(crate) fn unavailable() -> Refusal {
    let message = "the store cannot be reached: nothing was written, try again";
    Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE", message).retry_after(RETRY_UNAVAILABLE)
}

/// Too many events wait already.
pub(crate) fn overloaded() -> Refusal {
    let message = "too many events wait to be stored: try again";
    Refusal::new(Code::Unavailable, "OVERLOADED", message).retry_after(RETRY_BUSY)
}

/// What the caller's shop does not have; the same words whether another shop has it or nobody.
pub(crate) fn foreign_shop(missing: &Missing) -> Refusal {
    let (kind, name, _) = named(missing);
    let message = format!("the caller's shop has no {kind} {name}");
    Refusal::new(Code::PermissionDenied, "FOREIGN_SHOP", message).resource(kind, name)
}

/// Something that was looked for in vain.
pub(crate) fn not_found(missing: &Missing) -> Refusal {
    let (kind, name, reason) = named(missing);
    Refusal::new(Code::NotFound, reason, format!("there is no {kind} {name}")).resource(kind, name)
}

/// Kind and name of a resource, and the reason when there is none such.
fn named(missing: &Missing) -> (&'static str, String, &'static str) {
    match missing {
        Missing::Marketplace(id) => ("marketplace", id.to_string(), "MARKETPLACE_NOT_FOUND"),
        Missing::Product(id) => ("product", id.to_string(), "PRODUCT_NOT_FOUND"),
        Missing::Sku(id) => ("sku", id.to_string(), "SKU_NOT_FOUND"),
        Missing::Link(id) => ("link", id.to_string(), "LINK_NOT_FOUND"),
        Missing::FixedBundle(id) => ("fixed_bundle", id.to_string(), "FIXED_BUNDLE_NOT_FOUND"),
        Missing::Surface(id) => ("surface", id.to_string(), "SURFACE_NOT_FOUND"),
        Missing::SurfaceRevision(id, version) => (
            "surface_revision",
            format!("{version} of {id}"),
            "SURFACE_REVISION_NOT_FOUND",
        ),
        Missing::Category(id) => ("category", id.to_string(), "CATEGORY_NOT_FOUND"),
        Missing::CategoryRule(key) => ("category_rule", key.to_string(), "CATEGORY_RULE_NOT_FOUND"),
        Missing::Generation(no) => ("generation", no.to_string(), "GENERATION_NOT_FOUND"),
        Missing::Job(id) => ("job", id.to_string(), "JOB_NOT_FOUND"),
        Missing::DeadLetter(id) => ("dead_letter", id.to_string(), "DEAD_LETTER_NOT_FOUND"),
        Missing::UserErasure(id) => ("user_erasure", id.to_string(), "USER_ERASURE_NOT_FOUND"),
    }
}

/// Everything that would be wrong with a surface.
fn surface_invalid(id: &SurfaceId, faults: Vec<Fault>) -> Refusal {
    let told = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.why));
    let message = format!("surface {id}: {}", told.collect::<Vec<_>>().join("; "));
    let refusal = Refusal::new(Code::InvalidArgument, "SURFACE_INVALID", message);
    faults.into_iter().fold(refusal, |refusal, fault| {
        refusal.field(format!("surface.{}", fault.field), fault.why)
    })
}

/// The schema is another one than this binary's.
pub(crate) fn schema_mismatch(why: &str) -> Refusal {
    Refusal::new(Code::FailedPrecondition, "SCHEMA_MISMATCH", why)
}

/// A defect of ours.
pub(crate) fn internal() -> Refusal {
    Refusal::new(Code::Internal, "INTERNAL", "internal error")
}

/// No generation was published yet.
pub(crate) fn nothing_on_serve() -> Refusal {
    let message = "no generation is on serve yet";
    Refusal::new(Code::NotFound, "GENERATION_NOT_FOUND", message).resource("generation", "serving")
}

fn not_published(no: u64) -> Refusal {
    let message = format!("generation {no} was not published and cannot be served");
    Refusal::new(Code::FailedPrecondition, "GENERATION_NOT_PUBLISHED", message).resource("generation", no)
}

fn busy() -> Refusal {
    let message = "too many writers at once: nothing was written, try again";
    Refusal::new(Code::Unavailable, "STORE_UNAVAILABLE", message).retry_after(RETRY_BUSY)
}

fn too_late() -> Refusal {
    let message = "the store did not answer in time: whether it was written is not known";
    Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message)
}

fn no_shop() -> Refusal {
    let message = "the caller acts for no shop and cannot write what belongs to one";
    Refusal::new(Code::PermissionDenied, "SHOP_REQUIRED", message)
}

fn etag_mismatch(what: &'static str, id: &str, found: u64) -> Refusal {
    let message = format!("{what} {id} has changed since: read it again");
    Refusal::new(Code::Aborted, "ETAG_MISMATCH", message)
        .resource(what, id)
        .with("etag", found)
}

fn link_exists(id: &str) -> Refusal {
    let message = "a living link says so already for this anchor, companion, relation and surface";
    Refusal::new(Code::AlreadyExists, "LINK_EXISTS", message).resource("link", id)
}

fn request_id_reused() -> Refusal {
    let why = "came before with another body";
    Refusal::new(
        Code::InvalidArgument,
        "REQUEST_ID_REUSED",
        format!("request_id {why}: choose a new one"),
    )
    .field("request_id", why)
}
