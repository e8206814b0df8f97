//! The port that gateways and workers use, with two implementations: [`crate::redis`] and [`crate::memory`].
//! One contract suite runs over both.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::{ProductCard, StockPolicy};
use tandem_domain::change::{Change, Envelope, ListingChange, ThresholdsChange};
use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::Manifest;
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::stock::{Availability, Pool, ShopThresholds, StockChange, Thresholds};
use tandem_domain::surface::Surface;

use crate::error::CacheError;
use crate::lease::Leases;

/// Result of every call.
pub type Result<T> = std::result::Result<T, CacheError>;

/// A boxed stream of results.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// Which record of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKey {
    /// Lists of an anchor: decode with [`crate::codec::decode_lists`].
    Lists(ProductId),
    /// Evidence of an anchor: decode with [`crate::codec::decode_evidence`].
    Evidence(ProductId),
    /// Bundles of an anchor: decode with [`crate::codec::decode_bundles`].
    Bundles(ProductId),
    /// Bestsellers of a category, or of the whole marketplace: decode with [`crate::codec::decode_bestsellers`].
    Bestsellers(Option<CategoryId>),
}

/// What one round trip brings. Nothing is asked for by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetch<'a> {
    /// Whose product cards.
    pub cards: &'a [ProductId],
    /// Whose living links.
    pub links: &'a [ProductId],
    /// Whose merchants' fixed bundles.
    pub fixed_bundles: &'a [ProductId],
    /// The generation that records are of; without one there are none.
    pub manifest: Option<&'a Manifest>,
    /// Which records.
    pub records: &'a [RecordKey],
}

/// What came, each in the order in which it was asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fetched {
    /// Product cards.
    pub cards: Vec<Option<ProductCard>>,
    /// Living links.
    pub links: Vec<Option<AnchorLinks>>,
    /// Fixed bundles.
    pub fixed_bundles: Vec<Option<AnchorBundles>>,
    /// Records as published, codec byte included; of several segments' the newest.
    pub records: Vec<Option<Bytes>>,
}

/// A position in the feed; opaque, ordered by the feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeedPosition(pub String);

/// An entry of the feed with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEntry {
    /// Where it stands.
    pub position: FeedPosition,
    /// What it says.
    pub event: FeedEvent,
}

/// Exact stock of a SKU in a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactStock {
    /// The SKU.
    pub sku: SkuId,
    /// The pool.
    pub pool: Pool,
    /// Units.
    pub available: i64,
    /// Units that are counted.
    pub sellable: u32,
    /// How stock decides whether it can be bought.
    pub policy: StockPolicy,
}

/// An envelope that a consumer of the change stream holds until it acknowledges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Names it in [`Changes::ack`].
    pub id: String,
    /// How often it was delivered, this time included.
    pub attempts: u64,
    /// The change, or what stands in its place.
    pub envelope: std::result::Result<Envelope, UnreadableChange>,
}

/// An entry of the change stream that is no change of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableChange {
    /// What stands there; bytes that are no text are replaced.
    pub text: String,
    /// Why it could not be read.
    pub why: String,
}

/// The rebuild marker of a marketplace: absent after the cache was emptied.
pub type Epoch = Option<String>;

