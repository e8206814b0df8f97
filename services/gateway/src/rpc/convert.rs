//! From the domain onto the wire.

use tandem_domain::catalog::{ProductCard, Provenance};
use tandem_domain::edge::{Evidence, Source};
use tandem_domain::id::ProductId;
use tandem_domain::mend::{MendedSet, Part};
use tandem_domain::money::{Currency, Money};
use tandem_domain::overlay::{Adjustment, DropReason, Dropped, Item};
use tandem_domain::pace::Attached;
use tandem_domain::relation::Relation;
use tandem_domain::stock::Supply;
use tandem_proto::v1;
use tandem_proto::v1::explain_related_product_response::Verdict as WireVerdict;
use tandem_proto::v1::explained_set::Part as SetPart;

use super::words;
use crate::bundles::{PricedSet, Quote, QuoteLine, Sets};
use crate::freshness::Freshness;
use crate::related::{Depth, Detail, Explanation, FoundEdge, Row, Verdict};

pub(super) fn ids(products: &[ProductId]) -> Vec<String> {
    products.iter().map(ToString::to_string).collect()
}

pub(super) fn freshness(freshness: Freshness) -> v1::Freshness {
    v1::Freshness {
        stock_age_ms: u64::try_from(freshness.age.as_millis()).unwrap_or(u64::MAX),
        stale: freshness.stale,
        suppressed: freshness.suppressed,
    }
}

/// Items with their details, which are either none or one for each.
pub(super) fn items(items: Vec<Item>, details: Vec<Detail>, currency: &Currency) -> Vec<v1::RelatedProduct> {
    let details = details.into_iter().chain(std::iter::repeat_with(Detail::default));
    let items = items.into_iter().zip(details);
    items
        .map(|(item, detail)| related(&item, detail, currency))
        .collect()
}

fn related(item: &Item, detail: Detail, currency: &Currency) -> v1::RelatedProduct {
    v1::RelatedProduct {
        product_id: item.offer.product.to_string(),
        relation: relation(item.offer.relation).into(),
        score: item.offer.score,
        reason: words::reason_of(item).to_owned(),
        source: source(item.offer.source).into(),
        generated: item.offer.generated,
        sellable_count: item.vouched.sellable.get().into(),
        card: detail.card.map(|detail| card(&detail, currency)),
        evidence: detail.evidence.as_ref().map(evidence),
        supply: supply(item.vouched.supply).into(),
        adjustment: adjustment(item.adjusted).into(),
    }
}

pub(super) fn dropped(dropped: &[Dropped]) -> Vec<v1::DroppedProduct> {
    let dropped = dropped.iter().map(|candidate| v1::DroppedProduct {
        product_id: candidate.product.to_string(),
        relation: relation(candidate.relation).into(),
        reason: reason(candidate.reason).into(),
    });
    dropped.collect()
}

pub(super) fn explanation(
    explanation: Explanation,
    sets: &Sets,
    companion: &ProductId,
) -> v1::ExplainRelatedProductResponse {
    let (verdict, position, drop_reason) = match explanation.verdict {
        Verdict::Shown(position) => (WireVerdict::Shown, count(position), v1::DropReason::Unspecified),
        Verdict::Dropped(why) => (WireVerdict::Dropped, 0, reason(why)),
        Verdict::NotInGraph => (WireVerdict::NotInGraph, 0, v1::DropReason::Unspecified),
    };
    v1::ExplainRelatedProductResponse {
        verdict: verdict.into(),
        position,
        drop_reason: drop_reason.into(),
        edges: explanation.edges.iter().map(edge).collect(),
        rows: explanation.rows.iter().map(row).collect(),
        link_ids: explanation.links.iter().map(ToString::to_string).collect(),
        generation: explanation.generation,
        freshness: Some(freshness(explanation.freshness)),
        anchor_supply: supply(explanation.anchor_supply).into(),
        companion_supply: supply(explanation.companion_supply).into(),
        adjustment: adjustment(explanation.adjusted).into(),
        pace: explanation.pace.map(|pace| v1::Pace {
            since_day: pace.since,
            sold_units: pace.sold,
            clearance: pace.clearance,
        }),
        bundles_suspended: sets.footing.suspended,
        sets: sets
            .sets
            .iter()
            .filter_map(|priced| in_set(companion, &sets.anchor, &priced.set))
            .collect(),
    }
}

