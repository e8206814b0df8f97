//! A build asked for and waited for in one call: `tandem build --local`, the demonstration, tests.

use std::time::Duration;

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{JobId, MarketplaceId};
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{BuildScope, JobKind, JobState};

use crate::build::{BuildOutcome, CacheState, Collapse};
use crate::caller::caller;
use crate::deps::Deps;
use crate::error::WorkError;
use crate::jobs::{Done, claim, work};
use crate::progress::Watcher;

/// How often a job that another worker does is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Which build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Of which marketplace.
    pub marketplace: MarketplaceId,
    /// How much of it.
    pub scope: BuildScope,
    /// What to do when most of the input is gone.
    pub collapse: Collapse,
    /// Who asks, for the audit trail.
    pub subject: String,
}

/// Asks for a build and does it here, with whatever jobs stand before it; when another worker took it, waits for that
/// one. `watcher` hears of a build that is done here.
///
/// # Errors
/// [`WorkError::Refused`] when most of the input is gone, [`WorkError::Failed`] when another worker did not succeed, and
/// whatever SQL, storage and the cache say.
pub async fn build_generation(
    deps: &Deps,
    request: &BuildRequest,
    watcher: &Watcher,
) -> Result<BuildOutcome, WorkError> {
    let context = caller(&request.marketplace, &request.subject, deps.clock.now());
    let kind = JobKind::Build {
        accept_collapse: request.collapse == Collapse::Accept,
        scope: request.scope,
    };
    let job = deps.store.enqueue_job(&context, kind).await?;
    let shutdown = Shutdown::new();
    loop {
        match claim(deps, &request.subject).await? {
            Some(claim) if claim.job.job.id == job.id => {
                return match work(deps, &claim, watcher, &shutdown).await? {
                    Done::Built(outcome) => Ok(*outcome),
                    Done::Current(no) => published(deps, &request.marketplace, no).await,
                    Done::RolledBack(no) | Done::Explained(no, _) => {
                        Err(WorkError::Failed(format!("it was about generation {no} instead")))
                    }
                };
            }
            // Before ours in the queue; whatever becomes of it is its own caller's concern.
            Some(claim) => drop(work(deps, &claim, &Watcher::nobody(), &shutdown).await),
            None => {
                if let Some(ended) = ended_elsewhere(deps, &request.marketplace, &job.id).await? {
                    return ended;
                }
                deps.store.wait_for_jobs(LOOK_EVERY).await;
            }
        }
    }
}

/// The outcome of a job that another worker ended.
async fn ended_elsewhere(
    deps: &Deps,
    marketplace: &MarketplaceId,
    id: &JobId,
) -> Result<Option<Result<BuildOutcome, WorkError>>, WorkError> {
    let Some(job) = deps.store.job(marketplace, id).await? else {
        return Ok(Some(Err(WorkError::Failed("the job is gone".to_owned()))));
    };
    Ok(match (job.state, job.generation) {
        (JobState::Queued | JobState::Running, _) => None,
        (JobState::Succeeded, Some(no)) => Some(published(deps, marketplace, no).await),
        (JobState::Succeeded | JobState::Failed, _) => Some(Err(WorkError::Failed(job.message))),
    })
}

/// The outcome of a build that was published before.
async fn published(
    deps: &Deps,
    marketplace: &MarketplaceId,
    no: GenerationNo,
) -> Result<BuildOutcome, WorkError> {
    let generation = deps.store.generation(marketplace, no).await?;
    let built = generation.and_then(|generation| {
        Some(BuildOutcome {
            generation: no,
            manifest: generation.manifest?,
            stats: generation.stats,
            cache: CacheState::Serving,
        })
    });
    built.ok_or_else(|| WorkError::Failed(format!("generation {no} is retired already")))
}
