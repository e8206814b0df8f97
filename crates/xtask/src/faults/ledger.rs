//! Every acknowledgement in a synced file, so that the comparison rests on nothing that a fault can take away.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The last acknowledged state of a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) store_version: u64,
    pub(crate) available: i64,
}

/// The file. A line is `SKU VERSION UNITS`.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    path: PathBuf,
}

impl Ledger {
    /// An empty file at `path`.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Writes an acknowledgement; it is on disk when this returns.
    pub(crate) fn note(&mut self, sku: usize, acknowledged: Acknowledged) -> Result<()> {
        let Acknowledged {
            store_version,
            available,
        } = acknowledged;
        writeln!(self.file, "{sku} {store_version} {available}")?;
        self.file.sync_data()?;
        Ok(())
    }

    /// Begins anew: a restored backup does not know what came after it.
    pub(crate) fn forget(&mut self) -> Result<()> {
        *self = Self::create(&self.path)?;
        Ok(())
    }

    /// Reads the file: the highest version of each SKU.
    pub(crate) fn read(&self) -> Result<BTreeMap<usize, Acknowledged>> {
        let text = std::fs::read_to_string(&self.path)?;
        let mut last = BTreeMap::new();
        for line in text.lines() {
            let parsed = || {
                let mut words = line.split(' ');
                Some((
                    words.next()?.parse::<usize>().ok()?,
                    Acknowledged {
                        store_version: words.next()?.parse().ok()?,
                        available: words.next()?.parse().ok()?,
                    },
                ))
            };
            let (sku, acknowledged) = parsed().with_context(|| format!("{line:?} is no acknowledgement"))?;
            let kept = last.entry(sku).or_insert(acknowledged);
            if acknowledged.store_version > kept.store_version {
                *kept = acknowledged;
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_counts_whatever_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::create(&folder.path().join("ledger")).unwrap();
        for (store_version, available) in [(2, 7), (3, 0), (1, 5)] {
            ledger
                .note(
                    4,
                    Acknowledged {
                        store_version,
                        available,
                    },
                )
                .unwrap();
        }
        assert_eq!(
            ledger.read().unwrap()[&4],
            Acknowledged {
                store_version: 3,
                available: 0
            }
        );
        ledger.forget().unwrap();
        assert!(ledger.read().unwrap().is_empty());
    }
}
