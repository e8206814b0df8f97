//! How the projection differs from SQL.

use tandem_domain::change::Change;

use super::compare::{Finding, Seen};

/// Records that are not as SQL says, by kind. A record is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drift {
    /// Stock of a SKU in a pool that differs.
    pub stock: u64,
    /// Products that are on sale in one and off sale in the other.
    pub listing: u64,
    /// Cards that are older, or differ under the same version.
    pub card: u64,
    /// Anchors whose links or fixed bundles are older, or differ under the same version.
    pub link: u64,
    /// Surfaces that are older, or differ under the same version.
    pub surface: u64,
    /// Shops whose thresholds are older, or differ under the same version.
    pub thresholds: u64,
    /// Records of any kind that the projection lacks, or holds something unreadable in the place of.
    pub missing: u64,
    /// Products that SQL does not know and the projection has on sale.
    pub surplus: u64,
    /// Records that are newer than SQL says.
    pub newer: u64,
}

impl Drift {
    /// Every kind with its count, in a fixed order.
    #[must_use]
    pub const fn by_kind(&self) -> [(&'static str, u64); 9] {
        [
            ("stock", self.stock),
            ("listing", self.listing),
            ("card", self.card),
            ("link", self.link),
            ("surface", self.surface),
            ("thresholds", self.thresholds),
            ("missing", self.missing),
            ("surplus", self.surplus),
            ("newer", self.newer),
        ]
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind().iter().map(|(_, count)| count).sum()
    }

    pub(super) fn count(&mut self, finding: &Finding) {
        let kind = match (&finding.seen, &finding.change) {
            (Seen::Nothing, _) => &mut self.missing,
            (Seen::Newer(_), _) => &mut self.newer,
            (_, Change::Stock(_)) => &mut self.stock,
            (_, Change::Card(_)) => &mut self.card,
            (_, Change::Links(_) | Change::Bundles(_)) => &mut self.link,
            (_, Change::Surface(_)) => &mut self.surface,
            (_, Change::Thresholds(_)) => &mut self.thresholds,
            (_, Change::Listing(_) | Change::Heartbeat { .. }) => &mut self.listing,
        };
        *kind += 1;
    }
}
