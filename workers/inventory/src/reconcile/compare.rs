//! Records of SQL beside those of the projection.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use tandem_cache::codec::{encode_card, encode_fixed_bundles, encode_links, encode_surface};
use tandem_cache::port::Cache;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::{ProductCard, StockPolicy};
use tandem_domain::change::Change;
use tandem_domain::id::{MarketplaceId, ProductId, ShopId, SkuId, SurfaceId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::principal::Principal;
use tandem_domain::stock::{Pool, ShopThresholds};
use tandem_domain::surface::Surface;
use tandem_store::Store;

use crate::error::PassError;

/// What the projection has in the place of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    /// An older version, or the same one with other content; of stock, which is compared by its content alone, the units
    /// that may be sold and those that there are.
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

/// What the projection holds of the things that some changes are about.
struct Held {
    stock: HashMap<(SkuId, Pool), (i64, u32, StockPolicy)>,
    cards: HashMap<ProductId, ProductCard>,
    links: HashMap<ProductId, AnchorLinks>,
    bundles: HashMap<ProductId, AnchorBundles>,
    surfaces: HashMap<SurfaceId, Surface>,
    thresholds: HashMap<ShopId, ShopThresholds>,
}

impl Held {
    async fn read(
        cache: &dyn Cache,
        marketplace: &MarketplaceId,
        changes: &[Change],
    ) -> Result<Self, PassError> {
        let (mut stocked, mut carded, mut anchors, mut any_surface) = (vec![], vec![], vec![], false);
        let (mut bundled, mut any_thresholds) = (vec![], false);
        for change in changes {
            match change {
                Change::Stock(change) => stocked.push(change.product.clone()),
                Change::Card(card) => carded.push(card.id.clone()),
                Change::Links(links) => anchors.push(links.anchor.clone()),
                Change::Bundles(bundles) => bundled.push(bundles.anchor.clone()),
                Change::Surface(_) => any_surface = true,
                Change::Thresholds(_) => any_thresholds = true,
                Change::Listing(_) | Change::Heartbeat { .. } => {}
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
        let thresholds = match any_thresholds {
            true => cache.all_thresholds(marketplace).await?,
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
            cards: by(cards.into_iter().flatten(), |card| card.id.clone()),
            links: by(links.into_iter().flatten(), |set| set.anchor.clone()),
            bundles: by(bundles.into_iter().flatten(), |set| set.anchor.clone()),
            surfaces: by(surfaces, |surface| surface.id.clone()),
            thresholds: by(thresholds, |of| of.shop.clone()),
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
            Change::Card(card) => beside(self.cards.get(&card.id), card, |card| card.version, encode_card),
            // An anchor without links needs no record.
            Change::Links(set) => {
                match beside(self.links.get(&set.anchor), set, |set| set.version, encode_links) {
                    Some(Seen::Nothing) if set.links.is_empty() => None,
                    seen => seen,
                }
            }
            Change::Bundles(set) => {
                let held = self.bundles.get(&set.anchor);
                match beside(held, set, |set| set.version, encode_fixed_bundles) {
                    Some(Seen::Nothing) if set.bundles.is_empty() => None,
                    seen => seen,
                }
            }
            Change::Surface(surface) => {
                let held = self.surfaces.get(&surface.id);
                beside(held, surface, |surface| surface.version, encode_surface)
            }
            Change::Thresholds(change) => {
                let held = self.thresholds.get(&change.of.shop);
                beside(held, &change.of, |of| of.version, |of| of.thresholds)
            }
            Change::Listing(_) | Change::Heartbeat { .. } => None,
        }
    }
}

fn by<T, K: Eq + Hash>(records: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> HashMap<K, T> {
    records.into_iter().map(|record| (key(&record), record)).collect()
}

/// A record of the projection beside that of SQL. Versions decide which is newer; under the same one they are to say the
/// same.
fn beside<T, C: PartialEq>(
    held: Option<&T>,
    wanted: &T,
    version: impl Fn(&T) -> u64,
    content: impl Fn(&T) -> C,
) -> Option<Seen> {
    let Some(held) = held else {
        return Some(Seen::Nothing);
    };
    match version(held).cmp(&version(wanted)) {
        Ordering::Equal if content(held) == content(wanted) => None,
        Ordering::Equal | Ordering::Less => Some(Seen::Other(version(held), 0)),
        Ordering::Greater => Some(Seen::Newer(version(held))),
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
