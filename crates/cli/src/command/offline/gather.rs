//! From files to facts under an epoch record: what a build and a snapshot begin with.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use tandem_domain::relation::Relation;
use tandem_graph::{EpochRecord, Facts, FactsBuilder, Params, Wanted};

use super::parameters::{self, Given};
use crate::offline::products::{self, Keep};
use crate::offline::{events, refused};

/// What is computed from, and under which parameters.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Events: event_id, user_id, session_or_order_id, product_id, event_type, quantity, unit_price, ts.
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Products: id, title, category, brand, price and, where known, tags.
    #[arg(long, value_name = "FILE")]
    products: PathBuf,
    /// Relations to build, with commas between them; all without it.
    #[arg(long, value_delimiter = ',', value_name = "RELATION")]
    relations: Vec<Relation>,
    /// Threads; as many as there are cores without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Use the documented defaults of every formula instead of fitting them to the catalogue.
    #[arg(long, conflicts_with = "params")]
    no_tune: bool,
    /// Use what this file freezes instead of fitting it: parameters as `--params-out` writes them (what they leave out has
    /// its default), or a whole epoch record as `--record-out` does.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
}

/// Facts and what their rows are computed under.
pub(super) struct Gathered {
    pub(super) facts: Facts,
    pub(super) epoch: EpochRecord,
    pub(super) repeated_events: u64,
    /// How long reading took.
    pub(super) read_seconds: f64,
}

impl Sources {
    /// The relations to build.
    pub(super) fn relations(&self) -> &[Relation] {
        match &self.relations[..] {
            [] => &Relation::ALL,
            relations => relations,
        }
    }

    /// Runs `work` on the threads asked for.
    pub(super) fn on_threads<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_threads(self.threads, work)
    }

    /// Reads both files, and chooses what their rows are computed under.
    pub(super) fn gather(&self) -> Result<Gathered> {
        let started = Instant::now();
        let given = self.params.as_deref().map(parameters::read).transpose()?;
        let (facts, read) = self.read(given.as_ref())?;
        let read_seconds = started.elapsed().as_secs_f64();
        Ok(Gathered {
            epoch: self.choose(given, &facts),
            facts,
            repeated_events: read.repeated,
            read_seconds,
        })
    }

    fn read(&self, given: Option<&Given>) -> Result<(Facts, events::Read)> {
        let defaults = Params::default();
        let params = given.map_or(&defaults, Given::params);
        let wanted = Wanted::lists(self.relations(), params);
        let builder = || {
            let keep = if wanted.reads_attributes() {
                Keep::Attributes
            } else {
                Keep::Bare
            };
            let catalogue = products::read(&self.products, keep);
            let catalogue = catalogue.map_err(|errors| refused(&self.products, &errors))?;
            tell_unread(&self.products, &catalogue.unread);
            let builder = FactsBuilder::of_pages(catalogue.pages).wanted(wanted.clone());
            Ok(match given {
                Some(Given::Record(epoch)) => builder.under(epoch),
                _ => builder,
            })
        };
        let (builder, read) = events::read(&self.events, builder)?;
        tell_unread(&self.events, &read.unread);
        Ok((builder.finish(), read))
    }

    /// The one place where the parameters of a build come from: given by `--params`, the defaults under `--no-tune`, or
    /// what suits the facts.
    fn choose(&self, given: Option<Given>, facts: &Facts) -> EpochRecord {
        match given {
            Some(Given::Record(epoch)) => *epoch,
            Some(Given::Params(params)) => EpochRecord::freeze(facts, &params),
            None if self.no_tune => EpochRecord::freeze(facts, &Params::default()),
            None => EpochRecord::tuned(facts, &Params::default()),
        }
    }
}

/// Runs `work` on so many threads, or as many as there are cores.
pub(super) fn on_threads<T: Send>(
    threads: Option<u16>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads {
        pool = pool.num_threads(threads.into());
    }
    pool.build()?.install(work)
}

fn tell_unread(path: &Path, columns: &[String]) {
    if !columns.is_empty() {
        eprintln!("{}: nothing reads {}", path.display(), columns.join(", "));
    }
}
