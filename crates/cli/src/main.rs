//! The `tandem` command.

use std::process::ExitCode;

use clap::Parser;
use tandem_cli::args::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    match tandem_cli::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
