//! The exact price and count of a given set.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tandem_cache::port::ExactStock;
use tandem_domain::catalog::{Listing, ProductCard, StockPolicy};
use tandem_domain::id::{ProductId, ShopId, SkuId, SurfaceId};
use tandem_domain::money::Money;
use tandem_domain::stock::{Availability, Pool, Supply};
use tandem_domain::surface::{StockRules, Surface, WhenStale};

use super::Bundles;
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::read::Result;

/// The surface whose limits hold for quotes: whoever quotes is about to sell.
const SURFACE: &str = "live_room";

/// A part to quote.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The product.
    pub(crate) product: ProductId,
    /// The SKU; `None` for the sellable one with the most units, the cheaper on a tie.
    pub(crate) sku: Option<SkuId>,
    /// Units of it in one set, at least 1.
    pub(crate) quantity: u32,
}

/// A quoted part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuoteLine {
    /// The product.
    pub(crate) product: ProductId,
    /// The SKU; `None` when the product has none.
    pub(crate) sku: Option<SkuId>,
    /// Units of it in one set.
    pub(crate) quantity: u32,
    /// Price of one unit.
    pub(crate) unit_price: Option<Money>,
    /// Units that may be sold.
    pub(crate) available: u64,
}

/// A quote.
#[derive(Debug)]
pub(crate) struct Quote {
    /// In the order of the request.
    pub(crate) lines: Vec<QuoteLine>,
    /// Price times quantity over all lines; `None` when a price is not known.
    pub(crate) total: Option<Money>,
    /// Sets that can be sold.
    pub(crate) sellable: u64,
    /// How far the stock behind it can be trusted.
    pub(crate) freshness: Freshness,
}

impl Bundles {
    /// Quotes `lines` from the pools that `surface` sells from: the normal one and, where named, one more. What shops
    /// keep back is not for sale, and nothing is of a pool that lists take for sold out, such as one that has some again
    /// but not more than the hysteresis of its shop. Past the limit of staleness nothing is vouched for: prices stand,
    /// units are 0.
    ///
    /// # Errors
    /// When a product or SKU does not exist, or the cache does not answer.
    pub(crate) async fn quote(
        &self,
        market: &Market,
        surface: Option<&Surface>,
        lines: &[Line],
        pool: Option<&Pool>,
    ) -> Result<Quote> {
        let products: Vec<ProductId> = lines.iter().map(|line| line.product.clone()).collect();
        let (cards, stock) = futures::try_join!(
            self.reader.named_cards(market.id(), &products),
            self.reader.stock(market.id(), &products),
        )?;
        let known = lines.iter().zip(cards);
        let known =
            known.map(|(line, card)| card.ok_or_else(|| Failure::UnknownProduct(line.product.clone())));
        let cards: Vec<ProductCard> = known.collect::<Result<_>>()?;
        let shops: Vec<ShopId> = cards.iter().map(|card| card.shop.clone()).collect();
        let thresholds = self.reader.thresholds(market.id(), &shops).await?;
        let rules = surface.map(|surface| surface.stock.clone()).unwrap_or_default();
        let mut quoted = Vec::with_capacity(lines.len());
        for (((line, card), stock), limits) in lines.iter().zip(&cards).zip(stock).zip(thresholds) {
            let is_out = |pool: &Pool| is_out(market.shelf().state(&line.product, pool));
            let units = units(&stock, pool, &rules, limits.buffer, is_out);
            quoted.push(quote_line(line, card, &units)?);
        }
        let freshness = freshness(market, surface);
        if freshness.suppressed {
            quoted.iter_mut().for_each(|line| line.available = 0);
        }
        let total = quoted
            .iter()
            .map(|line| Some(line.unit_price?.times(line.quantity)))
            .sum();
        let sets = quoted
            .iter()
            .map(|line| line.available / u64::from(line.quantity.max(1)));
        Ok(Quote {
            sellable: sets.min().unwrap_or(0),
            total,
            lines: quoted,
            freshness,
        })
    }
}

/// The surface whose limits, pools and policies hold for quotes.
pub(crate) fn selling_surface(market: &Market) -> Option<Arc<Surface>> {
    SurfaceId::new(SURFACE).ok().and_then(|id| market.surface(&id))
}

fn freshness(market: &Market, surface: Option<&Surface>) -> Freshness {
    let (limit, when_stale) = surface.map_or((Duration::ZERO, WhenStale::Suppress), |surface| {
        (surface.max_stock_age(), surface.stale_bundles)
    });
    Freshness::judge(market.stock_age(), limit, when_stale)
}

