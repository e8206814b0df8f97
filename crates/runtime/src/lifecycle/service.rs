//! Naming a process and reading its command line.

use std::ffi::OsString;

use clap::{Args as _, Command, FromArgMatches as _};
use serde::de::DeserializeOwned;

use super::{Access, Exit};
use crate::backoff::chain;
use crate::config::{ConfigArgs, Layout, Loaded, load};
use crate::grpc::loopback;

/// One kind of process.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The binary's name, and `service.name` in telemetry.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Whether it listens.
    pub kind: Kind,
    /// What configures it.
    pub layout: Layout,
}

/// Whether a process listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It serves gRPC on `server.listen`.
    Server,
    /// It serves nobody; only the admin endpoint listens.
    Worker,
}

impl Service {
    /// Reads command line and configuration; whatever ends the process here is printed.
    pub(super) fn configure<T: DeserializeOwned>(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Loaded<T>, Access), Exit> {
        let args = self.parse(arguments)?;
        let loaded = load(&self.layout, &args, environment).map_err(|error| refuse(&chain(&error)))?;
        if args.dump_config {
            print!("{}", loaded.dump());
            return Err(Exit::Clean);
        }
        let access = self.access(&args, &loaded)?;
        Ok((loaded, access))
    }

    fn parse(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<ConfigArgs, Exit> {
        // The flags' own description would replace one that was set before them.
        let command = ConfigArgs::augment_args(Command::new(self.name))
            .about(self.about)
            .version(self.version);
        let matches = command.try_get_matches_from(arguments);
        matches
            .and_then(|matches| ConfigArgs::from_arg_matches(&matches))
            .map_err(|error| {
                // Help and version come this way too and go to standard output.
                let _ = error.print();
                if error.use_stderr() {
                    Exit::BadConfig
                } else {
                    Exit::Clean
                }
            })
    }

    fn access<T>(&self, args: &ConfigArgs, loaded: &Loaded<T>) -> Result<Access, Exit> {
        let server = &loaded.runtime.server;
        if self.kind == Kind::Worker {
            return Ok(if args.insecure {
                Access::Insecure
            } else {
                Access::Tokens
            });
        }
        let Some(listen) = server.listen else {
            return Err(refuse("`server.listen` is not set, and this process serves gRPC"));
        };
        server.tls.check().map_err(|error| refuse(&chain(&error)))?;
        if args.insecure {
            loopback::require(Some(listen)).map_err(|error| refuse(&error.to_string()))?;
            return Ok(Access::Insecure);
        }
        if !server.tls.is_on() && !loopback::is(listen) {
            return Err(refuse(&format!(
                "`server.listen` is {listen}, which others can reach, and `server.tls.cert` is not set: \
                 tokens are not taken in plain text beyond loopback"
            )));
        }
        server.auth.check().map_err(|error| refuse(&chain(&error)))?;
        Ok(Access::Tokens)
    }
}

fn refuse(problem: &str) -> Exit {
    eprintln!("error: {problem}");
    Exit::BadConfig
}
