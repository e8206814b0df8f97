//! `tandem build`: asks control for a build and waits for it.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use tandem_client::Connection;
use tandem_proto::v1::generation::Kind;
use tandem_proto::v1::job::State;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::{GetGenerationRequest, GetJobRequest, Job, TriggerBuildRequest};

use crate::args::Common;
use crate::client::explain;
use crate::{command, output, progress};

/// Options of a build.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tandem build\n  tandem build --increment\n  tandem build --accept 'the old feed was wrong'"
)]
pub struct Build {
    /// Return at once with the job instead of waiting for its end.
    #[arg(long)]
    no_wait: bool,
    /// Compute only the rows that events touched since the generation on serve.
    #[arg(long)]
    increment: bool,
    /// Publish even when events or edges collapsed against the generation on serve; the reason goes to the audit trail.
    #[arg(long, value_name = "REASON")]
    accept: Option<String>,
}

/// Asks for a build; without `--no-wait`, waits and prints the generation.
///
/// # Errors
/// When nothing answers, or the build fails or is refused.
pub async fn run(common: &Common, build: Build) -> Result<()> {
    let mut client = OperationsClient::new(common.control().await?);
    let kind = if build.increment {
        Kind::Increment
    } else {
        Kind::Epoch
    };
    let request = TriggerBuildRequest {
        accept_collapse: build.accept.is_some(),
        reason: build.accept.unwrap_or_default(),
        kind: kind.into(),
        request_id: String::new(),
    };
    let job = client
        .trigger_build(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if build.no_wait {
        return print_job(common, &job);
    }
    let job = wait(&mut client, job, "building the graph").await?;
    let request = GetGenerationRequest {
        generation: job.generation,
    };
    let generation = client
        .get_generation(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    command::generations::print(common, &generation)
}

fn print_job(common: &Common, job: &Job) -> Result<()> {
    if common.json {
        return output::print_message("Job", job);
    }
    println!("job {}: {}", job.job_id, job.state().as_str_name());
    Ok(())
}

/// Waits until `job` has ended, and shows what it does meanwhile.
///
/// # Errors
/// When it failed, with its message.
pub async fn wait(client: &mut OperationsClient<Connection>, mut job: Job, doing: &str) -> Result<Job> {
    let spinner = progress::spinner(doing);
    let mut every = tokio::time::interval(Duration::from_millis(200));
    loop {
        match job.state() {
            State::Succeeded => break,
            State::Failed => bail!("the job failed: {}", job.message),
            _ => every.tick().await,
        };
        let request = GetJobRequest {
            job_id: job.job_id.clone(),
        };
        job = client
            .get_job(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner();
    }
    spinner.finish_and_clear();
    Ok(job)
}