/// What became of a companion in a set; `None` where the set does not name it.
fn in_set(companion: &ProductId, anchor: &ProductId, set: &MendedSet) -> Option<v1::ExplainedSet> {
    let explained = |part: SetPart, exchange: Option<(&ProductId, DropReason)>| v1::ExplainedSet {
        bundle_id: bundle_id(anchor, &set.parts),
        part: part.into(),
        other_product_id: exchange.map(|(other, _)| other.to_string()).unwrap_or_default(),
        reason: exchange.map_or(0, |(_, why)| reason(why).into()),
    };
    let parts = set.parts.iter().find_map(|part| match &part.replaces {
        None => (part.product == *companion).then(|| explained(SetPart::Kept, None)),
        Some((first, why)) if part.product == *companion => {
            Some(explained(SetPart::StandsIn, Some((first, *why))))
        }
        Some((first, why)) => {
            (first == companion).then(|| explained(SetPart::Replaced, Some((&part.product, *why))))
        }
    });
    let left_out = || {
        let (_, why) = set.left_out.iter().find(|(product, _)| product == companion)?;
        Some(v1::ExplainedSet {
            reason: reason(*why).into(),
            ..explained(SetPart::LeftOut, None)
        })
    };
    parts.or_else(left_out)
}

fn edge(edge: &FoundEdge) -> v1::ExplainedEdge {
    v1::ExplainedEdge {
        relation: relation(Some(edge.candidate.relation)).into(),
        rank: count(edge.rank),
        score: edge.candidate.score,
        source: source(edge.candidate.source).into(),
        generated: edge.candidate.generated,
        evidence: edge.evidence.as_ref().map(evidence),
    }
}

fn row(row: &Row) -> v1::RowSummary {
    v1::RowSummary {
        relation: relation(Some(row.relation)).into(),
        length: count(row.length),
        cut_off: row.refused.cut_off,
        refused_support: row.refused.support,
        refused_significance: row.refused.significance,
        refused_category: row.refused.category,
        refused_relation: row.refused.relation,
        refused_price: row.refused.price,
        refused_rank: row.refused.rank,
    }
}

/// Sets, each with what `sign` makes of the companions before it and of its own.
pub(super) fn sets(
    sets: &Sets,
    depth: Depth,
    currency: &Currency,
    sign: impl Fn(usize, &[Part]) -> String,
) -> Vec<v1::BundleSet> {
    let card_of = |product: &ProductId| match depth {
        Depth::Basic => None,
        Depth::Full => sets.cards.get(product).map(|found| card(found, currency)),
    };
    let anchor = v1::BundleItem {
        product_id: sets.anchor.to_string(),
        quantity: 1,
        role: "anchor".to_owned(),
        replaces_product_id: String::new(),
        sellable_count: sets.anchor_sellable.get().into(),
        support: 0,
        card: card_of(&sets.anchor),
        supply: supply(sets.footing.supply).into(),
        replaces_reason: v1::DropReason::Unspecified.into(),
    };
    let mut before = sets.parts_before;
    let set = |priced: &PricedSet| {
        let own = &priced.set.parts;
        let parts = own.iter().map(|own| part(own, card_of(&own.product)));
        let items = [anchor.clone()].into_iter().chain(parts).collect();
        let attribution_token = sign(before, own);
        before += own.len();
        v1::BundleSet {
            attribution_token,
            ..bundle(sets, priced, items, currency)
        }
    };
    sets.sets.iter().map(set).collect()
}

