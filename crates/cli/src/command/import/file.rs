//! A file on its way into the database.

use std::fs;
use std::io::Read;
use std::ops::Add;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use tandem_domain::id::ShopId;
use tandem_domain::money::Currency;
use tandem_store::EventCounts;

use super::{TableOptions, sink};
use crate::import::fault::RowErrors;
use crate::import::format::Format;
use crate::import::generic::{self, Faults, Row, Summary};
use crate::import::mapping::Mapping;
use crate::import::source::{self, Progress};
use crate::import::table::Input;
use crate::progress::{self, BytesBar};
use crate::usage::Usage;

/// What an import did.
#[derive(Debug, Serialize)]
pub(super) struct Imported<R> {
    /// The file.
    pub file: String,
    /// Whether anything was written.
    pub written: bool,
    /// Seconds from the first byte to the last commit.
    pub seconds: f64,
    /// Rows per second.
    pub rows_per_second: f64,
    /// What the file held.
    pub report: R,
}

impl<R> Imported<R> {
    /// What was done since `started` with a file of `rows` rows.
    pub(super) fn since(started: Instant, file: &Path, written: bool, rows: u64, report: R) -> Self {
        let seconds = started.elapsed().as_secs_f64();
        let rows_per_second = if seconds > 0.0 { rows as f64 / seconds } else { 0.0 };
        Self {
            file: file.display().to_string(),
            written,
            seconds,
            rows_per_second,
            report,
        }
    }
}

/// Why a file is not taken.
pub(super) fn refusal(path: &Path, errors: &RowErrors) -> anyhow::Error {
    anyhow!("{}: nothing was written:\n{errors}", path.display())
}

/// Says how many events were ignored, if any were.
pub(super) fn tell_expired(events: u64) {
    if events > 0 {
        println!("{events} were ignored: of days whose raw events were let go");
    }
}

/// Says which rows were left out, if any were.
pub(super) fn tell_left_out(path: &Path, errors: &RowErrors) {
    if !errors.is_empty() {
        eprintln!(
            "{}: {} rows are left out:\n{errors}",
            path.display(),
            errors.total()
        );
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) rows: u64,
    /// Of these, rows that an earlier import of the file had written before it broke off.
    pub(super) resumed_rows: u64,
    pub(super) rounded_prices: u64,
    pub(super) bad_rows: u64,
    #[serde(flatten)]
    pub(super) effects: Effects,
}

/// What rows did that were written.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Effects {
    /// They took effect.
    pub(super) applied: u64,
    /// They said what was known already.
    pub(super) unchanged: u64,
    /// They count no more: events of days whose raw events were let go.
    pub(super) expired: u64,
}

impl Add for Effects {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            applied: self.applied + other.applied,
            unchanged: self.unchanged + other.unchanged,
            expired: self.expired + other.expired,
        }
    }
}

impl From<EventCounts> for Effects {
    fn from(counts: EventCounts) -> Self {
        Self {
            applied: counts.stored,
            unchanged: counts.duplicates,
            expired: counts.expired,
        }
    }
}

impl Counts {
    fn of(summary: &Summary, errors: &RowErrors) -> Self {
        Self {
            rows: summary.rows,
            rounded_prices: summary.rounded_prices,
            bad_rows: errors.total(),
            ..Self::default()
        }
    }
}

/// A file, and how its rows are read.
pub(super) struct File {
    format: Format,
    faults: Faults,
    mapping: Mapping,
    pub(super) path: PathBuf,
    /// Rows from the front that were written before.
    pub(super) written: u64,
}

impl File {
    pub(super) fn of<T: Row>(options: &TableOptions) -> Result<Self> {
        let path = options.import.file.clone();
        let format = options.format.or_else(|| Format::of(&path)).ok_or_else(|| {
            Usage(format!(
                "{} ends in none of .csv, .jsonl (.gz may follow) and .parquet: say --format csv, jsonl or parquet",
                path.display()
            ))
        })?;
        let mapping = Mapping::new(T::SCHEMA, &options.renamed, &options.constant);
        Ok(Self {
            format,
            faults: options.import.faults(),
            mapping: mapping.map_err(|error| Usage(error.to_string()))?,
            path,
            written: 0,
        })
    }

