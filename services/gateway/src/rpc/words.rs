//! What the counts say, in words.

use tandem_domain::edge::{Evidence, Signal, Source};
use tandem_domain::mend::MendedSet;
use tandem_domain::overlay::Offer;
use tandem_domain::relation::Relation;

/// Why a companion is shown, in a few words.
pub(crate) fn reason(offer: &Offer) -> &'static str {
    match (offer.source, offer.relation) {
        (Source::Manual, _) => "chosen by the merchant",
        (Source::Bestseller, _) => "bestseller",
        (_, Some(Relation::Together)) => "bought together",
        (_, Some(Relation::AlsoViewed)) => "also viewed",
        (_, Some(Relation::Complement)) => "goes with it",
        (_, Some(Relation::Substitute)) => "alternative",
        (_, Some(Relation::Upsell)) => "a step up",
        (_, Some(Relation::Series)) => "same series or brand",
        (_, None) => "related",
    }
}

/// "57 % of 214 orders".
pub(super) fn evidence(evidence: &Evidence) -> String {
    let whole = match evidence.signal {
        Signal::Attributes => return "shared attributes".to_owned(),
        Signal::CoPurchase => "orders",
        Signal::CoCart => "carts",
        Signal::CoView => "sessions",
        Signal::ViewedThenBought => "viewers",
        Signal::Scene => "scenes",
    };
    format!(
        "{} % of {} {whole}",
        percent(evidence.share()),
        evidence.anchor_count
    )
}

/// "all 3 in 41 of 214 orders". A mended set still tells what was learned, and says that it does.
pub(super) fn set(set: &MendedSet) -> String {
    let MendedSet {
        support,
        anchor_count,
        ..
    } = set;
    let text = match support {
        0 => format!("inferred from pairs in {anchor_count} orders"),
        support => format!(
            "all {} in {support} of {anchor_count} orders",
            set.learned_parts + 1
        ),
    };
    if set.is_as_learned() {
        text
    } else {
        format!("before mending: {text}")
    }
}

/// Whole percents, with one decimal where a whole one would say little.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 9.95 || percent == 0.0 {
        format!("{percent:.0}")
    } else {
        format!("{percent:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(signal: Signal, support: u32, anchor_count: u32) -> Evidence {
        Evidence {
            signal,
            support,
            anchor_count,
            companion_count: 300,
            total: 20_000,
            lift: 12.0,
            llr: 99.0,
            window_days: 400,
        }
    }

    #[test]
    fn counts_are_told_as_a_share_of_what_was_counted() {
        assert_eq!(
            evidence(&counts(Signal::CoPurchase, 122, 214)),
            "57 % of 214 orders"
        );
        assert_eq!(evidence(&counts(Signal::CoView, 3, 214)), "1.4 % of 214 sessions");
        assert_eq!(
            evidence(&counts(Signal::ViewedThenBought, 0, 0)),
            "0 % of 0 viewers"
        );
        assert_eq!(evidence(&counts(Signal::Attributes, 0, 0)), "shared attributes");
    }
}
