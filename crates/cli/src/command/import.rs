//! `tandem import`: files into SQL. A file is read twice: once to find its faults, once to write it.

mod file;
mod retail;
mod sink;
mod tables;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::args::Common;
use crate::database::DatabaseArgs;
use crate::import::FORMATS;
use crate::import::format::Format;
use crate::import::generic::Faults;
use crate::import::mapping::Assignment;
pub use retail::{Retail, import_retail};

const EXAMPLES: &str = "Examples:
  tandem import online-retail online_retail.csv.gz --dry-run
  tandem import products products.csv --default-skus
  tandem import events events.jsonl.gz
  tandem import events sales.parquet --map product_id=sku --set event_type=purchase
  tandem import stock stock.csv --allow-partial";

/// Files to import.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMATS}"))]
pub enum Import {
    /// UCI Online Retail: orders and returns, cleaned, with a report.
    #[command(
        after_help = "Examples:\n  tandem import online-retail online_retail.csv.gz --dry-run\n  tandem import online-retail online_retail.csv.gz --enrich"
    )]
    OnlineRetail {
        /// What every import has.
        #[command(flatten)]
        options: ImportOptions,
        /// Add the seeded, labelled layer of the demonstration: categories, brands, SKUs, stock, views, a livestream.
        #[arg(long)]
        enrich: bool,
    },
    /// Products: id, title, category, brand, price, …
    #[command(
        after_help = "Examples:\n  tandem import products products.csv --default-skus\n  tandem import products products.jsonl.gz --dry-run"
    )]
    Products {
        /// What every import has.
        #[command(flatten)]
        options: TableOptions,
        /// Give every product one SKU with the product's id, for catalogues without SKUs.
        #[arg(long)]
        default_skus: bool,
    },
    /// Behaviour events: views, carts, purchases, returns, …
    #[command(
        after_help = "Examples:\n  tandem import events events.jsonl.gz\n  tandem import events sales.parquet --map product_id=sku --set event_id=till-{row}\n  tandem import events events.csv --allow-partial --json"
    )]
    Events {
        /// What every import has.
        #[command(flatten)]
        options: TableOptions,
    },
    /// Stock per SKU and pool.
    #[command(
        after_help = "Examples:\n  tandem import stock stock.csv\n  tandem import stock stock.csv --database postgres://tandem@127.0.0.1/tandem --shop north"
    )]
    Stock {
        /// What every import has.
        #[command(flatten)]
        options: TableOptions,
    },
}

/// What every import has.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// The file; plain or gzipped.
    pub file: PathBuf,
    /// Read and check the file, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the good rows of a file that has bad ones.
    #[arg(long)]
    pub allow_partial: bool,
    /// Where to.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// What every import of a table of our own columns has.
#[derive(Debug, Args)]
pub struct TableOptions {
    /// What every import has.
    #[command(flatten)]
    pub import: ImportOptions,
    /// How rows are written; told by the name without it.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file calls a column otherwise; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=NAME")]
    pub renamed: Vec<Assignment>,
    /// The same text in every row of a column, with {row} for the row's number; may be repeated.
    #[arg(long = "set", value_name = "COLUMN=TEXT")]
    pub constant: Vec<Assignment>,
    /// Write the file from its first row, even if an earlier import of it broke off further down.
    #[arg(long)]
    pub restart: bool,
}

impl ImportOptions {
    fn faults(&self) -> Faults {
        if self.allow_partial {
            Faults::Skip
        } else {
            Faults::Stop
        }
    }
}

/// Imports a file and prints what it held.
///
/// # Errors
/// The faults of the file by line and column, or what the database says.
pub async fn run(common: &Common, import: Import) -> Result<()> {
    match import {
        Import::OnlineRetail { options, enrich } => retail::run(common, &options, enrich).await,
        Import::Products {
            options,
            default_skus,
        } => tables::products(common, &options, default_skus).await,
        Import::Events { options } => tables::events(common, &options).await,
        Import::Stock { options } => tables::stock(common, &options).await,
    }
}
