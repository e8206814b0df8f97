#![doc = include_str!("../README.md")]

mod arch;
mod clients;
mod command;
mod echo;
mod faults;
mod load;
mod needs;
mod proto;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// The gateway's, so that the echo that it is compared with has the same.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Developer commands of Tandem.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what tests need, check format, lints and architecture, and run every test.
    Test(test::TestArgs),
    /// Measure the production shape on this machine and print a table.
    Load(load::LoadArgs),
    /// Break things under load and see whether every promise holds.
    Faults(faults::FaultsArgs),
    /// Serve one message for every request: the baseline that `load` compares the gateway with.
    #[command(hide = true)]
    Echo(echo::EchoArgs),
    /// Run Python's, Node's and a browser's clients against a gateway that tests have built.
    Clients,
    /// Check who imports whom and what lies where.
    Arch,
    /// Check the style of the proto files.
    Proto,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Args::parse().task {
        Task::Test(args) => test::run(&args).await,
        Task::Load(args) => load::run(&args).await,
        Task::Faults(args) => faults::run(&args).await,
        Task::Echo(args) => echo::run(&args).await,
        Task::Clients => clients::run().await,
        Task::Arch => arch::run(),
        Task::Proto => proto::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
