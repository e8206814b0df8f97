//! One marketplace as this gateway sees it: what can be bought, which generation is on serve, which surfaces there are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use tandem_domain::generation::Manifest;
use tandem_domain::id::{MarketplaceId, ProductId, SurfaceId};
use tandem_domain::money::Currency;
use tandem_domain::surface::Surface;
use tokio::time::Instant;

use crate::availability::{Age, Pulse, Shelf};
use crate::near::Ledger;

/// 65,536 stamps of announcements, half a megabyte.
const STAMP_BITS: u32 = 16;

/// The view of a marketplace. [`crate::feed`] keeps it; handlers read it and never wait.
#[derive(Debug)]
pub(crate) struct Market {
    id: MarketplaceId,
    currency: Currency,
    shelf: Shelf,
    pulse: Pulse,
    ledger: Ledger,
    manifest: ArcSwapOption<Manifest>,
    surfaces: ArcSwap<HashMap<SurfaceId, Arc<Surface>>>,
}

impl Market {
    /// A view that knows nothing yet but the surfaces that every marketplace starts with.
    #[must_use]
    pub(crate) fn new(id: MarketplaceId, currency: Currency) -> Self {
        Self {
            id,
            currency,
            shelf: Shelf::default(),
            pulse: Pulse::starting(Instant::now()),
            ledger: Ledger::new(STAMP_BITS),
            manifest: ArcSwapOption::empty(),
            surfaces: ArcSwap::from_pointee(with_built_in(Vec::new())),
        }
    }

    /// The marketplace.
    #[must_use]
    pub(crate) fn id(&self) -> &MarketplaceId {
        &self.id
    }

    /// The currency of all its amounts.
    #[must_use]
    pub(crate) fn currency(&self) -> &Currency {
        &self.currency
    }

    /// What can be bought.
    #[must_use]
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The sign of life of the stock feed.
    #[must_use]
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What was announced of links, cards, surfaces and generations.
    #[must_use]
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The view and the feed belong together: signs of life count, and what was kept may be served.
    pub(crate) fn trust(&self) {
        self.pulse.trust();
        self.ledger.attend();
    }

    /// The view may have missed something.
    pub(crate) fn distrust(&self) {
        self.ledger.leave();
        self.pulse.distrust();
    }

    /// Links or card of a product changed.
    pub(crate) fn changed(&self, product: &ProductId) {
        self.ledger.announce(self.shelf.normal().print(product.as_str()));
    }

    /// How old [`Market::shelf`] is.
    #[must_use]
    pub(crate) fn stock_age(&self) -> Age {
        self.pulse.age(Instant::now())
    }

    /// The generation on serve; taken once per request, so that an answer never mixes two.
    #[must_use]
    pub(crate) fn manifest(&self) -> Option<Arc<Manifest>> {
        self.manifest.load_full()
    }

    /// Puts another generation on serve.
    pub(crate) fn set_manifest(&self, manifest: Option<Manifest>) {
        self.manifest.store(manifest.map(Arc::new));
        self.ledger.turn();
    }

    /// A surface by its id.
    #[must_use]
    pub(crate) fn surface(&self, id: &SurfaceId) -> Option<Arc<Surface>> {
        self.surfaces.load().get(id).cloned()
    }

    /// Takes over surfaces; one that is as before stays the same, and with it what was kept for it. One that is not among
    /// them cannot be read just now, since deleted ones say so: what is known of it goes on serving.
    pub(crate) fn set_surfaces(&self, surfaces: Vec<Surface>) {
        let before = self.surfaces.load();
        let told: HashSet<SurfaceId> = surfaces.iter().map(|surface| surface.id.clone()).collect();
        let mut now = with_built_in(surfaces);
        let kept = before.iter().filter(|(id, _)| !told.contains(*id));
        now.extend(kept.map(|(id, surface)| (id.clone(), Arc::clone(surface))));
        for (id, surface) in &mut now {
            if let Some(same) = before.get(id).filter(|known| *known == surface) {
                *surface = Arc::clone(same);
            }
        }
        self.surfaces.store(Arc::new(now));
    }
}

/// The built-in surfaces have their stated defaults until SQL says otherwise; a deleted one serves nobody.
fn with_built_in(stored: Vec<Surface>) -> HashMap<SurfaceId, Arc<Surface>> {
    let built_in = Surface::BUILT_IN
        .iter()
        .filter_map(|id| SurfaceId::new(id).ok())
        .map(Surface::with_defaults);
    built_in
        .chain(stored)
        .filter(|surface| !surface.deleted)
        .map(|surface| (surface.id.clone(), Arc::new(surface)))
        .collect()
}
