//! Surfaces.

use tandem_domain::edge::Source;
use tandem_domain::stock::{PoolKind, Supply};
use tandem_domain::surface::{ShopScope, StockRules, Surface, SurfaceAction, SurfaceRevision, WhenStale};
use tandem_proto::v1 as pb;
use tandem_proto::v1::surface_revision::Action;

use super::catalog::policy;
use super::link::relation;
use super::time;

/// A surface as it stands.
pub(crate) fn surface(revision: SurfaceRevision) -> pb::Surface {
    let time = time(revision.time);
    let surface = revision.surface;
    let quotas = surface.quotas.iter().map(|(kind, max_items)| pb::RelationQuota {
        relation: relation(*kind).into(),
        max_items: *max_items,
    });
    pb::Surface {
        built_in: Surface::is_built_in(&surface.id),
        quotas: quotas.collect(),
        relations: surface
            .relations
            .iter()
            .map(|kind| relation(*kind).into())
            .collect(),
        default_size: surface.default_size,
        min_price_percent: surface.price_band.min_percent.unwrap_or_default(),
        max_price_percent: surface.price_band.max_percent.unwrap_or_default(),
        max_per_brand: surface.caps.per_brand.unwrap_or_default(),
        max_per_category: surface.caps.per_category.unwrap_or_default(),
        max_per_shop: surface.caps.per_shop.unwrap_or_default(),
        shop_scope: shop_scope(surface.shops).into(),
        fallback: surface.fallback.iter().map(|step| source(*step).into()).collect(),
        show_unknown_stock: surface.show_unknown_stock,
        max_stock_age_ms: surface.max_stock_age_ms,
        stale_lists: when_stale(surface.stale_lists).into(),
        stale_bundles: when_stale(surface.stale_bundles).into(),
        experiment: surface.experiment.map(|experiment| pb::Experiment {
            experiment_id: experiment.id,
            arm: experiment.arm,
        }),
        rank_by_feedback: surface.feedback.rank,
        exploration_position: surface.feedback.explore_at.unwrap_or_default(),
        attach_share_percent: surface.attach.share_percent,
        attach_min_score_percent: surface.attach.min_score_percent,
        attach_slow_below: surface.attach.slow_below.unwrap_or_default(),
        attach_new_days: surface.attach.new_days.unwrap_or_default(),
        attach_clearance: surface.attach.clearance,
        stock: Some(stock(&surface.stock)),
        etag: surface.version.to_string(),
        update_time: Some(time),
        surface_id: surface.id.into(),
    }
}

/// A surface as it stood.
pub(crate) fn revision(revision: SurfaceRevision) -> pb::SurfaceRevision {
    pb::SurfaceRevision {
        version: revision.surface.version,
        action: action(revision.action).into(),
        author: revision.author.clone(),
        reason: revision.reason.clone(),
        create_time: Some(time(revision.time)),
        surface: Some(surface(revision)),
    }
}

fn stock(rules: &StockRules) -> pb::StockRules {
    let (anchor, companion) = (rules.anchor, rules.companion);
    pb::StockRules {
        counts: rules.counts.iter().map(|own| policy(own).into()).collect(),
        pools: rules.pools.iter().map(|kind| pool(*kind).into()).collect(),
        anchor: Some(pb::AnchorRules {
            lead_with_substitutes: supply(anchor.lead_with_substitutes).into(),
            suspend_bundles: supply(anchor.suspend_bundles).into(),
            hide: supply(anchor.hide).into(),
        }),
        companion: Some(pb::CompanionRules {
            demote: supply(companion.demote).into(),
            replace: supply(companion.replace).into(),
            drop: supply(companion.drop).into(),
        }),
    }
}

/// Held stock is for nobody: no surface sells it.
fn pool(kind: PoolKind) -> pb::PoolKind {
    match kind {
        PoolKind::Held => pb::PoolKind::Unspecified,
        PoolKind::Normal => pb::PoolKind::Normal,
        PoolKind::Promotion => pb::PoolKind::Promotion,
        PoolKind::Creator => pb::PoolKind::Creator,
        PoolKind::Room => pb::PoolKind::Room,
    }
}

fn supply(from: Option<Supply>) -> pb::Supply {
    match from {
        None => pb::Supply::Unspecified,
        Some(Supply::Plenty) => pb::Supply::Plenty,
        Some(Supply::Low) => pb::Supply::Low,
        Some(Supply::Critical) => pb::Supply::Critical,
        Some(Supply::Out) => pb::Supply::Out,
    }
}

fn action(action: SurfaceAction) -> Action {
    match action {
        SurfaceAction::Create => Action::Create,
        SurfaceAction::Update => Action::Update,
        SurfaceAction::Rollback => Action::Rollback,
        SurfaceAction::Delete => Action::Delete,
    }
}

fn shop_scope(scope: ShopScope) -> pb::ShopScope {
    match scope {
        ShopScope::Marketplace => pb::ShopScope::Marketplace,
        ShopScope::SameShop => pb::ShopScope::SameShop,
    }
}

fn when_stale(action: WhenStale) -> pb::WhenStale {
    match action {
        WhenStale::Mark => pb::WhenStale::Mark,
        WhenStale::Suppress => pb::WhenStale::Suppress,
    }
}

fn source(source: Source) -> pb::Source {
    match source {
        Source::Manual => pb::Source::Manual,
        Source::Learned => pb::Source::Learned,
        Source::Attribute => pb::Source::Attribute,
        Source::Bestseller => pb::Source::Bestseller,
    }
}