fn bundle(sets: &Sets, priced: &PricedSet, items: Vec<v1::BundleItem>, currency: &Currency) -> v1::BundleSet {
    let PricedSet { set, total } = priced;
    v1::BundleSet {
        bundle_id: bundle_id(&sets.anchor, &set.parts),
        items,
        total_price: total.map(|total| money(total, currency)),
        bundle_price: total.map(|total| money(total, currency)),
        saving: total.map(|_| money(Money::ZERO, currency)),
        sellable_count: set.sellable.get().into(),
        score: set.score,
        support: set.support,
        anchor_count: set.anchor_count,
        evidence: words::set(set),
        generated: set.generated,
        left_out: set.left_out.iter().map(left_out).collect(),
        attribution_token: String::new(),
        fixed_bundle_id: set
            .fixed
            .as_ref()
            .map(|(id, _)| id.to_string())
            .unwrap_or_default(),
        title: set
            .fixed
            .as_ref()
            .map(|(_, title)| title.clone())
            .unwrap_or_default(),
    }
}

fn left_out((product, why): &(ProductId, DropReason)) -> v1::DroppedProduct {
    v1::DroppedProduct {
        product_id: product.to_string(),
        relation: v1::Relation::Unspecified.into(),
        reason: reason(*why).into(),
    }
}

