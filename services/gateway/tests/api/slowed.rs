//! A cache whose answers arrive late, so that what they say may have changed on the way, or that breaks under who asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tandem_cache::port::{
    BoxStream, Epoch, ExactStock, FeedEntry, FeedPosition, Fetch, Fetched, Reads, Result,
};
use tandem_domain::generation::Manifest;
use tandem_domain::id::{MarketplaceId, ProductId, ShopId};
use tandem_domain::stock::{Availability, Pool, ShopThresholds, Thresholds};
use tandem_domain::surface::Surface;

/// Answers about links, and whatever is read with them, after up to `latest`, and counts how often it was asked.
pub(crate) struct Slowed {
    pub(crate) inner: Arc<dyn Reads>,
    pub(crate) latest: Duration,
    pub(crate) asked: AtomicU64,
    /// How often it was asked for cards alone.
    pub(crate) cards: AtomicU64,
    /// Whether a call about links panics.
    pub(crate) breaks: AtomicBool,
}

impl Slowed {
    pub(crate) fn new(inner: Arc<dyn Reads>, latest: Duration) -> Self {
        Self {
            inner,
            latest,
            asked: AtomicU64::new(0),
            cards: AtomicU64::new(0),
            breaks: AtomicBool::new(false),
        }
    }

    /// The delay is the point of this type: it is what a read under way lives through.
    async fn late(&self) {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let part = u32::try_from(turn % 8).expect("below 8");
        tokio::time::sleep(self.latest * part / 8).await;
    }
}

#[async_trait]
impl Reads for Slowed {
    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }

    async fn manifest(&self, marketplace: &MarketplaceId) -> Result<Option<Manifest>> {
        self.inner.manifest(marketplace).await
    }

    async fn fetch(&self, marketplace: &MarketplaceId, wanted: Fetch<'_>) -> Result<Fetched> {
        if wanted.links.is_empty() {
            self.cards
                .fetch_add(u64::from(!wanted.cards.is_empty()), Ordering::SeqCst);
            return self.inner.fetch(marketplace, wanted).await;
        }
        assert!(!self.breaks.load(Ordering::SeqCst), "a secret of the process");
        let read = self.inner.fetch(marketplace, wanted).await;
        self.late().await;
        read
    }

    async fn thresholds(&self, marketplace: &MarketplaceId, shops: &[ShopId]) -> Result<Vec<Thresholds>> {
        self.inner.thresholds(marketplace, shops).await
    }

    async fn all_thresholds(&self, marketplace: &MarketplaceId) -> Result<Vec<ShopThresholds>> {
        self.inner.all_thresholds(marketplace).await
    }

    async fn surfaces(&self, marketplace: &MarketplaceId) -> Result<Vec<Surface>> {
        self.inner.surfaces(marketplace).await
    }

    async fn stock(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<Vec<ExactStock>>> {
        self.inner.stock(marketplace, products).await
    }

    async fn epoch(&self, marketplace: &MarketplaceId) -> Result<Epoch> {
        self.inner.epoch(marketplace).await
    }

    async fn feed_position(&self, marketplace: &MarketplaceId) -> Result<FeedPosition> {
        self.inner.feed_position(marketplace).await
    }

    async fn availability(
        &self,
        marketplace: &MarketplaceId,
    ) -> Result<BoxStream<(ProductId, Pool, Availability)>> {
        self.inner.availability(marketplace).await
    }

    async fn follow(&self, marketplace: &MarketplaceId, from: FeedPosition) -> Result<BoxStream<FeedEntry>> {
        self.inner.follow(marketplace, from).await
    }
}