    /// What tells the file, and what is made of it, from any other: another name, a change of the file, and everything that
    /// decides what is written. `shop` and `detail` are of the latter.
    pub(super) fn identity<T: Row>(&self, shop: &ShopId, detail: &str) -> Result<String> {
        let path = self
            .path
            .canonicalize()
            .with_context(|| self.path.display().to_string())?;
        let about = path.metadata().with_context(|| self.path.display().to_string())?;
        let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let kind = T::SCHEMA.header();
        let decisive = (
            path,
            about.len(),
            changed,
            kind,
            &self.mapping,
            self.faults,
            shop,
            detail,
        );
        let hash = blake3::hash(format!("{decisive:?}").as_bytes());
        Ok(hash.to_hex()[..32].to_owned())
    }

    /// Opens the file, with a bar called `text`.
    fn open(&self, text: &str) -> Result<(Input<Box<dyn Read + Send>>, BytesBar)> {
        let place = || self.path.display().to_string();
        if self.format == Format::Parquet {
            let file = fs::File::open(&self.path).with_context(place)?;
            let read = Progress::default();
            let bar = progress::bytes(file.metadata()?.len(), text, read.clone());
            return Ok((Input::Parquet(file, read), bar));
        }
        let source = source::open(&self.path).with_context(place)?;
        let bar = progress::bytes(source.total_bytes, text, source.progress.clone());
        let input = match self.format {
            Format::Jsonl => Input::Jsonl(source.reader),
            Format::Csv | Format::Parquet => Input::Csv(source.reader),
        };
        Ok((input, bar))
    }

    /// Sees that the file can be taken: it is there, and without faults unless those are left out.
    pub(super) fn vet<T: Row + 'static>(&self, currency: &Currency) -> Result<()> {
        match self.faults {
            Faults::Stop => self.check::<T>(currency).map(drop),
            Faults::Skip => self.open("opening").map(|(_, bar)| bar.finish()),
        }
    }

    /// Reads the whole file, to its first faults or past all of them, and writes nothing.
    pub(super) fn check<T: Row + 'static>(&self, currency: &Currency) -> Result<Counts> {
        let (input, bar) = self.open("checking")?;
        let checked = self.walk::<T, _>(input, currency);
        bar.finish();
        let (summary, errors) = checked.map_err(|errors| refusal(&self.path, &errors))?;
        self.tell(&summary, &errors);
        Ok(Counts::of(&summary, &errors))
    }

    /// Says what of the file has no part in what is written.
    fn tell(&self, summary: &Summary, errors: &RowErrors) {
        if !summary.unread.is_empty() {
            eprintln!(
                "{}: nothing reads {}",
                self.path.display(),
                summary.unread.join(", ")
            );
        }
        tell_left_out(&self.path, errors);
    }

    fn walk<T: Row, R: Read>(
        &self,
        input: Input<R>,
        currency: &Currency,
    ) -> Result<(Summary, RowErrors), RowErrors> {
        match self.faults {
            Faults::Stop => {
                let summary = generic::validate::<T, R>(input, &self.mapping, currency)?;
                Ok((summary, RowErrors::default()))
            }
            Faults::Skip => {
                let mut batches = generic::batches::<T, R>(input, &self.mapping, currency, Faults::Skip)?;
                batches.by_ref().for_each(drop);
                Ok(batches.finish())
            }
        }
    }

    /// Hands the good rows that were not written before to `write` in batches, each with the number of good rows up
    /// to its end.
    pub(super) async fn write<T, F>(
        &self,
        currency: Currency,
        mut write: impl FnMut(Vec<T>, u64) -> F,
    ) -> Result<Counts>
    where
        T: Row + Send + 'static,
        F: Future<Output = Result<()>>,
    {
        let (input, bar) = self.open("writing")?;
        let (mapping, faults, written) = (self.mapping.clone(), self.faults, self.written);
        let path = self.path.clone();
        let parse = move |hand_on: &mut dyn FnMut((Vec<T>, u64)) -> bool| {
            let mut batches = generic::batches::<T, _>(input, &mapping, &currency, faults)
                .map_err(|errors| refusal(&path, &errors))?;
            let mut rows = 0;
            for batch in batches.by_ref() {
                let batch = batch?;
                rows += batch.len() as u64;
                // Batches end where they ended before.
                if rows > written && !hand_on((batch, rows)) {
                    break;
                }
            }
            Ok(batches.finish())
        };
        let (summary, errors) = sink::pipe(parse, |(batch, rows)| write(batch, rows)).await?;
        bar.finish();
        self.tell(&summary, &errors);
        Ok(Counts {
            resumed_rows: written,
            ..Counts::of(&summary, &errors)
        })
    }
}
