//! `tandem stock`: reports stock to a running control.

use anyhow::Result;
use clap::Subcommand;
use tandem_domain::clock::{Clock, SystemClock};
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::stock_report::Quantity;
use tandem_proto::v1::{
    GetStockPolicyRequest, ReportStockRequest, ShopStockPolicy, StockDelta, StockReport, StockSet,
    UpdateStockPolicyRequest,
};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// Reports, and when stock runs low.
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
    /// When stock of the shop runs low.
    #[command(subcommand)]
    Policy(Policy),
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

/// When stock of the shop runs low.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem stock policy get\n  tandem stock policy set --low 10 --critical 3 --buffer 2 --hysteresis 4"
)]
pub enum Policy {
    /// Show it.
    #[command(after_help = "Examples:\n  tandem stock policy get --json")]
    Get,
    /// Change what is named of it, and judge every product of the shop by it.
    #[command(
        after_help = "Examples:\n  tandem stock policy set --low 10 --critical 3\n  tandem stock policy set --low 10 --buffer 2 --hysteresis 4 --etag 1"
    )]
    Set {
        /// So many units or fewer are low.
        #[arg(long)]
        low: Option<u32>,
        /// So many units or fewer are critical.
        #[arg(long)]
        critical: Option<u32>,
        /// Units that are kept back.
        #[arg(long)]
        buffer: Option<u32>,
        /// Units above a threshold before supply is called better again.
        #[arg(long)]
        hysteresis: Option<u32>,
        /// The version that must stand; the one that is read without it.
        #[arg(long)]
        etag: Option<String>,
    },
}

async fn policy(common: &Common, policy: Policy) -> Result<()> {
    let mut client = StockClient::new(common.control().await?);
    let answer = match policy {
        Policy::Get => client.get_stock_policy(GetStockPolicyRequest {}).await,
        Policy::Set {
            low,
            critical,
            buffer,
            hysteresis,
            etag,
        } => {
            let stands = client.get_stock_policy(GetStockPolicyRequest {}).await;
            let stands = stands.map_err(|s| explain(&s))?.into_inner();
            let policy = ShopStockPolicy {
                low_units: low.unwrap_or(stands.low_units),
                critical_units: critical.unwrap_or(stands.critical_units),
                buffer_units: buffer.unwrap_or(stands.buffer_units),
                hysteresis_units: hysteresis.unwrap_or(stands.hysteresis_units),
                etag: etag.unwrap_or(stands.etag),
            };
            let request = UpdateStockPolicyRequest {
                policy: Some(policy),
                request_id: String::new(),
            };
            client.update_stock_policy(request).await
        }
    };
    let policy = answer.map_err(|s| explain(&s))?.into_inner();
    if common.json {
        return output::print_message("ShopStockPolicy", &policy);
    }
    println!(
        "low {} · critical {} · buffer {} · hysteresis {} · version {}",
        policy.low_units, policy.critical_units, policy.buffer_units, policy.hysteresis_units, policy.etag
    );
    Ok(())
}

/// Reports and prints what became of it.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, stock: Stock) -> Result<()> {
    let now = SystemClock.now().as_ms();
    let report = match stock {
        Stock::Policy(asked) => return policy(common, asked).await,
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
    let mut client = StockClient::new(common.control().await?);
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
