//! `tandem completions` and `tandem man`: what the command line says of itself, for shells and for `man`.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;

/// Prints a script that completes commands.
///
/// # Errors
/// When it cannot be written.
pub fn completions(shell: Shell) -> Result<()> {
    // Whole before it is printed: the generator panics when a reader has gone away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tandem", &mut script);
    print(&script)
}

/// Prints the manual page of `tandem`, or writes one per command into a folder.
///
/// # Errors
/// When it cannot be written.
pub fn pages(folder: Option<&Path>) -> Result<()> {
    let command = Arguments::command();
    match folder {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&page)
        }
        Some(folder) => {
            let unwritten = || format!("{} cannot be written", folder.display());
            std::fs::create_dir_all(folder).with_context(unwritten)?;
            clap_mangen::generate_to(command, folder).with_context(unwritten)
        }
    }
}

fn print(text: &[u8]) -> Result<()> {
    match io::stdout().write_all(text) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
