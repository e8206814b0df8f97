//! The flags that every process has.

use std::path::PathBuf;

use clap::Args;

/// Flags for configuration, to be flattened into a process's own.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// Configuration file (TOML); without this flag, the one that TANDEM_CONFIG names
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Set one key, over file and environment, e.g. --set log.level=debug
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the effective configuration without its secrets, and exit
    #[arg(long)]
    pub dump_config: bool,

    /// Accept callers without a token; only while listening on loopback
    #[arg(long)]
    pub insecure: bool,
}
