//! `tandem stock`: reports stock to a running control.

use anyhow::Result;
use clap::Subcommand;
use tandem_domain::clock::{Clock, SystemClock};
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::stock_report::Quantity;
use tandem_proto::v1::{ReportStockRequest, StockDelta, StockReport, StockSet};

use crate::args::Common;
use crate::client::{connect, explain};
use crate::output;

/// Reports.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  tandem stock set 22423-1 0\n  tandem stock change 22423-1 -3")]
pub enum Stock {
    /// There are so many units.
    #[command(
        after_help = "Examples:\n  tandem stock set 22423-1 0\n  tandem stock set 22423-1 40 --source wms-1 --source-version 17"
    )]
    Set {
        /// The SKU.
        sku: String,
        /// Units.
        available: i64,
        /// The pool.
        #[arg(long, default_value = "normal")]
        pool: String,
        /// The system that reports; versions are ordered per source.
        #[arg(long, default_value = "cli")]
        source: String,
        /// Orders the reports of one source; the time in milliseconds without it.
        #[arg(long)]
        source_version: Option<u64>,
    },
    /// So many units came or went.
    #[command(
        after_help = "Examples:\n  tandem stock change 22423-1 -3 --key order-4711\n  tandem stock change 22423-1 12"
    )]
    Change {
        /// The SKU.
        sku: String,
        /// Units, negative for sales.
        #[arg(allow_negative_numbers = true)]
        change: i64,
        /// The pool.
        #[arg(long, default_value = "normal")]
        pool: String,
        /// Makes a repeated report harmless; the time in milliseconds without it.
        #[arg(long)]
        key: Option<String>,
    },
}

/// Reports and prints what became of it.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, stock: Stock) -> Result<()> {
    let now = SystemClock.now().as_ms();
    let report = match stock {
        Stock::Set {
            sku,
            available,
            pool,
            source,
            source_version,
        } => {
            let source_version = source_version.unwrap_or(now.unsigned_abs());
            let quantity = Some(Quantity::Set(StockSet {
                available,
                source_version,
            }));
            StockReport {
                sku_id: sku,
                pool,
                source,
                quantity,
            }
        }
        Stock::Change {
            sku,
            change,
            pool,
            key,
        } => {
            let idempotency_key = key.unwrap_or_else(|| format!("cli-{now}"));
            let quantity = Some(Quantity::Delta(StockDelta {
                change,
                idempotency_key,
            }));
            StockReport {
                sku_id: sku,
                pool,
                source: "cli".to_owned(),
                quantity,
            }
        }
    };
    let mut client = StockClient::new(connect(&common.control, "control").await?);
    let request = ReportStockRequest {
        reports: vec![report],
        request_id: String::new(),
    };
    let answer = client
        .report_stock(request)
        .await
        .map_err(|s| explain(&s))?
        .into_inner();
    if common.json {
        return output::print_message("ReportStockResponse", &answer);
    }
    for outcome in &answer.outcomes {
        let level = outcome.level.clone().unwrap_or_default();
        let applied = if outcome.applied {
            "applied"
        } else {
            "not applied: older or doubled"
        };
        let known = if outcome.known_sku {
            ""
        } else {
            "; no product holds this SKU yet"
        };
        println!(
            "{} {} {}: {applied}{known}",
            level.sku_id, level.pool, level.available
        );
    }
    Ok(())
}
