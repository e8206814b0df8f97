//! Holding a job.
//!
//! **Invariant**: a fence decides, not a clock. Whoever comes after the end of a lease that nobody took meanwhile still
//! holds the job; whoever comes after another claim does not, however the clocks stand.
//!
//! When a lease ends is told by the database's clock, so that no worker's takes a job from another.

use std::time::Duration;

use sea_orm::FromQueryResult;
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::MarketplaceId;

use super::{JobOutcome, JobState, Lease};
use crate::entity::{signed, to_name};
use crate::error::{Result, StoreError};
use crate::sql;
use crate::wake::Wake;
use crate::write::Tx;

pub(super) async fn renew(tx: &Tx, lease: &Lease, span: Duration) -> Result<Lease> {
    let given_back = span.is_zero();
    let query = format!(
        "UPDATE jobs SET lease_until_ms = {} + $3, attempts = attempts - $4
         WHERE job_id = $1 AND fence = $2 AND state = 'running' RETURNING lease_until_ms",
        sql::clock(tx.backend())
    );
    let until = tx
        .number(
            query,
            [
                lease.job.as_str().into(),
                signed("fence", lease.fence)?.into(),
                ms(span).into(),
                i32::from(given_back).into(),
            ],
        )
        .await?;
    if given_back {
        tx.wake(Wake::Jobs);
    }
    Ok(Lease {
        until: Timestamp::from_ms(until.ok_or(StoreError::LeaseLost)?),
        ..lease.clone()
    })
}

/// A span as statements add it.
pub(super) fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

pub(super) async fn finish(tx: &Tx, lease: &Lease, outcome: &JobOutcome) -> Result<()> {
    let generation = |no: &GenerationNo| signed("generation", no.0).map(Some);
    let (state, generation, message, report) = match outcome {
        JobOutcome::Succeeded(no) => (JobState::Succeeded, generation(no)?, "", ""),
        JobOutcome::Reported(no, report) => (JobState::Succeeded, generation(no)?, "", report.as_str()),
        JobOutcome::Failed(why) => (JobState::Failed, None, why.as_str(), ""),
    };
    tx.execute(
        "UPDATE jobs SET state = $3, generation = COALESCE($4, generation), message = $5, report = $6
         WHERE job_id = $1 AND fence = $2 AND state = 'running'",
        [
            lease.job.as_str().into(),
            signed("fence", lease.fence)?.into(),
            to_name(&state).into(),
            generation.into(),
            message.into(),
            report.into(),
        ],
    )
    .await
    .and_then(still_held)?;
    // Another job of its kind may be waiting for it to end.
    tx.wake(Wake::Jobs);
    Ok(())
}

/// Notes that a job works on a generation, and returns who holds the job: until the transaction ends, that is.
pub(crate) async fn attach(
    tx: &Tx,
    marketplace: &MarketplaceId,
    lease: &Lease,
    no: GenerationNo,
) -> Result<String> {
    #[derive(FromQueryResult)]
    struct Held {
        worker: String,
    }
    let held: Option<Held> = tx
        .one(
            "UPDATE jobs SET generation = $4
         WHERE job_id = $1 AND fence = $2 AND marketplace_id = $3 AND state = 'running' RETURNING worker",
            [
                lease.job.as_str().into(),
                signed("fence", lease.fence)?.into(),
                marketplace.as_str().into(),
                signed("generation", no.0)?.into(),
            ],
        )
        .await?;
    held.map(|held| held.worker).ok_or(StoreError::LeaseLost)
}

fn still_held(rows: u64) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::LeaseLost)
    }
}
