//! What the cache holds and SQL no longer does.
//!
//! Restoring SQL from a backup takes rows away without a tombstone. When the store epoch moved on, whatever the scan
//! did not name is withdrawn: products are delisted, their stock is set to nothing, links are cleared, surfaces are deleted,
//! and a shop without thresholds has those of a shop that never said any.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use parking_lot::Mutex;
use tandem_cache::port::Traced;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::{Listing, ProductCard, StockPolicy};
use tandem_domain::change::{Change, ListingChange, ThresholdsChange};
use tandem_domain::id::{MarketplaceId, ProductId, ShopId, SkuId, SurfaceId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{Pool, ShopThresholds, StockChange, Thresholds};
use tandem_domain::surface::Surface;

use super::Marker;
use crate::batch::Batch;
use crate::deps::Deps;
use crate::error::PassError;
use crate::project::put;

/// Products asked for at once.
const CHUNK: usize = 500;

/// A withdrawal stands below every version that SQL gives under the same epoch.
const WITHDRAWN: u64 = 0;

/// What the scan names; nothing is noted when no leftovers are to be expected.
#[derive(Debug, Default)]
pub(super) struct Leftovers(Option<Mutex<Named>>);

#[derive(Debug, Default)]
struct Named {
    products: HashSet<ProductId>,
    anchors: HashSet<ProductId>,
    bundled: HashSet<ProductId>,
    stock: HashSet<(SkuId, Pool)>,
    surfaces: HashSet<SurfaceId>,
    shops: HashSet<ShopId>,
}

impl Leftovers {
    /// Expects leftovers when the cache was filled under another store epoch; an emptied cache has none.
    pub(super) async fn expected(
        deps: &Deps,
        marketplace: &MarketplaceId,
        store_epoch: u64,
    ) -> Result<Self, PassError> {
        let marker = deps.cache.epoch(marketplace).await?;
        let moved = marker.is_some_and(|marker| {
            marker
                .parse::<Marker>()
                .map_or(true, |marker| marker.store_epoch != store_epoch)
        });
        Ok(Self(moved.then(Mutex::default)))
    }

    /// Notes what SQL holds.
    pub(super) fn note(&self, changes: &[Change]) {
        let Some(named) = &self.0 else { return };
        let mut named = named.lock();
        for change in changes {
            match change {
                Change::Stock(change) => {
                    named.stock.insert((change.sku.clone(), change.pool.clone()));
                }
                Change::Listing(change) => {
                    named.products.insert(change.product.clone());
                }
                Change::Card(card) => {
                    named.products.insert(card.id.clone());
                }
                Change::Links(links) => {
                    named.anchors.insert(links.anchor.clone());
                }
                Change::Bundles(bundles) => {
                    named.bundled.insert(bundles.anchor.clone());
                }
                Change::Surface(surface) => {
                    named.surfaces.insert(surface.id.clone());
                }
                Change::Thresholds(change) => {
                    named.shops.insert(change.of.shop.clone());
                }
                Change::Heartbeat { .. } => {}
            }
        }
    }

    /// Withdraws what was not named; returns how many records that were.
    pub(super) async fn withdraw(
        self,
        deps: &Deps,
        marketplace: &MarketplaceId,
        store_epoch: u64,
    ) -> Result<u64, PassError> {
        let Some(named) = self.0.map(Mutex::into_inner) else {
            return Ok(0);
        };
        let thresholds = named.missing_thresholds(deps, marketplace).await?;
        let mut first = named.missing_surfaces(deps, marketplace).await?;
        first
            .thresholds
            .extend(thresholds.iter().map(|of| judging(of, &[])));
        let mut withdrawn = put(&*deps.cache, marketplace, store_epoch, &first).await?.newer;
        let products = cached_products(deps, marketplace, &named).await?;
        for products in products.chunks(CHUNK) {
            let mut batch = named.missing(deps, marketplace, products).await?;
            // Nobody tells here whose a product is. Each is judged by what stands for its own shop now, whichever it comes with.
            batch
                .thresholds
                .extend(thresholds.first().map(|of| judging(of, products)));
            withdrawn += put(&*deps.cache, marketplace, store_epoch, &batch).await?.newer;
        }
        Ok(withdrawn)
    }
}

/// Every product that the cache may know something of.
async fn cached_products(
    deps: &Deps,
    marketplace: &MarketplaceId,
    named: &Named,
) -> Result<Vec<ProductId>, PassError> {
    let mut products = named.products.clone();
    let mut known = deps.cache.availability(marketplace).await?;
    while let Some((product, _, _)) = known.try_next().await? {
        products.insert(product);
    }
    Ok(products.into_iter().collect())
}

impl Named {
    /// The withdrawals of surfaces.
    async fn missing_surfaces(&self, deps: &Deps, marketplace: &MarketplaceId) -> Result<Batch, PassError> {
        let held = deps.cache.surfaces(marketplace).await?;
        let gone = held
            .into_iter()
            .filter(|surface| !self.surfaces.contains(&surface.id));
        Ok(Batch {
            surfaces: gone
                .map(|surface| Surface {
                    deleted: true,
                    version: WITHDRAWN,
                    ..surface
                })
                .collect(),
            ..Batch::default()
        })
    }

    /// What shops are judged by of which SQL holds no thresholds.
    async fn missing_thresholds(
        &self,
        deps: &Deps,
        marketplace: &MarketplaceId,
    ) -> Result<Vec<ShopThresholds>, PassError> {
        let mut held = deps.cache.all_thresholds(marketplace).await?;
        held.retain(|of| !self.shops.contains(&of.shop));
        for of in &mut held {
            of.thresholds = Thresholds::default();
            of.version = WITHDRAWN;
        }
        Ok(held)
    }

    /// The withdrawals that `products` need.
    async fn missing(
        &self,
        deps: &Deps,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Batch, PassError> {
        let stock = deps.cache.stock(marketplace, products).await?;
        let links = deps.cache.links(marketplace, products).await?;
        let bundles = deps.cache.fixed_bundles(marketplace, products).await?;
        let gone: Vec<ProductId> = products
            .iter()
            .filter(|id| !self.products.contains(*id))
            .cloned()
            .collect();
        let cards = deps.cache.cards(marketplace, &gone).await?;
        let mut batch = Batch::default();
        for (product, bundles) in products.iter().zip(bundles) {
            if bundles.is_some() && !self.bundled.contains(product) {
                batch.bundles.push(AnchorBundles {
                    anchor: product.clone(),
                    version: WITHDRAWN,
                    bundles: Vec::new(),
                });
            }
        }
        for ((product, stock), links) in products.iter().zip(stock).zip(links) {
            let gone = stock
                .into_iter()
                .filter(|exact| !self.stock.contains(&(exact.sku.clone(), exact.pool.clone())));
            batch
                .stock
                .extend(gone.map(|exact| untraced(nothing_of(product, exact.sku, exact.pool))));
            if links.is_some() && !self.anchors.contains(product) {
                batch.links.push(AnchorLinks {
                    anchor: product.clone(),
                    version: WITHDRAWN,
                    links: Vec::new(),
                });
            }
        }
        batch
            .listings
            .extend(gone.iter().map(|product| untraced(off_sale(product))));
        batch
            .cards
            .extend(cards.into_iter().flatten().map(|card| ProductCard {
                listing: Listing::Delisted,
                version: WITHDRAWN,
                ..card
            }));
        Ok(batch)
    }
}

fn untraced<T>(change: T) -> Traced<T> {
    Traced {
        change,
        traceparent: String::new(),
    }
}

fn judging(of: &ShopThresholds, products: &[ProductId]) -> Traced<ThresholdsChange> {
    untraced(ThresholdsChange {
        of: of.clone(),
        products: products.to_vec(),
    })
}

fn nothing_of(product: &ProductId, sku: SkuId, pool: Pool) -> StockChange {
    StockChange {
        product: product.clone(),
        sku,
        pool,
        store_version: WITHDRAWN,
        available: 0,
        sellable: 0,
        policy: StockPolicy::Tracked,
        shop: None,
    }
}

fn off_sale(product: &ProductId) -> ListingChange {
    ListingChange {
        product: product.clone(),
        listing: Listing::Delisted,
        version: WITHDRAWN,
    }
}
