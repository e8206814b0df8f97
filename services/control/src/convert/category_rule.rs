//! Category rules.

use tandem_domain::rule::{CategoryVerdict, RatioBand, StandingRule};
use tandem_proto::v1 as pb;

use super::{text, time};

/// A rule as it stands, beside a generation that was built under version `built` of all rules.
pub(crate) fn category_rule(standing: StandingRule, built: u64) -> pb::CategoryRule {
    let StandingRule { rule, .. } = standing;
    pb::CategoryRule {
        shop_id: text(rule.key.shop),
        anchor_category_id: rule.key.anchor.into(),
        companion_category_id: rule.key.companion.into(),
        verdict: verdict(rule.ruling.verdict()).into(),
        price_band: rule.ruling.band().map(band),
        reason: standing.reason,
        author: standing.author,
        create_time: Some(time(standing.created)),
        update_time: Some(time(standing.updated)),
        etag: standing.version.to_string(),
        in_force: standing.version <= built,
    }
}

fn verdict(verdict: Option<CategoryVerdict>) -> pb::CategoryVerdict {
    match verdict {
        None => pb::CategoryVerdict::Unspecified,
        Some(CategoryVerdict::Related) => pb::CategoryVerdict::Related,
        Some(CategoryVerdict::Forbidden) => pb::CategoryVerdict::Forbidden,
    }
}

fn band(band: RatioBand) -> pb::PriceRatioBand {
    pb::PriceRatioBand {
        min_ratio: band.least().value(),
        max_ratio: band.most().value(),
    }
}
