//! Reading records: one round trip each, measured; a record that this version cannot read is counted and missed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tandem_cache::codec::{
    AnchorEvidence, AnchorLists, decode_bestsellers, decode_bundles, decode_evidence, decode_lists,
};
use tandem_cache::error::CacheError;
use tandem_cache::port::{ExactStock, Fetch, Reads, RecordKey};
use tandem_domain::bundle::{FixedBundle, LearnedBundle};
use tandem_domain::catalog::ProductCard;
use tandem_domain::generation::Manifest;
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, ShopId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::Thresholds;
use tandem_runtime::backoff::chain;

use crate::failure::Failure;
use crate::meters::Meters;

/// A result of reading.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Bestsellers with their rank values, best first.
pub(crate) type Bestsellers = Vec<(ProductId, f32)>;

/// What is known of an anchor.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its card.
    pub(crate) card: Option<ProductCard>,
    /// Its lists; empty where the generation has none.
    pub(crate) lists: AnchorLists,
    /// Its living links.
    pub(crate) links: Option<AnchorLinks>,
}

/// What the sets of an anchor are made of.
#[derive(Debug)]
pub(crate) struct Makings {
    /// Cards, or that there is none.
    pub(crate) cards: HashMap<ProductId, Option<ProductCard>>,
    /// Its learned bundles.
    pub(crate) learned: Vec<LearnedBundle>,
    /// Merchants' bundles around it.
    pub(crate) fixed: Vec<FixedBundle>,
    /// Its living links.
    pub(crate) links: Option<AnchorLinks>,
}

/// The cache, measured and decoded.
#[derive(Clone)]
pub(crate) struct Reader {
    cache: Arc<dyn Reads>,
    meters: Arc<Meters>,
}

/// One generation of one marketplace; without a manifest it holds nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edition<'a> {
    marketplace: &'a MarketplaceId,
    manifest: Option<&'a Manifest>,
}

impl<'a> Edition<'a> {
    /// The generation that `manifest` names.
    pub(crate) fn of(marketplace: &'a MarketplaceId, manifest: Option<&'a Manifest>) -> Self {
        Self {
            marketplace,
            manifest,
        }
    }

    /// Its number; 0 before the first.
    pub(crate) fn generation(&self) -> u64 {
        self.manifest.map_or(0, |manifest| manifest.generation.0)
    }
}

impl Reader {
    /// Reads `cache` and measures with `meters`.
    #[must_use]
    pub(crate) fn new(cache: Arc<dyn Reads>, meters: Arc<Meters>) -> Self {
        Self { cache, meters }
    }

    /// The lists of anchors, in their order; empty where the generation has none.
    ///
    /// # Errors
    /// When the cache does not answer; so with every read here.
    pub(crate) async fn lists(
        &self,
        edition: Edition<'_>,
        anchors: &[ProductId],
    ) -> Result<Vec<AnchorLists>> {
        self.records(edition, "lists", keys(anchors, RecordKey::Lists), decode_lists)
            .await
    }

