//! `tandem cache`: the projection, rebuilt by hand with the code that workers rebuild it by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::json;
use tandem_cache::redis::RedisCache;
use tandem_cache::segment::segment_store;
use tandem_domain::clock::SystemClock;
use tandem_inventory_worker::Deps;
use tandem_inventory_worker::rebuild::{Progress, rebuild};

use crate::args::Common;
use crate::database::DatabaseArgs;
use crate::{output, progress};

/// What to do with the cache.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem cache rebuild --redis redis://127.0.0.1:6379/\n  tandem cache after-restore --database postgres://tandem@127.0.0.1/tandem"
)]
pub enum Cache {
    /// Put everything that SQL and the segment files hold into Redis. Safe at any time.
    #[command(
        after_help = "Examples:\n  tandem cache rebuild --redis redis://127.0.0.1:6379/\n  tandem cache rebuild --segments /var/lib/tandem/segments --json"
    )]
    Rebuild {
        /// The cache.
        #[arg(
            long,
            env = "TANDEM_REDIS_URL",
            hide_env_values = true,
            default_value = "redis://127.0.0.1:6379/"
        )]
        redis: String,
        /// Folder of the segment files.
        #[arg(long, env = "TANDEM_SEGMENTS_PATH", default_value = ".tandem/segments")]
        segments: PathBuf,
        /// Where from.
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Make the cache follow SQL again after a backup was restored: raises the store epoch, which workers notice and
    /// rebuild for. Stop control before the restore, and start it after this.
    #[command(
        after_help = "Examples:\n  tandem cache after-restore --database postgres://tandem@127.0.0.1/tandem"
    )]
    AfterRestore {
        /// The database that was restored.
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

/// Carries out the command.
///
/// # Errors
/// When SQL, a segment file or Redis fails; it may be run again.
pub async fn run(common: &Common, cache: Cache) -> Result<()> {
    match cache {
        Cache::Rebuild {
            redis,
            segments,
            database,
        } => put_all(common, &redis, &segments, &database).await,
        Cache::AfterRestore { database } => raise_epoch(common, &database).await,
    }
}

async fn raise_epoch(common: &Common, database: &DatabaseArgs) -> Result<()> {
    let database = database.open_existing().await?;
    let epoch = database.store.bump_store_epoch(&database.marketplace.id).await?;
    if common.json {
        return output::print_json(&json!({ "store_epoch": epoch }));
    }
    println!("store epoch {epoch}: the cache follows as soon as an inventory worker sees it");
    Ok(())
}

/// Rebuilds, with a progress bar, and says what was done.
async fn put_all(common: &Common, redis: &str, segments: &Path, database: &DatabaseArgs) -> Result<()> {
    let database = database.open_existing().await?;
    let cache = RedisCache::connect(redis)
        .await
        .context("Redis cannot be reached")?;
    let deps = Deps {
        store: database.store,
        cache: Arc::new(cache),
        segments: segment_store(&segments.to_string_lossy())?,
        clock: Arc::new(SystemClock),
    };
    let bar = progress::spinner("rebuilding");
    let shown = bar.clone();
    let report = rebuild(&deps, &database.marketplace.id, &move |step| match step {
        Progress::Records(done) => shown.set_message(format!("{done} records of SQL")),
        Progress::Graph { done, total } => {
            shown.set_message(format!("{done} of {total} records of the graph"))
        }
    })
    .await?;
    bar.finish_and_clear();
    if common.json {
        return output::print_json(&json!({
            "records": report.records,
            "newer": report.newer,
            "withdrawn": report.withdrawn,
            "graph_records": report.graph_records,
            "generation": report.generation,
            "seconds": report.took.as_secs_f64(),
        }));
    }
    println!(
        "{} records of SQL ({} newer, {} withdrawn) and {} of the graph in {:.2} s; generation {}",
        report.records,
        report.newer,
        report.withdrawn,
        report.graph_records,
        report.took.as_secs_f64(),
        report.generation.map_or("none".to_owned(), |no| no.to_string())
    );
    Ok(())
}
