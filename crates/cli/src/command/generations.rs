//! `tandem generations`: list, show, compare, roll back.

mod diff;

use anyhow::Result;
use clap::Subcommand;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::{Generation, GetGenerationRequest, ListGenerationsRequest, RollbackGenerationRequest};

use crate::args::Common;
use crate::client::explain;
use crate::{command, output};

/// What to do with generations.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem generations list\n  tandem generations show 3\n  tandem generations rollback 2 --reason 'lost edges'"
)]
pub enum Generations {
    /// Newest first.
    #[command(after_help = "Examples:\n  tandem generations list\n  tandem generations list --size 5 --json")]
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        size: i32,
    },
    /// One generation with its counts and epoch record.
    #[command(after_help = "Examples:\n  tandem generations show\n  tandem generations show 3 --json")]
    Show {
        /// Its number; the one on serve without it.
        #[arg(default_value_t = 0)]
        generation: u64,
    },
    /// Edges gained, lost and moved between two, by relation, from their segment files.
    #[command(
        after_help = "Examples:\n  tandem generations diff 3 4\n  tandem generations diff 3 4 --movers 50 --json"
    )]
    Diff(diff::DiffArgs),
    /// Put an earlier generation on serve and wait until it is.
    #[command(after_help = "Examples:\n  tandem generations rollback 2 --reason 'lost edges'")]
    Rollback {
        /// Its number.
        generation: u64,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Carries out the command.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, generations: Generations) -> Result<()> {
    let generations = match generations {
        Generations::Diff(args) => return diff::run(common, args).await,
        others => others,
    };
    let mut client = OperationsClient::new(common.control().await?);
    match generations {
        Generations::Diff(_) => Ok(()),
        Generations::List { size } => {
            let request = ListGenerationsRequest {
                page_size: size,
                page_token: String::new(),
            };
            let answer = client
                .list_generations(request)
                .await
                .map_err(|s| explain(&s))?
                .into_inner();
            if common.json {
                return output::print_message("ListGenerationsResponse", &answer);
            }
            print_table(&answer.generations);
            Ok(())
        }
        Generations::Show { generation } => {
            let request = GetGenerationRequest { generation };
            let answer = client
                .get_generation(request)
                .await
                .map_err(|s| explain(&s))?
                .into_inner();
            print_whole(common, &answer)
        }
        Generations::Rollback { generation, reason } => {
            let request = RollbackGenerationRequest {
                generation,
                reason,
                request_id: String::new(),
            };
            let job = client
                .rollback_generation(request)
                .await
                .map_err(|s| explain(&s))?
                .into_inner();
            let job = command::build::wait(&mut client, job, "loading the generation").await?;
            let request = GetGenerationRequest {
                generation: job.generation,
            };
            let answer = client
                .get_generation(request)
                .await
                .map_err(|s| explain(&s))?
                .into_inner();
            print(common, &answer)
        }
    }
}

fn print_table(generations: &[Generation]) {
    let mut table = output::table(&[
        "generation",
        "kind",
        "state",
        "on serve",
        "events",
        "anchors",
        "edges",
        "bundles",
        "seconds",
    ]);
    for generation in generations {
        let stats = generation.stats.unwrap_or_default();
        table.add_row([
            generation.generation.to_string(),
            generation.kind().as_str_name().to_owned(),
            generation.state().as_str_name().to_owned(),
            if generation.serving { "yes" } else { "" }.to_owned(),
            stats.events.to_string(),
            stats.anchors.to_string(),
            stats.edges.to_string(),
            stats.bundles.to_string(),
            format!(
                "{:.1}",
                stats.read_seconds + stats.compute_seconds + stats.publish_seconds
            ),
        ]);
    }
    println!("{table}");
}

/// Prints one generation's counts, and why it was refused or failed.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn print(common: &Common, generation: &Generation) -> Result<()> {
    if common.json {
        return output::print_message("Generation", generation);
    }
    print_table(std::slice::from_ref(generation));
    let stats = generation.stats.unwrap_or_default();
    println!(
        "{} rows computed, {} changed: {} of {} pair increments",
        stats.rows, stats.changed_rows, stats.row_pairs, stats.pairs
    );
    if !generation.message.is_empty() {
        println!("{}", generation.message);
    }
    Ok(())
}

/// Prints a generation with how its scores were tuned and the parameters of its epoch record, one section a line.
fn print_whole(common: &Common, generation: &Generation) -> Result<()> {
    print(common, generation)?;
    if common.json || generation.epoch_record_json.is_empty() {
        return Ok(());
    }
    let record: serde_json::Value = serde_json::from_str(&generation.epoch_record_json)?;
    if let Some(window) = record["season"]["name"].as_str() {
        println!("season {window}");
    }
    let findings = &record["tuning"]["findings"];
    for finding in findings.as_array().into_iter().flatten() {
        let finding: tandem_graph::Finding = serde_json::from_value(finding.clone())?;
        println!("tuned {finding}");
    }
    let rules_version = generation.stats.unwrap_or_default().rules_version;
    if rules_version > 0 {
        println!("category rules at version {rules_version}");
    }
    for (section, values) in record["params"].as_object().into_iter().flatten() {
        println!("{section} {values}");
    }
    Ok(())
}
