#![doc = include_str!("../README.md")]

pub mod args;
pub mod client;
pub mod command;
pub mod database;
pub mod enrich;
pub mod host;
pub mod import;
pub mod offline;
pub mod output;
pub mod progress;
pub mod unpack;
pub mod usage;

use args::{Arguments, Command};

/// Carries out a parsed command line.
///
/// # Errors
/// Whatever went wrong, in words for a person.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let common = arguments.common;
    match arguments.command {
        Command::Query(query) => command::query::run(&common, query).await,
        Command::Explain(explain) => command::query::explain(&common, explain).await,
        Command::Stock(stock) => command::stock::run(&common, stock).await,
        Command::Bundles(bundles) => command::bundles::run(&common, bundles).await,
        Command::Rules(rules) => command::rules::run(&common, rules).await,
        Command::Build(build) => command::build::run(&common, build).await,
        Command::Generations(generations) => command::generations::run(&common, generations).await,
        Command::Import(import) => command::import::run(&common, import).await,
        Command::Offline(offline) => command::offline::run(&common, offline).await,
        Command::Export(export) => command::export::run(&common, export).await,
        Command::Cache(cache) => command::cache::run(&common, cache).await,
        Command::Reconcile(reconcile) => command::reconcile::run(&common, reconcile).await,
        Command::Users(users) => command::users::run(&common, users).await,
        Command::Surface(surface) => command::surface::run(&common, surface).await,
        Command::Deadletter(deadletter) => command::deadletter::run(&common, deadletter).await,
        Command::Demo(demo) => command::demo::run(&common, demo).await,
        Command::Dev(dev) => command::dev::run(&common, dev).await,
        Command::Completions { shell } => command::manual::completions(shell),
        Command::Man { folder } => command::manual::pages(folder.as_deref()),
    }
}
