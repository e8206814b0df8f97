//! Claiming jobs and seeing them through.

use std::time::Instant;

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::MarketplaceId;
use tandem_domain::pair::PairReport;
use tandem_runtime::backoff::chain;
use tandem_runtime::lifecycle::Shutdown;
use tandem_store::{ClaimedJob, JobKind, JobOutcome, StoreError};

use crate::build::{Ask, BuildOutcome, Built, Collapse, build};
use crate::deps::Deps;
use crate::error::WorkError;
use crate::explain::explain;
use crate::hold::Hold;
use crate::metrics::Metrics;
use crate::patience::pause;
use crate::progress::Watcher;
use crate::rollback::rollback;
use crate::sweep::sweep;

const KINDS: [&str; 3] = ["build", "rollback", "explain_pair"];

/// What a job came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Done {
    Built(Box<BuildOutcome>),
    /// Nothing came since this generation.
    Current(GenerationNo),
    RolledBack(GenerationNo),
    /// Of this generation.
    Explained(GenerationNo, Box<PairReport>),
}

impl Done {
    fn generation(&self) -> GenerationNo {
        match self {
            Self::Built(outcome) => outcome.generation,
            Self::Current(no) | Self::RolledBack(no) | Self::Explained(no, _) => *no,
        }
    }

    fn outcome(&self) -> Result<JobOutcome, WorkError> {
        Ok(match self {
            Self::Explained(no, report) => JobOutcome::Reported(*no, serde_json::to_string(report)?),
            done => JobOutcome::Succeeded(done.generation()),
        })
    }
}

/// A job with the lease that bounds it.
pub(crate) struct Claim {
    pub(crate) job: ClaimedJob,
    hold: Hold,
}

/// Takes the next job, if one waits.
pub(crate) async fn claim(deps: &Deps, worker: &str) -> Result<Option<Claim>, StoreError> {
    let (span, asked) = (deps.settings.jobs.lease, Instant::now());
    let claimed = deps
        .store
        .claim_job(worker, &KINDS, span, deps.clock.now())
        .await?;
    Ok(claimed.map(|job| Claim {
        hold: Hold::new(deps.store.clone(), &job, span, asked),
        job,
    }))
}

/// Does a claimed job and notes its end.
pub(crate) async fn work(
    deps: &Deps,
    claim: &Claim,
    watcher: &Watcher,
    shutdown: &Shutdown,
) -> Result<Done, WorkError> {
    let Claim {
        job: ClaimedJob { job, marketplace, .. },
        hold,
    } = claim;
    let done = match &job.kind {
        JobKind::Build {
            accept_collapse,
            scope,
        } => {
            let collapse = if *accept_collapse {
                Collapse::Accept
            } else {
                Collapse::Refuse
            };
            let ask = Ask {
                scope: *scope,
                collapse,
            };
            let built = build(deps, marketplace, ask, hold, watcher, shutdown).await;
            built.map(|built| match built {
                Built::Published(outcome) => Done::Built(outcome),
                Built::Current(no) => Done::Current(no),
            })
        }
        JobKind::Rollback { generation } => hold
            .during(rollback(deps, marketplace, *generation, hold))
            .await
            .map(Done::RolledBack),
        JobKind::ExplainPair { anchor, companion } => tokio::select! {
            told = hold.during(explain(deps, marketplace, anchor, companion)) => {
                told.map(|(no, report)| Done::Explained(no, Box::new(report)))
            }
            () = shutdown.soft() => Err(WorkError::Stopped),
        },
    };
    Metrics::global().ended(outcome_name(&done));
    end(claim, deps, &done).await?;
    if done.is_ok() {
        tidy(deps, marketplace).await;
    }
    done
}

fn outcome_name(done: &Result<Done, WorkError>) -> &'static str {
    match done {
        Ok(Done::Built(_)) => "published",
        Ok(Done::Current(_)) => "current",
        Ok(Done::RolledBack(_)) => "rolled_back",
        Ok(Done::Explained(..)) => "explained",
        Err(WorkError::Refused { .. }) => "refused",
        Err(error) if error.is_passing() => "handed_back",
        Err(_) => "failed",
    }
}

/// Notes a job's end. A job that another worker or time may do is left to be claimed again.
async fn end(claim: &Claim, deps: &Deps, done: &Result<Done, WorkError>) -> Result<(), WorkError> {
    let id = &claim.job.job.id;
    match done {
        Ok(done) => {
            deps.store
                .finish_job(&claim.hold.lease(), done.outcome()?)
                .await?;
            tracing::info!(job.id = %id, graph.generation = done.generation().0, "job done");
        }
        Err(WorkError::LeaseLost) => tracing::warn!(job.id = %id, "the lease is lost; nothing was published"),
        Err(WorkError::Stopped) => {
            tracing::info!(job.id = %id, "handing the job back");
            claim.hold.give_back().await?;
        }
        Err(error) if error.is_passing() => {
            tracing::warn!(job.id = %id, error = chain(error), "the job is tried again when its lease ends");
        }
        Err(error) => {
            tracing::error!(job.id = %id, error = chain(error), "the job failed");
            deps.store
                .finish_job(&claim.hold.lease(), JobOutcome::Failed(chain(error)))
                .await?;
        }
    }
    Ok(())
}

async fn tidy(deps: &Deps, marketplace: &MarketplaceId) {
    match sweep(deps, marketplace).await {
        Ok(swept) => tracing::debug!(swept.files, swept.cached, "swept"),
        Err(error) => tracing::warn!(error = chain(&error), "old segments cannot be swept for now"),
    }
}

/// Does jobs as they come, until the shutdown.
pub(crate) async fn run(deps: Deps, worker: String, shutdown: Shutdown) {
    while !shutdown.is_soft() {
        match claim(&deps, &worker).await {
            Ok(Some(claim)) => {
                tracing::info!(job.id = %claim.job.job.id, job.kind = claim.job.job.kind.name(), "job claimed");
                if let Err(error) = work(&deps, &claim, &Watcher::nobody(), &shutdown).await {
                    tracing::debug!(error = chain(&error), "job ended without success");
                }
            }
            Ok(None) => tokio::select! {
                () = deps.store.wait_for_jobs(deps.settings.jobs.idle) => {}
                () = shutdown.soft() => {}
            },
            Err(error) => {
                tracing::warn!(error = chain(&error), "jobs cannot be claimed for now");
                pause(std::time::Duration::from_secs(1), &shutdown).await;
            }
        }
    }
}