/// Whether lists take the counted units of a pool for sold out.
fn is_out(state: Availability) -> bool {
    matches!(state, Availability::Known(standing) if standing.supply() == Supply::Out)
}

/// Units per SKU that may be sold from the normal pool and `pool`, by the pools and policies of `rules`. Of each pool of
/// the product `buffer` units are kept back, and all of them where the pool is out; what sells without units has more
/// than anybody asks for.
fn units(
    stock: &[ExactStock],
    pool: Option<&Pool>,
    rules: &StockRules,
    buffer: u32,
    is_out: impl Fn(&Pool) -> bool,
) -> BTreeMap<SkuId, u64> {
    let is_sold = |own: &Pool| rules.sells_from(own) && (*own == Pool::Normal || Some(own) == pool);
    let mut left: BTreeMap<&Pool, u64> = BTreeMap::new();
    for entry in stock {
        *left.entry(&entry.pool).or_default() += u64::from(entry.sellable);
    }
    for (pool, units) in &mut left {
        *units = match is_out(pool) {
            true => 0,
            false => units.saturating_sub(buffer.into()),
        };
    }
    let mut units = BTreeMap::new();
    for entry in stock {
        let sold = if !is_sold(&entry.pool) {
            0
        } else if entry.policy != StockPolicy::Tracked && rules.counts.holds(entry.policy) {
            u64::from(u32::MAX)
        } else if rules.counts.holds(StockPolicy::Tracked) {
            u64::from(entry.sellable).min(left[&entry.pool])
        } else {
            0
        };
        *units.entry(entry.sku.clone()).or_default() += sold;
    }
    units
}

fn quote_line(line: &Line, card: &ProductCard, units: &BTreeMap<SkuId, u64>) -> Result<QuoteLine> {
    let skus: BTreeSet<&SkuId> = card.skus.iter().map(|sku| &sku.id).chain(units.keys()).collect();
    let available = |sku: &SkuId| match card.listing {
        Listing::Listed => units.get(sku).copied().unwrap_or(0),
        Listing::Delisted => 0,
    };
    let chosen = match &line.sku {
        Some(named) if skus.contains(named) => Some(named),
        Some(named) => {
            return Err(Failure::UnknownSku {
                product: line.product.clone(),
                sku: named.clone(),
            });
        }
        None => skus.into_iter().min_by_key(|sku| {
            (
                Reverse(available(sku)),
                price(card, sku).is_none(),
                price(card, sku),
            )
        }),
    };
    Ok(QuoteLine {
        product: line.product.clone(),
        sku: chosen.cloned(),
        quantity: line.quantity,
        unit_price: chosen.map_or(card.price, |sku| price(card, sku)),
        available: chosen.map_or(0, available),
    })
}

