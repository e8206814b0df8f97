//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tandem_client::{Connection, Identity, Settings, Token};

use crate::client::connect;
use crate::command::{
    build, bundles, cache, deadletter, demo, dev, export, generations, import, offline, query, reconcile,
    rules, stock, surface, users,
};

/// The variable that holds a token where no file does.
pub(crate) const TOKEN: &str = "TANDEM_TOKEN";

/// Finds products that belong together and serves them while they can be bought.
#[derive(Debug, Parser)]
#[command(
    name = "tandem",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Ends with 0 when all is done, with 2 when the command line makes no sense, and with 1 when anything else stands in\nthe way: a file with faults, a service that refuses or does not answer.\n\nExamples:\n  tandem demo\n  tandem dev\n  tandem import products products.csv --default-skus\n  tandem build\n  tandem query related 22423"
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
    /// How both are reached.
    #[command(flatten)]
    pub access: Access,
}

/// Certificates and token for gateway and control. A token may also stand in the variable TANDEM_TOKEN.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// File with the token that says who calls; without it, the one in the variable TANDEM_TOKEN.
    #[arg(long, global = true, env = "TANDEM_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Show the token also where others on the network may read it: at an http address on another machine.
    #[arg(long, global = true, env = "TANDEM_PLAIN_TEXT_TOKEN")]
    plain_text_token: bool,
    /// PEM certificates that an https address is trusted by; without it, those of the system.
    #[arg(long, global = true, env = "TANDEM_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// PEM certificate for servers that ask for one.
    #[arg(
        long,
        global = true,
        env = "TANDEM_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM form.
    #[arg(
        long,
        global = true,
        env = "TANDEM_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
}

impl Common {
    /// A connection to the gateway.
    ///
    /// # Errors
    /// When a file cannot be used or nothing answers.
    pub async fn gateway(&self) -> Result<Connection> {
        connect(&self.gateway, "gateway", &self.access.settings()).await
    }

    /// A connection to control.
    ///
    /// # Errors
    /// When a file cannot be used or nothing answers.
    pub async fn control(&self) -> Result<Connection> {
        connect(&self.control, "control", &self.access.settings()).await
    }
}

impl Access {
    fn settings(&self) -> Settings {
        let token = match (&self.token_file, std::env::var(TOKEN)) {
            (Some(path), _) => Token::File(path.clone()),
            (None, Ok(text)) if !text.is_empty() => Token::Text(text),
            _ => Token::None,
        };
        let pair = self.tls_cert.clone().zip(self.tls_key.clone());
        Settings {
            ca: self.tls_ca.clone(),
            identity: pair.map(|(cert, key)| Identity { cert, key }),
            token,
            plain_text_token: self.plain_text_token,
            ..Settings::default()
        }
    }
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
    /// Why a companion is or is not shown beside a product, in its list and in its bundles.
    #[command(
        after_help = "Examples:\n  tandem explain 22423 22720\n  tandem explain 22423 22720 --surface live_room --pool room:42"
    )]
    Explain(query::Explain),
    /// Report stock to a running control.
    #[command(subcommand)]
    Stock(stock::Stock),
    /// List, show, change and roll back serving configurations.
    #[command(subcommand)]
    Surface(surface::Surface),
    /// Create, list and delete a shop's own sets.
    #[command(subcommand)]
    Bundles(bundles::Bundles),
    /// List, show, set and delete what holds for two categories, whatever orders say.
    #[command(subcommand)]
    Rules(rules::Rules),
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
    /// Erase users, and tell how that goes.
    #[command(subcommand)]
    Users(users::Users),
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Examples:\n  tandem completions bash > /etc/bash_completion.d/tandem\n  tandem completions zsh > ~/.zfunc/_tandem"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one per command.
    #[command(
        after_help = "Examples:\n  tandem man > tandem.1\n  tandem man --folder /usr/local/share/man/man1"
    )]
    Man {
        /// Write a page for every command into this folder.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}
