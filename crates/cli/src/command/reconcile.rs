//! `tandem reconcile`: all of SQL compared with the projection, by hand, with the code of the worker's periodic pass.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use tandem_cache::redis::RedisCache;
use tandem_inventory_worker::reconcile::{Mode, reconcile};

use crate::args::Common;
use crate::database::DatabaseArgs;
use crate::{output, progress};

/// What to compare.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tandem reconcile --dry-run\n  tandem reconcile --redis redis://127.0.0.1:6379/ --json"
)]
pub struct Reconcile {
    /// Report only: change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The projection.
    #[arg(
        long,
        env = "TANDEM_REDIS_URL",
        hide_env_values = true,
        default_value = "redis://127.0.0.1:6379/"
    )]
    redis: String,
    /// The truth.
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Compares, mends unless told not to, and says what was found.
///
/// # Errors
/// When SQL or Redis fails; it may be run again.
pub async fn run(common: &Common, arguments: Reconcile) -> Result<()> {
    let mode = if arguments.dry_run {
        Mode::Report
    } else {
        Mode::Mend
    };
    let database = arguments.database.open_existing().await?;
    let cache = RedisCache::connect(&arguments.redis)
        .await
        .context("Redis cannot be reached")?;
    let bar = progress::spinner("comparing");
    let found = reconcile(&database.store, &cache, &database.marketplace.id, mode).await?;
    bar.finish_and_clear();
    let kinds = found.drift.by_kind();
    if common.json {
        let drift: serde_json::Map<_, _> = kinds
            .iter()
            .map(|(kind, count)| ((*kind).to_owned(), json!(count)))
            .collect();
        return output::print_json(&json!({
            "checked": found.checked,
            "drift": drift,
            "mended": found.mended,
            "dry_run": arguments.dry_run,
        }));
    }
    let mut table = output::table(&["drift", "records"]);
    for (kind, count) in kinds {
        table.add_row([kind.to_owned(), count.to_string()]);
    }
    println!("{table}");
    println!("{} records compared, {} mended", found.checked, found.mended);
    Ok(())
}
