//! Records of SQL beside those of the projection.

use std::cmp::Ordering;
use std::collections::HashMap;

use tandem_cache::port::Cache;
use tandem_domain::catalog::StockPolicy;
use tandem_domain::change::Change;
use tandem_domain::id::{MarketplaceId, ProductId, SkuId};
use tandem_domain::principal::Principal;
use tandem_domain::stock::Pool;
use tandem_store::Store;

use crate::error::PassError;

/// What the projection has in the place of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    /// An older version, or stock that differs: its units and those that may be sold.
    Other(u64, i64),
    /// A newer version.
    Newer(u64),
}

/// A record that is not as SQL says.
#[derive(Debug)]
pub(super) struct Finding {
    /// What SQL says.
    pub(super) change: Change,
    pub(super) seen: Seen,
}

impl Finding {
    pub(super) fn is_behind(&self) -> bool {
        !matches!(self.seen, Seen::Newer(_))
    }
}

/// What differs among `changes`. Listings are no records that can be read: the states that follow from them are looked
/// at from the projection's side.
pub(super) async fn compare(
    cache: &dyn Cache,
    marketplace: &MarketplaceId,
    changes: Vec<Change>,
) -> Result<Vec<Finding>, PassError> {
    let held = Held::read(cache, marketplace, &changes).await?;
    let finding = |change: Change| held.seen(&change).map(|seen| Finding { change, seen });
    Ok(changes.into_iter().filter_map(finding).collect())
}

/// What the projection holds of the things that some changes are about; stock by SKU and pool, the rest by version.
struct Held {
    stock: HashMap<(SkuId, Pool), (i64, u32, StockPolicy)>,
    cards: HashMap<ProductId, u64>,
    links: HashMap<ProductId, u64>,
    bundles: HashMap<ProductId, u64>,
    surfaces: HashMap<String, u64>,
}

impl Held {
    async fn read(
        cache: &dyn Cache,
        marketplace: &MarketplaceId,
        changes: &[Change],
    ) -> Result<Self, PassError> {
        let (mut stocked, mut carded, mut anchors, mut any_surface) = (vec![], vec![], vec![], false);
        let mut bundled = vec![];
        for change in changes {
            match change {
                Change::Stock(change) => stocked.push(change.product.clone()),
                Change::Card(card) => carded.push(card.id.clone()),
                Change::Links(links) => anchors.push(links.anchor.clone()),
                Change::Bundles(bundles) => bundled.push(bundles.anchor.clone()),
                Change::Surface(_) => any_surface = true,
                Change::Listing(_) | Change::Thresholds(_) | Change::Heartbeat { .. } => {}
            }
        }
        stocked.sort_unstable();
        stocked.dedup();
        let stock = cache.stock(marketplace, &stocked).await?;
        let cards = cache.cards(marketplace, &carded).await?;
        let links = cache.links(marketplace, &anchors).await?;
        let bundles = cache.fixed_bundles(marketplace, &bundled).await?;
        let surfaces = match any_surface {
            true => cache.surfaces(marketplace).await?,
            false => Vec::new(),
        };
        let stock = stock.into_iter().flatten();
        Ok(Self {
            stock: stock
                .map(|exact| {
                    let held = (exact.available, exact.sellable, exact.policy);
                    ((exact.sku, exact.pool), held)
                })
                .collect(),
            cards: cards
                .into_iter()
                .flatten()
                .map(|card| (card.id, card.version))
                .collect(),
            links: links
                .into_iter()
                .flatten()
                .map(|set| (set.anchor, set.version))
                .collect(),
            bundles: bundles
                .into_iter()
                .flatten()
                .map(|set| (set.anchor, set.version))
                .collect(),
            surfaces: surfaces
                .into_iter()
                .map(|surface| (surface.id.to_string(), surface.version))
                .collect(),
        })
    }

    fn seen(&self, change: &Change) -> Option<Seen> {
        match change {
            Change::Stock(change) => {
                let held = self.stock.get(&(change.sku.clone(), change.pool.clone()));
                match held {
                    None => Some(Seen::Nothing),
                    Some(held) if *held == (change.available, change.sellable, change.policy) => None,
                    Some((available, sellable, _)) => Some(Seen::Other(u64::from(*sellable), *available)),
                }
            }
            Change::Card(card) => version(self.cards.get(&card.id), card.version),
            // An anchor without links needs no record.
            Change::Links(set) => match version(self.links.get(&set.anchor), set.version) {
                Some(Seen::Nothing) if set.links.is_empty() => None,
                seen => seen,
            },
            Change::Bundles(set) => match version(self.bundles.get(&set.anchor), set.version) {
                Some(Seen::Nothing) if set.bundles.is_empty() => None,
                seen => seen,
            },
            Change::Surface(surface) => version(self.surfaces.get(surface.id.as_str()), surface.version),
            Change::Listing(_) | Change::Thresholds(_) | Change::Heartbeat { .. } => None,
        }
    }
}

fn version(held: Option<&u64>, wanted: u64) -> Option<Seen> {
    let Some(held) = held else {
        return Some(Seen::Nothing);
    };
    match held.cmp(&wanted) {
        Ordering::Equal => None,
        Ordering::Less => Some(Seen::Other(*held, 0)),
        Ordering::Greater => Some(Seen::Newer(*held)),
    }
}

/// Leaves out stock that SQL gave another version since it was read: the projection may have that one already. The other
/// kinds tell their versions themselves.
pub(super) async fn confirm(
    store: &Store,
    marketplace: &MarketplaceId,
    findings: Vec<Finding>,
) -> Result<Vec<Finding>, PassError> {
    let skus: Vec<SkuId> = findings
        .iter()
        .filter_map(|finding| match &finding.change {
            Change::Stock(change) => Some(change.sku.clone()),
            _ => None,
        })
        .collect();
    if skus.is_empty() {
        return Ok(findings);
    }
    let platform = Principal {
        marketplace: marketplace.clone(),
        shop: None,
        subject: "reconcile".to_owned(),
        scopes: Vec::new(),
    };
    let levels = store.stock(&platform, &skus).await?;
    let now: HashMap<_, _> = levels
        .into_iter()
        .map(|level| ((level.sku, level.pool), level.store_version))
        .collect();
    let stands = |finding: &Finding| match &finding.change {
        Change::Stock(change) => {
            now.get(&(change.sku.clone(), change.pool.clone())) == Some(&change.store_version)
        }
        _ => true,
    };
    Ok(findings.into_iter().filter(stands).collect())
}