    /// The evidence behind the lists of anchors.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn evidence(
        &self,
        edition: Edition<'_>,
        anchors: &[ProductId],
    ) -> Result<Vec<AnchorEvidence>> {
        self.records(edition, "evidence", keys(anchors, RecordKey::Evidence), |bytes| {
            decode_evidence(bytes)
        })
        .await
    }

    /// The bestsellers of categories, in their order; `None` stands for the whole marketplace.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn bestsellers(
        &self,
        edition: Edition<'_>,
        categories: Vec<Option<CategoryId>>,
    ) -> Result<Vec<Bestsellers>> {
        let keys = categories.into_iter().map(RecordKey::Bestsellers).collect();
        self.records(edition, "bestsellers", keys, |bytes| decode_bestsellers(bytes))
            .await
    }

    /// Product cards, in the order of `products`.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn cards(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Option<ProductCard>>> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        self.timed("cards", self.cache.cards(marketplace, products)).await
    }

    /// Cards, lists and links of anchors that a caller names, in their order; no card as with [`Reader::named_cards`].
    ///
    /// # Errors
    /// See [`Reader::named_cards`].
    pub(crate) async fn anchors(&self, edition: Edition<'_>, anchors: &[ProductId]) -> Result<Vec<Found>> {
        let lists = keys(anchors, RecordKey::Lists);
        let wanted = Fetch {
            cards: anchors,
            links: anchors,
            manifest: edition.manifest,
            records: &lists,
            ..Fetch::default()
        };
        let read = self
            .timed("anchors", self.cache.fetch(edition.marketplace, wanted))
            .await?;
        if read.cards.iter().any(Option::is_none) {
            self.whole(edition.marketplace).await?;
        }
        let found = |((card, lists), links)| Found {
            card,
            lists: self.decoded("lists", lists, decode_lists),
            links,
        };
        let all = read.cards.into_iter().zip(read.records).zip(read.links);
        Ok(all.map(found).collect())
    }

    /// What the sets of an anchor that a caller names are made of, with the cards of the anchor and of `others`, in this
    /// order; no card of the anchor as with [`Reader::named_cards`].
    ///
    /// # Errors
    /// See [`Reader::named_cards`].
    pub(crate) async fn sets(
        &self,
        edition: Edition<'_>,
        anchor: &ProductId,
        others: &[ProductId],
    ) -> Result<Makings> {
        let anchors = std::slice::from_ref(anchor);
        let cards: Vec<ProductId> = anchors.iter().chain(others).cloned().collect();
        let bundles = keys(anchors, RecordKey::Bundles);
        let wanted = Fetch {
            cards: &cards,
            links: anchors,
            fixed_bundles: anchors,
            manifest: edition.manifest,
            records: &bundles,
        };
        let read = self
            .timed("sets", self.cache.fetch(edition.marketplace, wanted))
            .await?;
        if read.cards.first().is_none_or(Option::is_none) {
            self.whole(edition.marketplace).await?;
        }
        let learned = read.records.into_iter().flatten().next();
        let fixed = read.fixed_bundles.into_iter().flatten();
        Ok(Makings {
            cards: cards.into_iter().zip(read.cards).collect(),
            learned: self.decoded("bundles", learned, |bytes| decode_bundles(bytes)),
            fixed: fixed.flat_map(|set| set.bundles).collect(),
            links: read.links.into_iter().flatten().next(),
        })
    }

    /// Cards of products that a caller names. A missing card proves only that no catalogue holds the product while
    /// the cache is whole.
    ///
    /// # Errors
    /// [`Failure::Rebuilding`] when a card is missing and the cache was emptied.
    pub(crate) async fn named_cards(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Option<ProductCard>>> {
        let cards = self.cards(marketplace, products).await?;
        if cards.iter().any(Option::is_none) {
            self.whole(marketplace).await?;
        }
        Ok(cards)
    }

    /// That the cache is whole.
    async fn whole(&self, marketplace: &MarketplaceId) -> Result<()> {
        let epoch = self.timed("epoch", self.cache.epoch(marketplace)).await?;
        epoch.map(|_| ()).ok_or(Failure::Rebuilding)
    }

    /// Living links of anchors, in their order.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn links(
        &self,
        marketplace: &MarketplaceId,
        anchors: &[ProductId],
    ) -> Result<Vec<Option<AnchorLinks>>> {
        self.timed("links", self.cache.links(marketplace, anchors)).await
    }

    /// Thresholds of shops, in their order.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn thresholds(
        &self,
        marketplace: &MarketplaceId,
        shops: &[ShopId],
    ) -> Result<Vec<Thresholds>> {
        self.timed("thresholds", self.cache.thresholds(marketplace, shops))
            .await
    }

    /// Exact stock of products, in their order.
    ///
    /// # Errors
    /// See [`Reader::lists`].
    pub(crate) async fn stock(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Vec<ExactStock>>> {
        self.timed("stock", self.cache.stock(marketplace, products)).await
    }

    async fn records<T: Default>(
        &self,
        edition: Edition<'_>,
        what: &'static str,
        keys: Vec<RecordKey>,
        decode: impl Fn(&Bytes) -> tandem_cache::port::Result<T>,
    ) -> Result<Vec<T>> {
        let Some(manifest) = edition.manifest else {
            return Ok(keys.iter().map(|_| T::default()).collect());
        };
        let read = self.cache.records(edition.marketplace, manifest, &keys);
        let found = self.timed(what, read).await?;
        Ok(found
            .into_iter()
            .map(|bytes| self.decoded(what, bytes, &decode))
            .collect())
    }

    fn decoded<T: Default>(
        &self,
        what: &'static str,
        bytes: Option<Bytes>,
        decode: impl Fn(&Bytes) -> tandem_cache::port::Result<T>,
    ) -> T {
        match bytes.map(|bytes| decode(&bytes)) {
            None => T::default(),
            Some(Ok(record)) => record,
            Some(Err(error)) => {
                self.meters.unreadable(what);
                tracing::warn!(
                    record.kind = what,
                    error = chain(&error),
                    "a record cannot be read"
                );
                T::default()
            }
        }
    }

    async fn timed<T>(
        &self,
        what: &'static str,
        read: impl Future<Output = std::result::Result<T, CacheError>>,
    ) -> Result<T> {
        let began = Instant::now();
        let outcome = read.await;
        self.meters.read(what, began.elapsed());
        Ok(outcome?)
    }
}

fn keys(anchors: &[ProductId], key: fn(ProductId) -> RecordKey) -> Vec<RecordKey> {
    anchors.iter().cloned().map(key).collect()
}
