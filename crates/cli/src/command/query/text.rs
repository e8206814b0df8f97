//! Answers for people.

use tandem_domain::money::{Currency, Money};
use tandem_proto::v1 as pb;
use tandem_proto::v1::{BundleSet, DropReason, Freshness, RelatedProduct, Relation, Supply};

use crate::output;

/// Why a companion is shown: what was counted, or else what was not.
#[must_use]
pub fn why(item: &RelatedProduct) -> &str {
    match &item.evidence {
        Some(evidence) if !evidence.text.is_empty() => &evidence.text,
        _ => &item.reason,
    }
}

/// Prints companions as a table.
pub fn print_items(items: &[RelatedProduct]) {
    let mut table = output::table(&["", "product", "title", "price", "relation", "why", "stock"]);
    for (place, item) in (1..).zip(items) {
        let card = item.card.clone().unwrap_or_default();
        let why = why(item);
        table.add_row([
            format!("{place}."),
            item.product_id.clone(),
            card.title,
            card.price.as_ref().map(money_text).unwrap_or_default(),
            relation_text(item.relation()).to_owned(),
            if item.generated {
                format!("{why} (generated data)")
            } else {
                why.to_owned()
            },
            match item.supply() {
                Supply::Low | Supply::Critical => {
                    format!("{} ({})", item.sellable_count, supply_text(item.supply()))
                }
                _ => item.sellable_count.to_string(),
            },
        ]);
    }
    println!("{table}");
}

/// A set as a few lines.
#[must_use]
pub fn bundle_text(set: &BundleSet) -> String {
    let price = set.bundle_price.as_ref().map(money_text).unwrap_or_default();
    let name = match set.title.as_str() {
        "" => set.bundle_id.clone(),
        title => format!("{title} ({})", set.fixed_bundle_id),
    };
    let mut lines = vec![format!(
        "set {name} · {price} · {} can be sold · {}",
        set.sellable_count, set.evidence
    )];
    for item in &set.items {
        let card = item.card.clone().unwrap_or_default();
        let stand_in = match item.replaces_product_id.as_str() {
            "" => String::new(),
            replaced => format!(
                " (stands in for {replaced}: {})",
                reason_text(item.replaces_reason())
            ),
        };
        lines.push(format!(
            "    {:<10} {:<44} {:>12}  {}{stand_in}",
            item.product_id,
            card.title,
            card.price.as_ref().map(money_text).unwrap_or_default(),
            item.role
        ));
    }
    let left_out = set.left_out.iter();
    lines.extend(left_out.map(|dropped| {
        format!(
            "    without {}: {}",
            dropped.product_id,
            reason_text(dropped.reason())
        )
    }));
    lines.join("\n")
}

/// `out of stock` for DROP_REASON_OUT_OF_STOCK.
pub(super) fn reason_text(reason: DropReason) -> String {
    output::words(reason.as_str_name(), "DROP_REASON_")
}

/// `complement` for RELATION_COMPLEMENT.
#[must_use]
pub fn relation_text(relation: Relation) -> &'static str {
    match relation {
        Relation::Unspecified => "",
        Relation::Together => "together",
        Relation::AlsoViewed => "also_viewed",
        Relation::Complement => "complement",
        Relation::Substitute => "substitute",
        Relation::Upsell => "upsell",
        Relation::Series => "series",
    }
}

/// Says when an answer is not what it would be with fresh stock.
pub(super) fn print_freshness(freshness: Option<&Freshness>) {
    match freshness {
        Some(freshness) if freshness.suppressed => println!("withheld: the view of stock is too old"),
        Some(freshness) if freshness.stale => println!(
            "marked: the view of stock is {} ms old, and what is sold out may be among these",
            freshness.stock_age_ms
        ),
        _ => {}
    }
}

/// `low` for SUPPLY_LOW.
#[must_use]
pub fn supply_text(supply: Supply) -> &'static str {
    match supply {
        Supply::Unspecified => "unknown",
        Supply::Plenty => "plenty",
        Supply::Low => "low",
        Supply::Critical => "critical",
        Supply::Out => "out",
    }
}

/// `2.55 GBP`.
#[must_use]
pub fn money_text(money: &pb::Money) -> String {
    let exponent = if matches!(money.currency_code.as_str(), "JPY" | "KRW" | "VND") {
        0
    } else {
        2
    };
    Currency {
        code: money.currency_code.clone(),
        exponent,
    }
    .format(Money::from_minor(money.amount_minor))
}
