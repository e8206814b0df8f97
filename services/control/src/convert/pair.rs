//! What the categories of a pair are to each other.

use tandem_domain::pair::{Authority, BandSource, Kinship, PairCategories};
use tandem_proto::v1 as pb;
use tandem_proto::v1::pair_categories::Kinship as Kin;

pub(super) fn categories(told: PairCategories) -> pb::PairCategories {
    let (kinship, kinship_rule) = kinship(told.kinship);
    let source = told.band.map(|band| band.source);
    pb::PairCategories {
        anchor_category_id: told.anchor.into(),
        companion_category_id: told.companion.into(),
        kinship: kinship.into(),
        kinship_rule: owner(kinship_rule).into(),
        price_band: told.band.map(|band| pb::PriceRatioBand {
            min_ratio: band.least,
            max_ratio: band.most,
        }),
        price_band_rule: match source {
            Some(BandSource::Rule(by)) => owner(Some(by)).into(),
            Some(BandSource::Usual | BandSource::Orders) | None => owner(None).into(),
        },
    }
}

fn kinship(kinship: Kinship) -> (Kin, Option<Authority>) {
    match kinship {
        Kinship::Same => (Kin::Same, None),
        Kinship::Related => (Kin::Related, None),
        Kinship::Unrelated => (Kin::Unrelated, None),
        Kinship::Curated(by) => (Kin::Related, Some(by)),
        Kinship::Forbidden(by) => (Kin::Unrelated, Some(by)),
    }
}

fn owner(authority: Option<Authority>) -> pb::RuleOwner {
    match authority {
        None => pb::RuleOwner::Unspecified,
        Some(Authority::Marketplace) => pb::RuleOwner::Marketplace,
        Some(Authority::Shop) => pb::RuleOwner::Shop,
    }
}
