//! Asking for jobs and taking them.

use std::time::Duration;

use sea_orm::FromQueryResult;
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::GenerationState;
use tandem_domain::id::{JobId, MarketplaceId};

use super::{BuildScope, ClaimedJob, Job, JobKind, JobState, Lease, lease};
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::counter::{self, Counter};
use crate::entity::job::{Entity, Model};
use crate::entity::{self, from_json, signed, stored, to_json, to_name};
use crate::error::{Result, StoreError};
use crate::generation;
use crate::mint::mint;
use crate::sql::{self, IDS};
use crate::wake::Wake;
use crate::write::Tx;

/// How far the clocks of a database and of the one that takes its place may differ. A lease that ends later than one that
/// was given now is of a clock that stood ahead, and counts as over; fences keep what its holder may still do out.
const SKEW: Duration = Duration::from_secs(60);

/// Claims after which a job that no worker saw through is given up.
const MAX_ATTEMPTS: i32 = 3;

/// Questions about pairs that may wait in a marketplace: each reads every event.
const MOST_QUESTIONS: u32 = 20;

/// What a job that nobody holds has in the place of a lease's end: it ran out long ago.
const NEVER_HELD: i64 = 0;

pub(super) async fn enqueue(tx: &Tx, ctx: &WriteContext, kind: &JobKind, reason: &str) -> Result<Job> {
    let marketplace = &ctx.principal.marketplace;
    // Puts those who ask in line: nobody adds a second waiting build in between.
    let number = counter::raise(tx, marketplace, Counter::Job, 1).await?;
    let job = match waiting(tx, marketplace, kind).await? {
        Some(row) => join(tx, row, kind).await?,
        None if is_question(kind) && questions(tx, marketplace).await? >= MOST_QUESTIONS => {
            return Err(StoreError::QuestionsFull(MOST_QUESTIONS));
        }
        None => add(tx, ctx, kind, number).await?,
    };
    let action = match kind {
        JobKind::Build { .. } => "trigger_build",
        JobKind::Rollback { .. } => "rollback_generation",
        JobKind::ExplainPair { .. } => "explain_pair",
    };
    audit::write(
        tx,
        ctx,
        Deed {
            action,
            targets: vec![job.id.as_str()],
            reason,
        },
    )
    .await?;
    tx.wake(Wake::Jobs);
    Ok(job)
}

/// The job that waits and does for this one too, locked: it is not claimed before the caller was told that it waits, so it
/// sees whatever the caller did before asking. Any build does for another, and the same question for itself.
async fn waiting(tx: &Tx, marketplace: &MarketplaceId, kind: &JobKind) -> Result<Option<Model>> {
    if matches!(kind, JobKind::Rollback { .. }) {
        return Ok(None);
    }
    let query = format!(
        "SELECT * FROM jobs WHERE marketplace_id = $1 AND kind = $2 AND state = 'queued'
           AND (kind = 'build' OR arguments = $3) LIMIT 1 {}",
        sql::locking(tx.backend(), "FOR UPDATE")
    );
    let values = [
        marketplace.as_str().into(),
        kind.name().into(),
        to_json(kind).into(),
    ];
    tx.one(query, values).await
}

const fn is_question(kind: &JobKind) -> bool {
    matches!(kind, JobKind::ExplainPair { .. })
}

async fn questions(tx: &Tx, marketplace: &MarketplaceId) -> Result<u32> {
    #[derive(FromQueryResult)]
    struct Waiting {
        questions: i64,
    }
    let query = "SELECT count(*) AS questions FROM jobs
                 WHERE marketplace_id = $1 AND kind = 'explain_pair' AND state = 'queued'";
    let row: Option<Waiting> = tx.one(query, [marketplace.as_str().into()]).await?;
    Ok(row.map_or(0, |row| u32::try_from(row.questions).unwrap_or(u32::MAX)))
}

/// The build that does for both what they ask: a collapse that one accepts is accepted, and all rows are computed if one
/// asks for all.
fn both(waits: &JobKind, asked: &JobKind) -> JobKind {
    match (waits, asked) {
        (
            JobKind::Build {
                accept_collapse: first,
                scope: one,
            },
            JobKind::Build {
                accept_collapse: second,
                scope: other,
            },
        ) => JobKind::Build {
            accept_collapse: *first || *second,
            scope: if one == other { *one } else { BuildScope::Full },
        },
        _ => waits.clone(),
    }
}

async fn join(tx: &Tx, mut row: Model, asked: &JobKind) -> Result<Job> {
    let waits: JobKind = from_json("job", &row.arguments)?;
    let both = both(&waits, asked);
    if both != waits {
        row.arguments = to_json(&both);
        tx.execute(
            "UPDATE jobs SET arguments = $2 WHERE job_id = $1",
            [row.job_id.as_str().into(), row.arguments.as_str().into()],
        )
        .await?;
    }
    Job::try_from(&row)
}

