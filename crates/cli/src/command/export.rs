//! `tandem export`: the graph on serve as a file.

use std::collections::HashSet;
use std::future::ready;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use std::pin::pin;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Subcommand;
use futures::{Stream, TryStreamExt, stream};
use serde::Serialize;
use tandem_cache::codec::{AnchorLists, decode_evidence, decode_lists};
use tandem_cache::error::CacheError;
use tandem_cache::port::RecordKey;
use tandem_cache::segment::{Batch, read_segment, segment_store};
use tandem_domain::generation::Manifest;
use tandem_domain::id::ProductId;
use tandem_domain::relation::Relation;

use crate::args::Common;
use crate::database::DatabaseArgs;
use crate::offline::edges::csv;
use crate::{output, progress};

/// What to export.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem export edges --out edges.csv\n  tandem export edges --relation together --relation complement > edges.csv"
)]
pub enum Export {
    /// Every stored edge of the generation on serve, as CSV: anchor, companion, relation, rank, score, basket_score,
    /// support, lift, llr, source, generation; scores, lift and llr in six significant digits.
    #[command(
        after_help = "Examples:\n  tandem export edges --out edges.csv\n  tandem export edges --relation together --relation complement > edges.csv"
    )]
    Edges {
        /// The file; stdout without it.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Relations to export; all without any.
        #[arg(long)]
        relation: Vec<Relation>,
        /// Folder of the segment files.
        #[arg(long, env = "TANDEM_SEGMENTS_PATH", default_value = ".tandem/segments")]
        segments: PathBuf,
        /// Where the generation is noted.
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

#[derive(Debug, Default, Serialize)]
struct Exported {
    generation: u64,
    anchors: u64,
    edges: u64,
}

/// Writes the file.
///
/// # Errors
/// When nothing was published, a segment is damaged or the file cannot be written.
pub async fn run(common: &Common, export: Export) -> Result<()> {
    let Export::Edges {
        out,
        relation,
        segments,
        database,
    } = export;
    let database = database.open_existing().await?;
    let serving = database
        .store
        .serving_generation(&database.marketplace.id)
        .await?;
    let Some(manifest) = serving.and_then(|generation| generation.manifest) else {
        bail!("no generation was published yet: `tandem build` makes one");
    };
    // A file appears when it is whole: what was there before stays until then.
    let whole = match &out {
        Some(path) => Some(output::whole_file(path).with_context(|| path.display().to_string())?),
        None => None,
    };
    let target: Box<dyn Write> = match &whole {
        Some(file) => Box::new(file.reopen()?),
        None => Box::new(stdout().lock()),
    };
    let mut edges = Edges {
        out: BufWriter::new(target),
        line: Vec::new(),
        relations: if relation.is_empty() {
            Relation::ALL.to_vec()
        } else {
            relation
        },
        done: HashSet::new(),
        exported: Exported {
            generation: manifest.generation.0,
            ..Exported::default()
        },
    };
    edges.out.write_all(csv::header().as_bytes())?;
    edges.write(&manifest, &segments.to_string_lossy()).await?;
    edges.out.flush()?;
    if let (Some(file), Some(path)) = (whole, &out) {
        file.persist(path).with_context(|| path.display().to_string())?;
    }
    match (common.json, out.is_none()) {
        (_, true) => Ok(()),
        (true, false) => output::print_json(&edges.exported),
        (false, false) => {
            println!(
                "{} edges of {} anchors, generation {}",
                edges.exported.edges, edges.exported.anchors, manifest.generation
            );
            Ok(())
        }
    }
}

struct Edges<W: Write> {
    out: W,
    line: Vec<u8>,
    relations: Vec<Relation>,
    done: HashSet<ProductId>,
    exported: Exported,
}

impl<W: Write> Edges<W> {
    /// Newest segment first; an anchor's newest record is the one that is served. Lists and evidence stand apart in a
    /// segment, each in the order of the anchors' ids: it is read twice at the same pace.
    async fn write(&mut self, manifest: &Manifest, folder: &str) -> Result<()> {
        let store = segment_store(folder)?;
        let bar = progress::bar(
            manifest.segments.iter().map(|segment| segment.records).sum(),
            "exporting",
        );
        for segment in &manifest.segments {
            let records = || read_segment(store.as_ref(), segment);
            let mut evidence = pin!(only(records().await?, |key| matches!(
                key,
                RecordKey::Evidence(_)
            )));
            let mut lists = pin!(only(records().await?, |key| {
                bar.inc(1);
                matches!(key, RecordKey::Lists(_))
            }));
            while let Some((anchor, found)) = lists.try_next().await? {
                // An anchor may have evidence of what was refused, and nothing else.
                let mut ahead = evidence
                    .as_mut()
                    .try_skip_while(|(of, _)| ready(Ok(*of < anchor)));
                let Some((_, proof)) = ahead.try_next().await?.filter(|(of, _)| *of == anchor) else {
                    bail!("{}: the lists of {anchor} have no evidence", segment.path);
                };
                if !self.done.contains(&anchor) {
                    self.anchor(&anchor, &decode_lists(&found)?, &proof)?;
                }
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn anchor(&mut self, anchor: &ProductId, lists: &AnchorLists, evidence: &[u8]) -> Result<()> {
        let evidence = decode_evidence(evidence)?;
        for relation in lists
            .relations()
            .filter(|relation| self.relations.contains(relation))
        {
            for (position, candidate) in lists.list(relation).enumerate() {
                let counts = evidence.of(relation, position);
                let figures = csv::Figures {
                    score: candidate.score,
                    basket_score: candidate.basket_score,
                    support: counts.map_or(0, |counts| counts.support),
                    lift: counts.map_or(0.0, |counts| counts.lift),
                    llr: counts.map_or(0.0, |counts| counts.llr),
                    source: candidate.source,
                    generation: self.exported.generation,
                };
                self.line.clear();
                let ids = (anchor.as_str(), candidate.product);
                csv::line(&mut self.line, ids, (relation, position + 1), &figures);
                self.out.write_all(&self.line)?;
                self.exported.edges += 1;
            }
        }
        self.exported.anchors += 1;
        self.done.insert(anchor.clone());
        Ok(())
    }
}

/// The records of one kind, by anchor.
pub(crate) fn only<'a>(
    batches: impl Stream<Item = Result<Batch, CacheError>> + 'a,
    wanted: impl Fn(&RecordKey) -> bool + 'a,
) -> impl Stream<Item = Result<(ProductId, Bytes), CacheError>> + 'a {
    let records = batches
        .map_ok(|batch| stream::iter(batch.into_iter().map(Ok)))
        .try_flatten();
    records.try_filter_map(move |(key, bytes)| {
        let of_anchor = match key {
            ref key if !wanted(key) => None,
            RecordKey::Lists(anchor) | RecordKey::Evidence(anchor) => Some((anchor, bytes)),
            RecordKey::Bundles(_) | RecordKey::Bestsellers(_) => None,
        };
        ready(Ok(of_anchor))
    })
}
