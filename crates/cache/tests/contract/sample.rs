//! Values to write.

use tandem_cache::port::Traced;
use tandem_domain::bundle::{AnchorBundles, BundleMember, FixedBundle, FixedBundleInput};
use tandem_domain::catalog::{Listing, ProductCard, Provenance};
use tandem_domain::change::{Change, Envelope, ListingChange};
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::{FixedBundleId, LinkId, MarketplaceId, ProductId, ShopId, SkuId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::money::Money;
use tandem_domain::stock::{Availability, Pool, SellableCount, StockChange};
use tandem_domain::surface::Surface;

pub(crate) fn uk() -> MarketplaceId {
    MarketplaceId::new("uk").unwrap()
}

pub(crate) fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

pub(crate) fn sku(id: &str) -> SkuId {
    SkuId::new(id).unwrap()
}

pub(crate) fn known(units: u8) -> Availability {
    Availability::of(SellableCount::saturating(units.into()))
}

pub(crate) fn untraced<T>(change: T) -> Traced<T> {
    Traced {
        change,
        traceparent: String::new(),
    }
}

/// Stock of SKU `id`-M of product `id` in the normal pool.
pub(crate) fn stock(id: &str, store_version: u64, units: u32) -> Traced<StockChange> {
    untraced(StockChange {
        product: product(id),
        sku: sku(&format!("{id}-M")),
        pool: Pool::Normal,
        store_version,
        available: units.into(),
        sellable: units,
        policy: tandem_domain::catalog::StockPolicy::Tracked,
        shop: None,
    })
}

pub(crate) fn in_pool(pool: Pool, mut change: Traced<StockChange>) -> Traced<StockChange> {
    change.change.pool = pool;
    change
}

pub(crate) fn of_sku(id: &str, mut change: Traced<StockChange>) -> Traced<StockChange> {
    change.change.sku = sku(id);
    change
}

pub(crate) fn listing(id: &str, version: u64, listing: Listing) -> Traced<ListingChange> {
    untraced(ListingChange {
        product: product(id),
        listing,
        version,
    })
}

pub(crate) fn card(id: &str, version: u64) -> ProductCard {
    ProductCard {
        id: product(id),
        shop: ShopId::new("gifts").unwrap(),
        title: format!("{id} at {version}"),
        ancestors: Vec::new(),
        category: None,
        brand: Some("Kasa".to_owned()),
        series: None,
        price: Some(Money::from_minor(295)),
        image_uri: None,
        listing: Listing::Listed,
        skus: Vec::new(),
        provenance: Provenance::Real,
        version,
    }
}

/// `count` links of an anchor.
pub(crate) fn links(anchor: &str, version: u64, count: usize) -> AnchorLinks {
    let link = |at: usize| Link {
        id: LinkId::new(format!("l{at}")).unwrap(),
        input: LinkInput {
            anchor: product(anchor),
            companion: product(&format!("c{at}")),
            effect: LinkEffect::Boost { factor: 1.5 },
            relation: None,
            surface: None,
            valid_from: None,
            valid_until: Some(Timestamp::from_ms(7)),
            reason: String::new(),
        },
        shop: ShopId::new("gifts").unwrap(),
        author: "ada".to_owned(),
        created: Timestamp::from_ms(1),
        deleted: None,
        version: 1,
    };
    AnchorLinks {
        anchor: product(anchor),
        version,
        links: (0..count).map(link).collect(),
    }
}

pub(crate) fn surface(id: &str, version: u64, default_size: u32) -> Surface {
    let surface = Surface::with_defaults(SurfaceId::new(id).unwrap());
    Surface {
        version,
        default_size,
        ..surface
    }
}

pub(crate) fn manifest(generation: u64, segments: &[u64]) -> Manifest {
    let segment = |&id: &u64| SegmentRef {
        id,
        path: format!("{id}.seg"),
        checksum: String::new(),
        bytes: 0,
        records: 0,
    };
    Manifest {
        generation: GenerationNo(generation),
        segments: segments.iter().map(segment).collect(),
        codec: tandem_cache::codec::CODEC,
    }
}

pub(crate) fn envelope(change: Change) -> Envelope {
    Envelope {
        marketplace: uk(),
        store_epoch: 3,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        change,
    }
}

/// An envelope that is told from others by its number.
pub(crate) fn beat(counter: u64) -> Envelope {
    envelope(Change::Heartbeat { counter })
}

/// The fixed bundles of an anchor: `count` times the same.
pub(crate) fn fixed_bundles(anchor: &str, version: u64, count: usize) -> AnchorBundles {
    let member = |id: &str| BundleMember {
        product: product(id),
        role: id.to_owned(),
        quantity: 2,
        support: 0,
        alternates: vec![product("z")],
    };
    let bundle = FixedBundle {
        id: FixedBundleId::new("b1").unwrap(),
        input: FixedBundleInput {
            anchor: product(anchor),
            title: "外套".to_owned(),
            members: vec![member("x"), member("y")],
        },
        shop: ShopId::new("gifts").unwrap(),
        author: "ada".to_owned(),
        created: Timestamp::from_ms(1),
    };
    AnchorBundles {
        anchor: product(anchor),
        version,
        bundles: vec![bundle; count],
    }
}
