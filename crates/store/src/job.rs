//! Background jobs, held under leases.

pub(crate) mod lease;
mod queue;
mod wait;

use std::time::Duration;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{JobId, MarketplaceId, ProductId};

use crate::Store;
use crate::context::WriteContext;
use crate::entity::job::{Column, Entity};
use crate::error::Result;
use crate::generation;
use queue::Claimant;

/// How much a build computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum BuildScope {
    /// Every row, under a new epoch record.
    #[default]
    Full,
    /// The rows that new events touch, over the generation on serve; every row where that is not possible.
    Increment,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum JobKind {
    /// A build of the graph.
    Build {
        /// Whether to publish even when volume or edge count collapsed.
        accept_collapse: bool,
        /// How much is computed.
        #[serde(default)]
        scope: BuildScope,
    },
    /// Serving an earlier generation.
    Rollback {
        /// The generation to serve.
        generation: GenerationNo,
    },
    /// Counting a pair anew under the generation on serve.
    ExplainPair {
        /// The anchor.
        anchor: ProductId,
        /// The companion.
        companion: ProductId,
    },
}

impl JobKind {
    /// A build that is refused when volume or edge count collapsed.
    #[must_use]
    pub const fn build(scope: BuildScope) -> Self {
        Self::Build {
            accept_collapse: false,
            scope,
        }
    }

    /// The name that workers claim by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Build { .. } => "build",
            Self::Rollback { .. } => "rollback",
            Self::ExplainPair { .. } => "explain_pair",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// The generation that it makes, made, put on serve or tells of.
    pub generation: Option<GenerationNo>,
    /// Why it failed; empty otherwise.
    pub message: String,
    /// What it found, as JSON; empty otherwise.
    #[serde(default)]
    pub report: String,
    /// When it was asked for.
    pub created: Timestamp,
}

/// A worker's hold on a job. Every write of the worker is checked against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Rises with every claim in the marketplace; a lower one is refused.
    pub fence: u64,
    /// When others may take the job, by the database's clock. Until one of them does, it is still held.
    pub until: Timestamp,
}

/// A job with its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The job.
    pub job: Job,
    /// The marketplace it is for.
    pub marketplace: MarketplaceId,
    /// The hold on it.
    pub lease: Lease,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done: the generation that it made or put on serve.
    Succeeded(GenerationNo),
    /// Done: what it found of a generation, as JSON.
    Reported(GenerationNo, String),
    /// Given up, and why.
    Failed(String),
}

impl Store {
    /// Asks for a job. While a build waits, the same job comes back instead of a second one; it accepts a collapse, and
    /// computes every row, if either does.
    ///
    /// # Errors
    /// `RequestIdReused`, `NotFound` for a missing marketplace, or when the database fails.
    pub async fn enqueue_job(&self, ctx: &WriteContext, kind: JobKind) -> Result<Job> {
        self.enqueue_job_because(ctx, kind, "").await
    }

    /// The same, with the caller's reason for the audit trail.
    ///
    /// # Errors
    /// Those of [`enqueue_job`](Self::enqueue_job).
    pub async fn enqueue_job_because(&self, ctx: &WriteContext, kind: JobKind, reason: &str) -> Result<Job> {
        let kind = &kind;
        self.answer(ctx, "ask for a job", |tx| async move {
            queue::enqueue(&tx, ctx, kind, reason).await
        })
        .await
    }

    /// Asks for a rollback to a generation that can be served, and tells the audit trail why.
    ///
    /// # Errors
    /// `RequestIdReused`, `NotFound` or `NotPublished` for the generation, or when the database fails.
    pub async fn enqueue_rollback(&self, ctx: &WriteContext, to: GenerationNo, reason: &str) -> Result<Job> {
        self.answer(ctx, "ask for a rollback", |tx| async move {
            // Told at once; the worker looks again when it comes to the job.
            generation::servable(&tx, &ctx.principal.marketplace, to).await?;
            queue::enqueue(&tx, ctx, &JobKind::Rollback { generation: to }, reason).await
        })
        .await
    }

    /// A job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job(&self, marketplace: &MarketplaceId, id: &JobId) -> Result<Option<Job>> {
        self.read("read a job", |db| async move {
            let row = Entity::find_by_id(id.as_str())
                .filter(Column::MarketplaceId.eq(marketplace.as_str()))
                .one(&db)
                .await?;
            row.as_ref().map(Job::try_from).transpose()
        })
        .await
    }

    /// Takes the oldest job of `kinds` that waits or whose lease ran out; in a marketplace, jobs of one kind follow each
    /// other. A job that was claimed three times and not ended fails; one whose worker died after its generation was on
    /// serve has succeeded. The database's clock tells which leases ran out; `now` is when the generation of such a worker
    /// is said to have failed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_job(
        &self,
        worker: &str,
        kinds: &[&str],
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<ClaimedJob>> {
        let claimant = Claimant {
            worker,
            kinds,
            span: lease,
            now,
        };
        self.transaction(
            "claim a job",
            |tx| async move { queue::claim(&tx, claimant).await },
        )
        .await
    }

    /// Holds a job for `span` from now on. No time at all gives it back: others may take it at once, and this claim does
    /// not count as an attempt.
    ///
    /// # Errors
    /// `LeaseLost`, or when the database fails.
    pub async fn renew_job(&self, lease: &Lease, span: Duration) -> Result<Lease> {
        self.transaction("renew a lease", |tx| async move {
            lease::renew(&tx, lease, span).await
        })
        .await
    }

    /// Ends a job.
    ///
    /// # Errors
    /// `LeaseLost`, or when the database fails.
    pub async fn finish_job(&self, lease: &Lease, outcome: JobOutcome) -> Result<()> {
        let outcome = &outcome;
        self.transaction("end a job", |tx| async move {
            lease::finish(&tx, lease, outcome).await
        })
        .await
    }
}