/// What the gateway reads.
#[async_trait]
pub trait Reads: Send + Sync {
    /// Round trip to the cache.
    async fn ping(&self) -> Result<()>;
    /// The generation on serve; `None` before the first or after the cache was emptied.
    async fn manifest(&self, marketplace: &MarketplaceId) -> Result<Option<Manifest>>;
    /// Everything that is asked for, in one round trip.
    async fn fetch(&self, marketplace: &MarketplaceId, wanted: Fetch<'_>) -> Result<Fetched>;
    /// Records of the generation in `manifest`, in the order of `keys`, as [`Reads::fetch`] brings them.
    async fn records(
        &self,
        marketplace: &MarketplaceId,
        manifest: &Manifest,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Bytes>>> {
        let wanted = Fetch {
            manifest: Some(manifest),
            records: keys,
            ..Fetch::default()
        };
        Ok(self.fetch(marketplace, wanted).await?.records)
    }
    /// Product cards in the order of `products`.
    async fn cards(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Option<ProductCard>>> {
        let wanted = Fetch {
            cards: products,
            ..Fetch::default()
        };
        Ok(self.fetch(marketplace, wanted).await?.cards)
    }
    /// Living links of anchors in the order of `anchors`.
    async fn links(
        &self,
        marketplace: &MarketplaceId,
        anchors: &[ProductId],
    ) -> Result<Vec<Option<AnchorLinks>>> {
        let wanted = Fetch {
            links: anchors,
            ..Fetch::default()
        };
        Ok(self.fetch(marketplace, wanted).await?.links)
    }
    /// Fixed bundles of anchors in the order of `anchors`.
    async fn fixed_bundles(
        &self,
        marketplace: &MarketplaceId,
        anchors: &[ProductId],
    ) -> Result<Vec<Option<AnchorBundles>>> {
        let wanted = Fetch {
            fixed_bundles: anchors,
            ..Fetch::default()
        };
        Ok(self.fetch(marketplace, wanted).await?.fixed_bundles)
    }
    /// Every surface.
    async fn surfaces(&self, marketplace: &MarketplaceId) -> Result<Vec<Surface>>;
    /// Exact stock per SKU and pool of each product, in the order of `products`; empty where none was projected.
    async fn stock(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Vec<ExactStock>>>;
    /// Thresholds of shops in the order of `shops`; the default of a shop that has set none.
    async fn thresholds(&self, marketplace: &MarketplaceId, shops: &[ShopId]) -> Result<Vec<Thresholds>>;
    /// Thresholds of every shop of which any stand here, with their versions, by shop.
    async fn all_thresholds(&self, marketplace: &MarketplaceId) -> Result<Vec<ShopThresholds>>;
    /// The rebuild marker.
    async fn epoch(&self, marketplace: &MarketplaceId) -> Result<Epoch>;
    /// Position of the feed's last entry. Taken before a snapshot, following from it misses nothing.
    async fn feed_position(&self, marketplace: &MarketplaceId) -> Result<FeedPosition>;
    /// All known sellable states; chunks in no order, possibly newer than any given position.
    async fn availability(
        &self,
        marketplace: &MarketplaceId,
    ) -> Result<BoxStream<(ProductId, Pool, Availability)>>;
    /// Entries after `from`, for ever, in order. Ends with [`CacheError::FeedGap`] when `from` was trimmed away or
    /// the feed was emptied: take a snapshot then. Uses a connection of its own and waits, without polling.
    async fn follow(&self, marketplace: &MarketplaceId, from: FeedPosition) -> Result<BoxStream<FeedEntry>>;
}

/// What the inventory worker writes. Every write compares (store epoch, version) and is announced in the feed when it
/// changed what a gateway sees; older ones change nothing.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Stock per SKU and pool; derives the product's sellable state, judged by its shop's thresholds, and announces it when
    /// it moved.
    /// Returns, per change, whether it was newer than what stood there.
    async fn put_stock(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Traced<StockChange>],
    ) -> Result<Vec<bool>>;
    /// On sale or off.
    async fn put_listing(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        change: &Traced<ListingChange>,
    ) -> Result<bool>;
    /// The thresholds of a shop, unless newer ones stand there; judges the products that are named by what stands then,
    /// and announces the states that moved. Repeating it is harmless.
    async fn put_thresholds(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        change: &Traced<ThresholdsChange>,
    ) -> Result<bool>;
    /// Product cards.
    async fn put_cards(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        cards: &[ProductCard],
    ) -> Result<()>;
    /// The links of an anchor; an empty set at a newer version clears them and keeps the version.
    async fn put_links(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        links: &AnchorLinks,
    ) -> Result<bool>;
    /// The fixed bundles of an anchor; as [`Projects::put_links`].
    async fn put_bundles(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        bundles: &AnchorBundles,
    ) -> Result<bool>;
    /// A surface.
    async fn put_surface(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        surface: &Surface,
    ) -> Result<bool>;
    /// Lets what stands under exactly the version of a change give way to it: it keeps its content and is taken for the
    /// version before, so that putting the change replaces it. What is older or newer stays as it is, and so do versions
    /// between writers: this is for who has seen that a record does not say what its version says.
    async fn step_down(
        &self,
        marketplace: &MarketplaceId,
        store_epoch: u64,
        changes: &[Change],
    ) -> Result<()>;
    /// A sign of life, announced when `counter` is newer.
    async fn beat(&self, marketplace: &MarketplaceId, store_epoch: u64, counter: u64) -> Result<()>;
    /// Sets the rebuild marker and announces [`FeedEvent::Rebuilt`]: the projection is whole again.
    async fn mark_rebuilt(&self, marketplace: &MarketplaceId, epoch: &str) -> Result<()>;
    /// Trims the feed to entries younger than `keep`.
    async fn trim_feed(&self, marketplace: &MarketplaceId, keep: Duration) -> Result<u64>;
}

/// A change with the trace that caused it.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced<T> {
    /// The change.
    pub change: T,
    /// W3C traceparent; empty when untraced.
    pub traceparent: String,
}

/// The stream between the outbox relay and the inventory workers: at least once, in any order.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Appends envelopes of one marketplace; returns when all are appended.
    async fn append(&self, marketplace: &MarketplaceId, envelopes: &[Envelope]) -> Result<()>;
    /// Waits until envelopes arrive for `consumer`, at most `max` and `wait`; empty after `wait`.
    async fn receive(
        &self,
        marketplace: &MarketplaceId,
        consumer: &str,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>>;
    /// Takes over envelopes that some consumer has held for longer than `idle`.
    async fn reclaim(
        &self,
        marketplace: &MarketplaceId,
        consumer: &str,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<Delivery>>;
    /// Acknowledges deliveries.
    async fn ack(&self, marketplace: &MarketplaceId, ids: &[String]) -> Result<()>;
    /// Deletes entries that every consumer has acknowledged; returns how many.
    async fn trim_changes(&self, marketplace: &MarketplaceId) -> Result<u64>;
    /// Entries appended and not acknowledged.
    async fn backlog(&self, marketplace: &MarketplaceId) -> Result<u64>;
    /// How old the oldest entry is that some consumer was given and has not acknowledged; none when there is none.
    async fn oldest_held(&self, marketplace: &MarketplaceId) -> Result<Option<Duration>>;
}

/// What the graph worker publishes.
#[async_trait]
pub trait Publishes: Send + Sync {
    /// Puts records of a segment; unseen by readers until a manifest names the segment. Repeating it is harmless.
    async fn put_records(
        &self,
        marketplace: &MarketplaceId,
        segment: u64,
        records: &[(RecordKey, Bytes)],
    ) -> Result<()>;
    /// Swaps the pointer in one step and announces it, if `fence` is not older than the last publisher's.
    /// A `fence` below the stored one changes nothing: [`CacheError::Fenced`].
    async fn publish_manifest(
        &self,
        marketplace: &MarketplaceId,
        fence: u64,
        manifest: &Manifest,
    ) -> Result<()>;
    /// Deletes the records of a segment; returns how many.
    async fn drop_segment(&self, marketplace: &MarketplaceId, segment: u64) -> Result<u64>;
    /// Segments that have records in the cache.
    async fn segments(&self, marketplace: &MarketplaceId) -> Result<Vec<u64>>;
}

/// The whole cache.
pub trait Cache: Reads + Projects + Changes + Publishes + Leases {}
impl<T: Reads + Projects + Changes + Publishes + Leases> Cache for T {}
