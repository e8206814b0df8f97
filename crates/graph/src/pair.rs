//! One pair, counted as a build counts it.

mod category;

use tandem_domain::id::ProductId;
use tandem_domain::pair::{PairCounts, PairPlace, PairReport, PairVerdict};

use crate::build::{Workbench, with_row};
use crate::epoch::EpochRecord;
use crate::facts::{Facts, dense};
use crate::frame::Frame;
use crate::row::{Listing, Row, Verdict};
use crate::signals::Input;

/// What has counters of a pair; swing weighs the sessions of `CoView` anew and counts nothing else.
const COUNTED: [Input; 5] = [
    Input::CoPurchase,
    Input::CoCart,
    Input::CoView,
    Input::ViewedThenBought,
    Input::Scene,
];

/// The counters of `companion` in the row of `anchor`, and its place in the row's lists. `None` where the facts lack one
/// of them. Under the epoch record that the facts were gathered under it tells what the build says.
#[must_use]
pub fn explain_pair(
    facts: &Facts,
    epoch: &EpochRecord,
    anchor: &ProductId,
    companion: &ProductId,
) -> Option<PairReport> {
    let place = |id: &ProductId| facts.ids().binary_search(id).ok().map(dense);
    let (anchor, companion) = (place(anchor)?, place(companion)?);
    let frame = Frame::new(facts, epoch);
    let report = with_row(&frame, anchor, &mut Workbench::new(&frame), |row, listings, _| {
        PairReport {
            anchor: facts.ids()[anchor as usize].clone(),
            companion: facts.ids()[companion as usize].clone(),
            counts: COUNTED.map(|input| counts(row, input, companion)).into(),
            places: listings
                .iter()
                .map(|listing| standing(listing, companion))
                .collect(),
            categories: category::categories(row, companion),
        }
    });
    Some(report)
}

fn counts(row: &Row<'_>, input: Input, companion: u32) -> PairCounts {
    PairCounts {
        evidence: row.evidence(input, companion),
        verdict: match row.verdict(input, companion) {
            Verdict::Passes => PairVerdict::Passes,
            Verdict::Rare => PairVerdict::Rare,
            Verdict::Chance => PairVerdict::Chance,
        },
    }
}

fn standing(listing: &Listing, companion: u32) -> PairPlace {
    let at = listing.chosen.iter().position(|one| one.item == companion);
    PairPlace {
        relation: listing.relation,
        rank: at.map_or(0, |at| dense(at + 1)),
        score: at.map_or(0.0, |at| listing.chosen[at].score),
        length: dense(listing.chosen.len()),
        cut_off: listing.refused.cut_off,
    }
}
