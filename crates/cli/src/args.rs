//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::command::{
    build, cache, deadletter, demo, dev, export, generations, import, offline, query, reconcile, stock,
    surface,
};

/// Finds products that belong together and serves them while they can be bought.
#[derive(Debug, Parser)]
#[command(
    name = "tandem",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Examples:\n  tandem demo\n  tandem dev\n  tandem import products products.csv --default-skus\n  tandem build\n  tandem query related 22423"
)]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Print one JSON document on stdout instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Address of the gateway.
    #[arg(
        long,
        global = true,
        env = "TANDEM_GATEWAY",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub gateway: String,
    /// Address of control.
    #[arg(
        long,
        global = true,
        env = "TANDEM_CONTROL",
        default_value = "http://127.0.0.1:50052",
        value_name = "URL"
    )]
    pub control: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it: real orders in, companions out, and what happens when one sells out. No server is needed.
    Demo(demo::Demo),
    /// Run every part in one process, on a SQLite file and the in-process cache.
    Dev(dev::Dev),
    /// Ask a running gateway: companions, baskets, bundles, reasons, stock.
    #[command(subcommand)]
    Query(query::Query),
    /// Report stock to a running control.
    #[command(subcommand)]
    Stock(stock::Stock),
    /// List, show, change and roll back serving configurations.
    #[command(subcommand)]
    Surface(surface::Surface),
    /// Build the graph: asks control for a build and waits for it.
    Build(build::Build),
    /// List, show and roll back generations.
    #[command(subcommand)]
    Generations(generations::Generations),
    /// Import files into the database.
    #[command(subcommand)]
    Import(import::Import),
    /// Build edges from files, without a database or a server.
    #[command(subcommand)]
    Offline(offline::Offline),
    /// Write the graph on serve into a file.
    #[command(subcommand)]
    Export(export::Export),
    /// Rebuild the cache from SQL and segment files.
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Compare all of SQL with the cache, and mend what differs.
    Reconcile(reconcile::Reconcile),
    /// List, show, replay and drop changes that no worker could project.
    #[command(subcommand)]
    Deadletter(deadletter::Deadletter),
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Examples:\n  tandem completions bash > /etc/bash_completion.d/tandem\n  tandem completions zsh > ~/.zfunc/_tandem"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}
