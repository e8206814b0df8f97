//! Sets around an anchor.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tandem_domain::bundle::{FixedBundle, LearnedBundle};
use tandem_domain::catalog::ProductCard;
use tandem_domain::id::ProductId;
use tandem_domain::mend::{MendedSet, Terms, mend_all};
use tandem_domain::money::Money;
use tandem_domain::overlay::{DropReason, Footing, Marks, Window, sells, vouch};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Pool, SellableCount};
use tandem_domain::surface::Surface;

use super::Bundles;
use crate::failure::Failure;
use crate::freshness::Freshness;
use crate::market::Market;
use crate::read::{Edition, Makings, Result};

/// What is asked of the sets of an anchor.
#[derive(Debug, Clone)]
pub(crate) struct AskSets {
    /// The anchor.
    pub(crate) anchor: ProductId,
    /// The serving configuration.
    pub(crate) surface: Arc<Surface>,
    /// Products that are not to be used.
    pub(crate) excluded: HashSet<ProductId>,
    /// The page.
    pub(crate) window: Window,
    /// The pool to sell from besides the normal one.
    pub(crate) pool: Option<Pool>,
}

/// Sets that can be sold now.
#[derive(Debug)]
pub(crate) struct Sets {
    /// The anchor.
    pub(crate) anchor: ProductId,
    /// Units of the anchor that may be sold.
    pub(crate) anchor_sellable: SellableCount,
    /// Best first.
    pub(crate) sets: Vec<PricedSet>,
    /// Companions in the sets of earlier pages.
    pub(crate) parts_before: usize,
    /// Whether another page follows.
    pub(crate) more: bool,
    /// Cards of the anchor and of every part.
    pub(crate) cards: HashMap<ProductId, ProductCard>,
    /// Generation that was read; 0 before the first.
    pub(crate) generation: u64,
    /// How far the stock behind it can be trusted.
    pub(crate) freshness: Freshness,
    /// What the anchor's stock does to its sets.
    pub(crate) footing: Footing,
}

/// A set and the sum of its prices.
#[derive(Debug)]
pub(crate) struct PricedSet {
    /// The set.
    pub(crate) set: MendedSet,
    /// Anchor and parts; `None` when a price is not known.
    pub(crate) total: Option<Money>,
}

impl Bundles {
    /// The sets of an anchor, mended with the stock of this moment.
    ///
    /// # Errors
    /// When no catalogue holds the anchor, or the cache does not answer.
    pub(crate) async fn sets(&self, market: &Market, ask: &AskSets) -> Result<Sets> {
        let manifest = market.manifest();
        let edition = Edition::of(market.id(), manifest.as_deref());
        let hinted = self.hints.of(market.id(), &ask.anchor);
        let Makings {
            mut cards,
            learned,
            fixed,
            links,
        } = self.reader.sets(edition, &ask.anchor, &hinted).await?;
        if cards.get(&ask.anchor).is_none_or(Option::is_none) {
            return Err(Failure::UnknownProduct(ask.anchor.clone()));
        }
        let marks = links.map(|links| Marks::of(&links, &ask.surface.id, self.clock.now()));

        // Stock moves while cards are read, so that what is shown is judged again after the last read.
        let (judged, page, parts_before, more) = loop {
            let judged = judge(market, ask, marks.as_ref(), &fixed, &learned);
            let before = judged.sets.iter().take(ask.window.offset);
            let parts_before = before.map(|set| set.parts.len()).sum();
            let (page, more) = cut(&judged.sets, ask.window);
            let parts = page.iter().flat_map(|set| &set.parts);
            let parts: HashSet<&ProductId> = parts.map(|part| &part.product).collect();
            let is_unread = |product: &&&ProductId| !cards.contains_key(**product);
            let unread: Vec<ProductId> = parts.iter().filter(is_unread).copied().cloned().collect();
            if unread.is_empty() {
                // One whose card is missing is asked for by itself each time, which costs nobody else anything.
                let known = parts.into_iter().filter(|part| cards[*part].is_some());
                let known: Vec<ProductId> = known.cloned().collect();
                if known.iter().any(|part| !hinted.contains(part)) {
                    self.hints.note(market.id(), &ask.anchor, known);
                }
                let page = page.to_vec();
                break (judged, page, parts_before, more);
            }
            let read = self.reader.cards(market.id(), &unread).await?;
            cards.extend(unread.into_iter().zip(read));
        };
        let cards = cards
            .into_iter()
            .filter_map(|(product, card)| Some((product, card?)));
        let cards: HashMap<ProductId, ProductCard> = cards.collect();
        Ok(Sets {
            anchor: ask.anchor.clone(),
            anchor_sellable: judged.anchor_sellable.unwrap_or(SellableCount::NONE),
            sets: page
                .into_iter()
                .map(|set| priced(set, &ask.anchor, &cards))
                .collect(),
            parts_before,
            more,
            cards,
            generation: edition.generation(),
            freshness: judged.freshness,
            footing: judged.footing,
        })
    }
}

/// The sets of an anchor under the stock of one moment.
struct Judged {
    sets: Vec<MendedSet>,
    anchor_sellable: Option<SellableCount>,
    freshness: Freshness,
    footing: Footing,
}

fn judge(
    market: &Market,
    ask: &AskSets,
    marks: Option<&Marks>,
    fixed: &[FixedBundle],
    learned: &[LearnedBundle],
) -> Judged {
    let stock = market.shelf().reading(&ask.surface.stock, ask.pool.as_ref());
    let unlinked = |product: &ProductId| marks.is_some_and(|marks| unlinks(marks, product));
    let anchor_state = stock.state(&ask.anchor);
    let anchor_sellable = sells(anchor_state, &ask.surface).ok();
    let anchor_sellable = anchor_sellable.map(|vouched| vouched.sellable);
    let footing = Footing::of(anchor_state, &ask.surface);
    let terms = Terms {
        anchor: &ask.anchor,
        sellable: anchor_sellable.filter(|_| !footing.suspended),
        replace: ask.surface.stock.companion.replace,
    };
    let freshness = Freshness::judge(
        market.stock_age(),
        ask.surface.max_stock_age(),
        ask.surface.stale_bundles,
    );
    let sets = if freshness.suppressed {
        Vec::new()
    } else {
        mend_all(fixed, learned, terms, |product| {
            if ask.excluded.contains(product) {
                Err(DropReason::ExcludedByRequest)
            } else if unlinked(product) {
                Err(DropReason::ExcludedByMerchant)
            } else {
                vouch(stock.state(product), &ask.surface)
            }
        })
    };
    Judged {
        sets,
        anchor_sellable,
        freshness,
        footing,
    }
}

/// A merchant's exclusion breaks a set as it breaks a list: bundles are drawn from complements.
fn unlinks(marks: &Marks, product: &ProductId) -> bool {
    marks.excludes(product.as_str(), Some(Relation::Complement))
}

fn cut(sets: &[MendedSet], window: Window) -> (&[MendedSet], bool) {
    let begin = window.offset.min(sets.len());
    let end = window.offset.saturating_add(window.size).min(sets.len());
    (&sets[begin..end], end < sets.len())
}

fn priced(set: MendedSet, anchor: &ProductId, cards: &HashMap<ProductId, ProductCard>) -> PricedSet {
    let parts = set.parts.iter().map(|part| (&part.product, part.quantity));
    let price = |(product, quantity): (&ProductId, u32)| Some(cards.get(product)?.price?.times(quantity));
    let total = parts.chain([(anchor, 1)]).map(price).sum();
    PricedSet { set, total }
}