fn price(card: &ProductCard, sku: &SkuId) -> Option<Money> {
    let own = card
        .skus
        .iter()
        .find(|own| own.id == *sku)
        .and_then(|own| own.price);
    own.or(card.price)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tandem_domain::catalog::{CardSku, Provenance};
    use tandem_domain::stock::PoolKind;

    use super::*;

    fn card(skus: &[(&str, Option<i64>)]) -> ProductCard {
        ProductCard {
            id: ProductId::new("p").expect("a valid id"),
            shop: ShopId::new("s").expect("a valid id"),
            title: "P".into(),
            ancestors: Vec::new(),
            category: None,
            brand: None,
            series: None,
            price: Some(Money::from_minor(500)),
            image_uri: None,
            listing: Listing::Listed,
            skus: skus
                .iter()
                .map(|(id, price)| CardSku {
                    id: sku(id),
                    price: price.map(Money::from_minor),
                })
                .collect(),
            provenance: Provenance::Real,
            version: 1,
        }
    }

    fn sku(id: &str) -> SkuId {
        SkuId::new(id).expect("a valid id")
    }

    fn line(sku: Option<SkuId>) -> Line {
        Line {
            product: ProductId::new("p").expect("a valid id"),
            sku,
            quantity: 2,
        }
    }

    fn exact(id: &str, pool: Pool, sellable: u32) -> ExactStock {
        ExactStock {
            sku: sku(id),
            pool,
            available: i64::from(sellable),
            sellable,
            policy: StockPolicy::Tracked,
        }
    }

    #[test]
    fn the_named_pool_adds_to_the_normal_one_and_held_units_are_never_sold() {
        let room = Pool::Room("42".into());
        let stock = [
            exact("a", Pool::Normal, 3),
            exact("a", room.clone(), 4),
            exact("a", Pool::Held, 100),
            exact("a", Pool::Promotion, 50),
        ];
        let usual = StockRules::default();
        let of =
            |pool: Option<&Pool>, rules: &StockRules| units(&stock, pool, rules, 0, |_| false)[&sku("a")];
        assert_eq!(of(None, &usual), 3);
        assert_eq!(of(Some(&room), &usual), 7);
        assert_eq!(of(Some(&Pool::Normal), &usual), 3, "counted once");
        assert_eq!(of(Some(&Pool::Held), &usual), 3);
        assert_eq!(
            of(Some(&Pool::Promotion), &usual),
            3,
            "the surface sells from no promotion"
        );
        let own = StockRules {
            pools: vec![PoolKind::Room],
            ..usual
        };
        assert_eq!(
            (of(Some(&room), &own), of(None, &own)),
            (4, 0),
            "its own pool alone"
        );
    }

    #[test]
    fn of_each_pool_of_a_product_the_buffer_is_kept_back_once() {
        let room = Pool::Room("42".into());
        let stock = [
            exact("a", Pool::Normal, 3),
            exact("b", Pool::Normal, 9),
            exact("a", room.clone(), 4),
        ];
        let rules = StockRules::default();
        let left = |pool, buffer| {
            let units = units(&stock, pool, &rules, buffer, |_| false);
            (units[&sku("a")], units[&sku("b")])
        };
        assert_eq!(left(None, 2), (3, 9), "ten are left of twelve");
        assert_eq!(left(None, 5), (3, 7));
        assert_eq!(left(None, 12), (0, 0));
        assert_eq!(left(Some(&room), 3), (3 + 1, 9));
    }

    #[test]
    fn a_pool_that_is_out_sells_no_counted_units_and_what_is_not_counted_all_the_same() {
        let room = Pool::Room("42".into());
        let later = ExactStock {
            policy: StockPolicy::PreOrder,
            ..exact("b", Pool::Normal, 0)
        };
        let stock = [exact("a", Pool::Normal, 3), exact("a", room.clone(), 4), later];
        let rules = StockRules::default();
        let units = units(&stock, Some(&room), &rules, 0, |pool| *pool == Pool::Normal);
        assert_eq!((units[&sku("a")], units[&sku("b")]), (4, u64::from(u32::MAX)));
    }

    #[test]
    fn without_a_sku_the_one_with_the_most_units_is_quoted_and_the_cheaper_on_a_tie() {
        let card = card(&[("a", Some(900)), ("b", Some(300)), ("c", None)]);
        let stock = BTreeMap::from([(sku("a"), 5), (sku("b"), 5), (sku("c"), 2)]);
        let quoted = quote_line(&line(None), &card, &stock).unwrap();
        assert_eq!((quoted.sku, quoted.available), (Some(sku("b")), 5));
        assert_eq!(quoted.unit_price, Some(Money::from_minor(300)));
        let quoted = quote_line(&line(Some(sku("c"))), &card, &stock).unwrap();
        assert_eq!(
            quoted.unit_price,
            Some(Money::from_minor(500)),
            "the product's price"
        );
    }

    #[test]
    fn a_sku_of_another_product_is_unknown_and_a_delisted_product_has_no_units() {
        let stock = BTreeMap::from([(sku("a"), 5)]);
        let mut card = card(&[("a", None)]);
        let unknown = quote_line(&line(Some(sku("x"))), &card, &stock);
        assert!(matches!(unknown, Err(Failure::UnknownSku { .. })));
        card.listing = Listing::Delisted;
        assert_eq!(quote_line(&line(None), &card, &stock).unwrap().available, 0);
    }

    proptest! {
        #[test]
        fn no_sku_has_more_units_than_the_one_that_is_quoted(
            units in prop::collection::btree_map("[a-e]", 0..9_u64, 1..5),
        ) {
            let stock: BTreeMap<SkuId, u64> = units.iter().map(|(id, units)| (sku(id), *units)).collect();
            let quoted = quote_line(&line(None), &card(&[]), &stock).expect("no SKU is named");
            prop_assert_eq!(Some(quoted.available), stock.values().copied().max());
        }
    }
}
