use tandem_domain::pair::{BandSource, Kinship, PairBand, PairCategories};
use tandem_domain::rule::CategoryVerdict;

use crate::epoch::Limits;
use crate::frame::RelatedLeaf;
use crate::row::Row;
use crate::rules::Said;

/// What the categories of the anchor and `companion` are to each other; `None` where one is not known.
pub(super) fn categories(row: &Row<'_>, companion: u32) -> Option<PairCategories> {
    let (products, leaves) = (&row.frame.facts.products, &row.frame.leaves);
    let (own, other) = (
        products.leaf[row.anchor as usize],
        products.leaf[companion as usize],
    );
    let name = |leaf: u32| products.leaves.get(leaf as usize).cloned();
    let said = leaves.rules().said(row.shop(), own, other);
    let pair = leaves.pair(row.shop(), own, other);
    Some(PairCategories {
        anchor: name(own)?,
        companion: name(other)?,
        kinship: if own == other {
            Kinship::Same
        } else {
            kinship(pair, said)
        },
        band: pair.map(|pair| band(row, pair, said)),
    })
}

/// A rule that relates a category which is newer than the epoch waits for the next one, as the gate does.
fn kinship(pair: Option<RelatedLeaf>, said: Said) -> Kinship {
    match (pair, said.verdict) {
        (_, Some((CategoryVerdict::Forbidden, by))) => Kinship::Forbidden(by),
        (Some(_), Some((CategoryVerdict::Related, by))) => Kinship::Curated(by),
        (Some(_), None) => Kinship::Related,
        (None, _) => Kinship::Unrelated,
    }
}

fn band(row: &Row<'_>, pair: RelatedLeaf, said: Said) -> PairBand {
    if let Some((band, by)) = said.band {
        return PairBand {
            least: band.least().value(),
            most: band.most().value(),
            source: BandSource::Rule(by),
        };
    }
    let (limits, source) = match pair.band {
        Some(limits) => (limits, BandSource::Orders),
        None => (Limits::usual(&row.frame.epoch.params.prices), BandSource::Usual),
    };
    PairBand {
        least: limits.low.exp(),
        most: limits.high.exp(),
        source,
    }
}