/// The same anchor and members give the same id, in whatever order they are shown.
fn bundle_id(anchor: &ProductId, parts: &[Part]) -> String {
    let mut members: Vec<(&str, u32)> = parts
        .iter()
        .map(|part| (part.product.as_str(), part.quantity))
        .collect();
    members.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (member, quantity) in [(anchor.as_str(), 1)].into_iter().chain(members) {
        hasher.update(&(member.len() as u64).to_le_bytes());
        hasher.update(member.as_bytes());
        hasher.update(&quantity.to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn part(part: &Part, card: Option<v1::ProductCard>) -> v1::BundleItem {
    v1::BundleItem {
        product_id: part.product.to_string(),
        quantity: part.quantity,
        role: part.role.clone(),
        replaces_product_id: part
            .replaces
            .as_ref()
            .map(|(product, _)| product.to_string())
            .unwrap_or_default(),
        sellable_count: part.sellable.get().into(),
        support: part.support,
        card,
        supply: supply(part.supply).into(),
        replaces_reason: part
            .replaces
            .as_ref()
            .map_or(v1::DropReason::Unspecified, |(_, why)| reason(*why))
            .into(),
    }
}

pub(super) fn quote(quote: Quote, currency: &Currency) -> v1::QuoteBundleResponse {
    v1::QuoteBundleResponse {
        items: quote.lines.iter().map(|line| quoted(line, currency)).collect(),
        total_price: quote.total.map(|total| money(total, currency)),
        bundle_price: quote.total.map(|total| money(total, currency)),
        saving: quote.total.map(|_| money(Money::ZERO, currency)),
        sellable_count: quote.sellable,
        freshness: Some(freshness(quote.freshness)),
    }
}

fn quoted(line: &QuoteLine, currency: &Currency) -> v1::QuotedItem {
    v1::QuotedItem {
        product_id: line.product.to_string(),
        sku_id: line.sku.as_ref().map(ToString::to_string).unwrap_or_default(),
        quantity: line.quantity,
        unit_price: line.unit_price.map(|price| money(price, currency)),
        available: line.available,
    }
}

fn card(card: &ProductCard, currency: &Currency) -> v1::ProductCard {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    v1::ProductCard {
        product_id: card.id.to_string(),
        shop_id: card.shop.to_string(),
        title: card.title.clone(),
        category_id: text(card.category.as_ref().map(AsRef::as_ref)),
        brand: text(card.brand.as_deref()),
        series_id: text(card.series.as_ref().map(AsRef::as_ref)),
        price: card.price.map(|price| money(price, currency)),
        image_uri: text(card.image_uri.as_deref()),
        generated: card.provenance == Provenance::Generated,
    }
}

fn evidence(evidence: &Evidence) -> v1::Evidence {
    v1::Evidence {
        signal: i32::from(evidence.signal.code()),
        support: evidence.support,
        anchor_count: evidence.anchor_count,
        companion_count: evidence.companion_count,
        total: evidence.total,
        lift: evidence.lift,
        llr: evidence.llr,
        window_days: evidence.window_days,
        text: evidence.words(),
    }
}

fn money(amount: Money, currency: &Currency) -> v1::Money {
    v1::Money {
        currency_code: currency.code.clone(),
        amount_minor: amount.minor(),
    }
}

fn relation(relation: Option<Relation>) -> v1::Relation {
    match relation {
        None => v1::Relation::Unspecified,
        Some(Relation::Together) => v1::Relation::Together,
        Some(Relation::AlsoViewed) => v1::Relation::AlsoViewed,
        Some(Relation::Complement) => v1::Relation::Complement,
        Some(Relation::Substitute) => v1::Relation::Substitute,
        Some(Relation::Upsell) => v1::Relation::Upsell,
        Some(Relation::Series) => v1::Relation::Series,
    }
}

pub(super) fn supply(supply: Option<Supply>) -> v1::Supply {
    match supply {
        None => v1::Supply::Unspecified,
        Some(Supply::Plenty) => v1::Supply::Plenty,
        Some(Supply::Low) => v1::Supply::Low,
        Some(Supply::Critical) => v1::Supply::Critical,
        Some(Supply::Out) => v1::Supply::Out,
    }
}

fn adjustment(adjusted: Option<Adjustment>) -> v1::Adjustment {
    match adjusted {
        None => v1::Adjustment::Unspecified,
        Some(Adjustment::Demoted) => v1::Adjustment::Demoted,
        Some(Adjustment::Leads) => v1::Adjustment::Leads,
        Some(Adjustment::Attached(Attached::Slow)) => v1::Adjustment::SlowMover,
        Some(Adjustment::Attached(Attached::New)) => v1::Adjustment::NewArrival,
        Some(Adjustment::Attached(Attached::Clearance)) => v1::Adjustment::Clearance,
    }
}

fn source(source: Source) -> v1::Source {
    match source {
        Source::Manual => v1::Source::Manual,
        Source::Learned => v1::Source::Learned,
        Source::Attribute => v1::Source::Attribute,
        Source::Bestseller => v1::Source::Bestseller,
    }
}

fn reason(reason: DropReason) -> v1::DropReason {
    match reason {
        DropReason::OutOfStock => v1::DropReason::OutOfStock,
        DropReason::UnknownStock => v1::DropReason::UnknownStock,
        DropReason::Delisted => v1::DropReason::Delisted,
        DropReason::ExcludedByMerchant => v1::DropReason::ExcludedByMerchant,
        DropReason::ExcludedByRequest => v1::DropReason::ExcludedByRequest,
        DropReason::Duplicate => v1::DropReason::Duplicate,
        DropReason::BelowLimit => v1::DropReason::BelowLimit,
        DropReason::StaleStock => v1::DropReason::StaleStock,
        DropReason::NotListed => v1::DropReason::NotListed,
        DropReason::FilteredCategory => v1::DropReason::FilteredCategory,
        DropReason::FilteredBrand => v1::DropReason::FilteredBrand,
        DropReason::FilteredShop => v1::DropReason::FilteredShop,
        DropReason::FilteredPrice => v1::DropReason::FilteredPrice,
        DropReason::ShopScope => v1::DropReason::ShopScope,
        DropReason::PriceBand => v1::DropReason::PriceBand,
        DropReason::RelationQuota => v1::DropReason::RelationQuota,
        DropReason::BrandCap => v1::DropReason::BrandCap,
        DropReason::CategoryCap => v1::DropReason::CategoryCap,
        DropReason::ShopCap => v1::DropReason::ShopCap,
        DropReason::LowStock => v1::DropReason::LowStock,
        DropReason::AnchorLow => v1::DropReason::AnchorLow,
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
