//! What the counts say, in words.

use tandem_domain::edge::Source;
use tandem_domain::mend::MendedSet;
use tandem_domain::overlay::{Adjustment, Item, Offer};
use tandem_domain::pace::Attached;
use tandem_domain::relation::Relation;

/// Why an item stands where it does, in a few words.
pub(super) fn reason_of(item: &Item) -> &'static str {
    match item.adjusted {
        Some(Adjustment::Attached(Attached::Slow)) => "goes with it, sells slowly",
        Some(Adjustment::Attached(Attached::New)) => "goes with it, new",
        Some(Adjustment::Attached(Attached::Clearance)) => "goes with it, on clearance",
        Some(Adjustment::Demoted | Adjustment::Leads) | None => reason(&item.offer),
    }
}

/// Why a companion is shown, in a few words.
pub(crate) fn reason<P>(offer: &Offer<P>) -> &'static str {
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

/// "all 3 in 41 of 214 orders". A mended set still tells what was learned, and says that it does.
pub(super) fn set(set: &MendedSet) -> String {
    let MendedSet {
        support,
        anchor_count,
        ..
    } = set;
    if set.fixed.is_some() {
        return "put together by the merchant".to_owned();
    }
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
