//! The `tandem` command.

use std::process::ExitCode;

use clap::Parser;
use tandem_cli::args::Arguments;
use tandem_cli::usage::Usage;

#[tokio::main]
async fn main() -> ExitCode {
    end_with_the_pipe();
    match tandem_cli::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<Usage>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// `println!` panics when nobody reads any more. Whoever reads has seen enough then, and anything else is an error like others.
fn end_with_the_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.payload_as_str() {
        Some(text) if text.starts_with("failed printing to stdout") => {
            if text.contains("Broken pipe") {
                std::process::exit(0);
            }
            eprintln!("error: {text}");
            std::process::exit(1);
        }
        _ if tandem_cli::unpack::is_under_way() => {}
        _ => usual(panic),
    }));
}
