//! Changing some of a surface.

use std::collections::BTreeMap;

use super::{
    AttachRules, Caps, Experiment, FeedbackRules, PriceBand, ShopScope, StockRules, Surface, WhenStale,
};
use crate::edge::Source;
use crate::relation::Relation;

/// New values for some fields of a surface; `None` leaves one as it is. See [`Surface`] for what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields of Surface say it")]
pub struct SurfacePatch {
    pub relations: Option<Vec<Relation>>,
    pub quotas: Option<BTreeMap<Relation, u32>>,
    pub default_size: Option<u32>,
    pub min_price_percent: Option<Option<u32>>,
    pub max_price_percent: Option<Option<u32>>,
    pub max_per_brand: Option<Option<u32>>,
    pub max_per_category: Option<Option<u32>>,
    pub max_per_shop: Option<Option<u32>>,
    pub shops: Option<ShopScope>,
    pub fallback: Option<Vec<Source>>,
    pub show_unknown_stock: Option<bool>,
    pub max_stock_age_ms: Option<u64>,
    pub stale_lists: Option<WhenStale>,
    pub stale_bundles: Option<WhenStale>,
    pub experiment: Option<Option<Experiment>>,
    pub rank_by_feedback: Option<bool>,
    pub exploration_position: Option<Option<u32>>,
    pub attach_share_percent: Option<u32>,
    pub attach_min_score_percent: Option<u32>,
    pub attach_slow_below: Option<Option<u32>>,
    pub attach_new_days: Option<Option<u32>>,
    pub attach_clearance: Option<bool>,
    pub stock: Option<StockRules>,
}

impl Surface {
    /// The surface with the values of `patch`, at the same version.
    #[must_use]
    pub fn patched(&self, patch: &SurfacePatch) -> Self {
        let patch = patch.clone();
        Self {
            id: self.id.clone(),
            relations: patch.relations.unwrap_or_else(|| self.relations.clone()),
            quotas: patch.quotas.unwrap_or_else(|| self.quotas.clone()),
            default_size: patch.default_size.unwrap_or(self.default_size),
            price_band: PriceBand {
                min_percent: patch.min_price_percent.unwrap_or(self.price_band.min_percent),
                max_percent: patch.max_price_percent.unwrap_or(self.price_band.max_percent),
            },
            caps: Caps {
                per_brand: patch.max_per_brand.unwrap_or(self.caps.per_brand),
                per_category: patch.max_per_category.unwrap_or(self.caps.per_category),
                per_shop: patch.max_per_shop.unwrap_or(self.caps.per_shop),
            },
            shops: patch.shops.unwrap_or(self.shops),
            fallback: patch.fallback.unwrap_or_else(|| self.fallback.clone()),
            show_unknown_stock: patch.show_unknown_stock.unwrap_or(self.show_unknown_stock),
            max_stock_age_ms: patch.max_stock_age_ms.unwrap_or(self.max_stock_age_ms),
            stale_lists: patch.stale_lists.unwrap_or(self.stale_lists),
            stale_bundles: patch.stale_bundles.unwrap_or(self.stale_bundles),
            stock: patch.stock.unwrap_or_else(|| self.stock.clone()),
            experiment: patch.experiment.unwrap_or_else(|| self.experiment.clone()),
            feedback: FeedbackRules {
                rank: patch.rank_by_feedback.unwrap_or(self.feedback.rank),
                explore_at: patch.exploration_position.unwrap_or(self.feedback.explore_at),
            },
            attach: AttachRules {
                share_percent: patch.attach_share_percent.unwrap_or(self.attach.share_percent),
                min_score_percent: patch
                    .attach_min_score_percent
                    .unwrap_or(self.attach.min_score_percent),
                slow_below: patch.attach_slow_below.unwrap_or(self.attach.slow_below),
                new_days: patch.attach_new_days.unwrap_or(self.attach.new_days),
                clearance: patch.attach_clearance.unwrap_or(self.attach.clearance),
            },
            deleted: self.deleted,
            version: self.version,
        }
    }
}
