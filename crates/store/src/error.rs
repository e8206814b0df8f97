//! What can go wrong, as callers may act on it. Database texts stay in the source, out of `Display`.

mod database;

use std::error::Error;
use std::sync::Arc;

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{
    CategoryId, FixedBundleId, JobId, LinkId, MarketplaceId, ProductId, SkuId, SurfaceId,
};
use tandem_domain::rule::RuleKey;
use tandem_domain::stock::Pool;
use tandem_domain::surface::Fault;

/// Result of every call.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A cause for the log: shared, since one failed commit may end several calls.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a call did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or ended the connection. Trying again later may work.
    #[error("the database is not available to {during}")]
    Unavailable {
        /// What was being done.
        during: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The database did not answer in time. Whether a write took place is not known.
    #[error("the database took too long to {during}")]
    Timeout {
        /// What was being done.
        during: &'static str,
    },
    /// Others were faster, again and again. Trying again later works.
    #[error("too many writers at once to {during}")]
    Busy {
        /// What was being done.
        during: &'static str,
    },
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(Missing),
    /// The caller's shop has no such thing. Whether another shop has it is not told.
    #[error("the caller's shop has no {0}")]
    ForeignShop(Missing),
    /// The caller saw an older state.
    #[error("{what} {id:?} is at version {found}, not {expected}")]
    EtagMismatch {
        /// What was to be written: `product`, `link`, `surface` or `category_rule`.
        what: &'static str,
        /// Its id.
        id: String,
        /// The version that the caller named.
        expected: u64,
        /// The version that is stored; 0 when nothing is.
        found: u64,
    },
    /// A living link stands for the same anchor, companion, relation and surface.
    #[error("link {id} says so already")]
    LinkExists {
        /// The link that stands.
        id: LinkId,
    },
    /// The anchor has as many fixed bundles as it may have.
    #[error("anchor {anchor} has no room for another fixed bundle")]
    BundlesFull {
        /// The anchor.
        anchor: ProductId,
    },
    /// The shop, or the marketplace as a whole, has as many category rules as it may have.
    #[error("there is no room for another category rule")]
    RulesFull,
    /// As many questions wait for workers as may.
    #[error("{0} questions about pairs wait already")]
    QuestionsFull(u32),
    /// A source repeated a version with another quantity.
    #[error("version {source_version} of SKU {sku} in pool {pool} came with another quantity before")]
    VersionConflict {
        /// The SKU.
        sku: SkuId,
        /// The pool.
        pool: Pool,
        /// The repeated version.
        source_version: u64,
    },
    /// The request id came before with another body.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// Shop-owned rows need a shop; the caller has none.
    #[error("the caller acts for no shop")]
    NoShop,
    /// The lease ran out or another worker holds the job.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// A surface would not keep to its rules.
    #[error("surface {id} would break {} rules", .faults.len())]
    SurfaceInvalid {
        /// Which one.
        id: SurfaceId,
        /// Everything that would be wrong with it.
        faults: Vec<Fault>,
    },
    /// What every marketplace begins with is not deleted.
    #[error("surface {0} is built in")]
    SurfaceBuiltIn(SurfaceId),
    /// A deletion is nothing to go back to.
    #[error("surface {id} was deleted at version {version}")]
    RevisionDeleted {
        /// Which one.
        id: SurfaceId,
        /// The version.
        version: u64,
    },
    /// Only published generations can be served.
    #[error("generation {0} was not published")]
    NotPublished(GenerationNo),
    /// A dead letter cannot be sent once more.
    #[error("dead letter {id} cannot be replayed: {why}")]
    Unreplayable {
        /// Its number.
        id: u64,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A SKU stays with its product.
    #[error("SKU {sku} belongs to another product")]
    SkuMoved {
        /// The SKU.
        sku: SkuId,
    },
    /// A number beyond what the store can hold.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What is.
        what: &'static str,
    },
    /// Migrations wait to be applied.
    #[error("the schema lacks {}", .0.join(", "))]
    SchemaPending(Vec<String>),
    /// The database was migrated by a newer version of Tandem.
    #[error("the schema is newer than this binary: {}", .0.join(", "))]
    SchemaNewer(Vec<String>),
    /// The receiver of outbox changes refused them; they stay in the outbox.
    #[error("the changes could not be published")]
    Publish {
        /// Why.
        #[source]
        source: Cause,
    },
    /// A stored value cannot be read.
    #[error("the stored {what} cannot be read: {why}")]
    Corrupt {
        /// What it is.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// A defect: the database refused what it should have taken.
    #[error("the database refused to {during}")]
    Internal {
        /// What was being done.
        during: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
}

/// What was looked for in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A marketplace.
    Marketplace(MarketplaceId),
    /// A product.
    Product(ProductId),
    /// A SKU.
    Sku(SkuId),
    /// A link.
    Link(LinkId),
    /// A fixed bundle.
    FixedBundle(FixedBundleId),
    /// A surface.
    Surface(SurfaceId),
    /// A category.
    Category(CategoryId),
    /// A category rule.
    CategoryRule(RuleKey),
    /// A version of a surface.
    SurfaceRevision(SurfaceId, u64),
    /// A generation.
    Generation(GenerationNo),
    /// A job.
    Job(JobId),
    /// A dead letter.
    DeadLetter(u64),
    /// The erasure of a user.
    UserErasure(u64),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Marketplace(id) => write!(f, "marketplace {id}"),
            Self::Product(id) => write!(f, "product {id}"),
            Self::Sku(id) => write!(f, "SKU {id}"),
            Self::FixedBundle(id) => write!(f, "fixed bundle {id}"),
            Self::Link(id) => write!(f, "link {id}"),
            Self::Surface(id) => write!(f, "surface {id}"),
            Self::SurfaceRevision(id, version) => write!(f, "version {version} of surface {id}"),
            Self::Category(id) => write!(f, "category {id}"),
            Self::CategoryRule(key) => write!(f, "category rule {key}"),
            Self::Generation(no) => write!(f, "generation {no}"),
            Self::Job(id) => write!(f, "job {id}"),
            Self::DeadLetter(id) => write!(f, "dead letter {id}"),
            Self::UserErasure(id) => write!(f, "user erasure {id}"),
        }
    }
}