async fn add(tx: &Tx, ctx: &WriteContext, kind: &JobKind, number: u64) -> Result<Job> {
    let marketplace = ctx.principal.marketplace.as_str();
    let row = Model {
        job_id: mint(ctx.now, &["job", marketplace], number),
        marketplace_id: marketplace.to_owned(),
        kind: kind.name().to_owned(),
        arguments: to_json(kind),
        state: to_name(&JobState::Queued),
        attempts: 0,
        fence: 0,
        lease_until_ms: NEVER_HELD,
        worker: String::new(),
        generation: None,
        message: String::new(),
        report: String::new(),
        created_ms: ctx.now.as_ms(),
    };
    let job = Job::try_from(&row)?;
    entity::add::<Entity>(tx, &[row]).await?;
    Ok(job)
}

/// Who takes a job, and for how long. `now` is only what is written beside what others left behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimant<'a> {
    pub(super) worker: &'a str,
    pub(super) kinds: &'a [&'a str],
    pub(super) span: Duration,
    pub(super) now: Timestamp,
}

pub(super) async fn claim(tx: &Tx, claimant: Claimant<'_>) -> Result<Option<ClaimedJob>> {
    while let Some(row) = next(tx, claimant).await? {
        let job = Job::try_from(&row)?;
        let marketplace = stored("marketplace", MarketplaceId::new(&row.marketplace_id))?;
        if was_seen_through(tx, &row, &job, &marketplace, claimant.now).await? {
            end(tx, &job.id, JobState::Succeeded, "").await?;
        } else if row.attempts >= MAX_ATTEMPTS {
            let message = format!(
                "given up after {} attempts: {}",
                row.attempts,
                lost_by(&row.worker)
            );
            end(tx, &job.id, JobState::Failed, &message).await?;
        } else {
            return hold(tx, claimant, job, marketplace).await.map(Some);
        }
    }
    Ok(None)
}

/// The oldest job that can be taken, questions after all others. Jobs of one kind follow each other in a marketplace: two
/// builds at once would take twice the memory for one graph.
async fn next(tx: &Tx, claimant: Claimant<'_>) -> Result<Option<Model>> {
    let query = format!(
        "SELECT j.* FROM jobs j CROSS JOIN (SELECT {} AS ms) AS clock
         WHERE j.state IN ('queued', 'running') AND (j.lease_until_ms <= clock.ms OR j.lease_until_ms > clock.ms + $1)
           AND j.kind IN (SELECT batch.id FROM {})
           AND NOT EXISTS (
               SELECT 1 FROM jobs held
               WHERE held.state IN ('queued', 'running')
                 AND held.lease_until_ms > clock.ms AND held.lease_until_ms <= clock.ms + $1
                 AND held.marketplace_id = j.marketplace_id AND held.kind = j.kind)
         ORDER BY CASE j.kind WHEN 'explain_pair' THEN 1 ELSE 0 END, j.created_ms, j.job_id LIMIT 1 {}",
        sql::clock(tx.backend()),
        IDS.table(tx.backend(), "$2"),
        sql::locking(tx.backend(), "FOR UPDATE OF j SKIP LOCKED")
    );
    tx.one(
        query,
        [
            lease::ms(claimant.span + SKEW).into(),
            sql::ids(claimant.kinds.iter().copied()),
        ],
    )
    .await
}

/// Whether the worker that held a job before did the work and died before it could say so. A generation that it left
/// half-built ends here, since nobody else knows of it.
async fn was_seen_through(
    tx: &Tx,
    row: &Model,
    job: &Job,
    marketplace: &MarketplaceId,
    now: Timestamp,
) -> Result<bool> {
    let Some(no) = job.generation else {
        return Ok(false);
    };
    if generation::state(tx, marketplace, no).await? == Some(GenerationState::Published) {
        return Ok(true);
    }
    generation::abandon(tx, marketplace, no, &lost_by(&row.worker), now).await?;
    Ok(false)
}

fn lost_by(worker: &str) -> String {
    format!("the worker {worker} did not hold its lease")
}

async fn end(tx: &Tx, id: &JobId, state: JobState, message: &str) -> Result<()> {
    tx.execute(
        "UPDATE jobs SET state = $2, message = $3 WHERE job_id = $1",
        [id.as_str().into(), to_name(&state).into(), message.into()],
    )
    .await?;
    Ok(())
}

async fn hold(tx: &Tx, claimant: Claimant<'_>, job: Job, marketplace: MarketplaceId) -> Result<ClaimedJob> {
    let fence = counter::raise(tx, &marketplace, Counter::Fence, 1).await?;
    let query = format!(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = $2, lease_until_ms = {} + $3, worker = $4,
             generation = NULL
         WHERE job_id = $1 RETURNING lease_until_ms",
        sql::clock(tx.backend())
    );
    let values = [
        job.id.as_str().into(),
        signed("fence", fence)?.into(),
        lease::ms(claimant.span).into(),
        claimant.worker.into(),
    ];
    let until = tx.number(query, values).await?;
    let lease = Lease {
        job: job.id.clone(),
        fence,
        until: Timestamp::from_ms(until.ok_or(StoreError::LeaseLost)?),
    };
    Ok(ClaimedJob {
        job: Job {
            state: JobState::Running,
            generation: None,
            ..job
        },
        marketplace,
        lease,
    })
}
