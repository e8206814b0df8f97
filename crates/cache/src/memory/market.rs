//! All that is kept of one marketplace.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::catalog::ProductCard;
use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::Manifest;
use tandem_domain::id::{ProductId, SurfaceId};
use tandem_domain::link::AnchorLinks;
use tandem_domain::surface::Surface;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::feed::Feed;
use super::log::Log;
use super::shelf::{AllThresholds, Shelf};
use crate::port::RecordKey;
use crate::version::Version;

#[derive(Debug, Default)]
pub(super) struct Market {
    /// Records of generations, by segment.
    pub(super) records: RwLock<BTreeMap<u64, HashMap<RecordKey, Bytes>>>,
    /// What is projected. Announcements are made while it is locked, so that the feed has the order of the writes.
    pub(super) live: RwLock<Live>,
    pub(super) feed: Mutex<Feed>,
    pub(super) fed: Notify,
    pub(super) log: Mutex<Log>,
    pub(super) logged: Notify,
    /// Holder and end of each lease.
    pub(super) leases: Mutex<HashMap<String, (String, Instant)>>,
}

#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) shelves: HashMap<ProductId, Shelf>,
    pub(super) thresholds: AllThresholds,
    pub(super) cards: HashMap<ProductId, (Version, ProductCard)>,
    pub(super) links: HashMap<ProductId, (Version, AnchorLinks)>,
    pub(super) bundles: HashMap<ProductId, (Version, AnchorBundles)>,
    pub(super) surfaces: BTreeMap<SurfaceId, (Version, Surface)>,
    pub(super) beat: Option<Version>,
    pub(super) fence: u64,
    pub(super) manifest: Option<Manifest>,
    pub(super) epoch: Option<String>,
}

impl Market {
    pub(super) fn clear(&self) {
        let mut live = self.live.write();
        *live = Live::default();
        self.records.write().clear();
        self.leases.lock().clear();
        self.log.lock().clear();
        self.feed.lock().clear();
        self.fed.notify_waiters();
    }

    pub(super) fn announce(&self, event: FeedEvent) {
        self.feed.lock().push(event, Instant::now());
        self.fed.notify_waiters();
    }
}
