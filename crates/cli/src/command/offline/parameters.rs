//! `--params`: parameters, or a whole epoch record.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tandem_graph::{EpochRecord, Params};

/// What a file freezes.
#[derive(Debug)]
pub(super) enum Given {
    /// The numbers of the formulas.
    Params(Box<Params>),
    /// These, and everything else that is not a co-count of a row.
    Record(Box<EpochRecord>),
}

impl Given {
    /// The numbers of the formulas.
    pub(super) fn params(&self) -> &Params {
        match self {
            Self::Params(params) => params,
            Self::Record(epoch) => epoch.params(),
        }
    }
}

/// What tells a record from parameters: it has some of its own.
#[derive(Deserialize)]
struct Told {
    params: Option<IgnoredAny>,
}

/// Reads the file, and refuses what no formula can work with or no build could have written.
pub(super) fn read(path: &Path) -> Result<Given> {
    let place = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(place)?;
    parse(&text).with_context(place)
}

fn parse(text: &str) -> Result<Given> {
    let Told { params } = serde_json::from_str(text)?;
    if params.is_none() {
        return Ok(Given::Params(Box::new(Params::from_json(text)?)));
    }
    let epoch: EpochRecord = serde_json::from_str(text)?;
    epoch.check()?;
    Ok(Given::Record(Box::new(epoch)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tandem_testing::damage::{cases, damaged, damages, within_memory};

    use super::*;

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn parameters_that_came_to_harm_are_refused_or_can_be_used(damages in damages(4)) {
            let good = serde_json::to_vec(&Params::default()).unwrap();
            let bad = String::from_utf8_lossy(&damaged(&good, &damages)).into_owned();
            let given = within_memory(|| parse(&bad));
            if let Ok(given) = given {
                prop_assert_eq!(given.params().check(), Ok(()));
            }
        }
    }
}
