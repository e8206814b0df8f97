//! Requests of `Catalog`.

use std::collections::{BTreeMap, HashSet};

use tandem_domain::catalog::{Listing, ProductInput, SkuInput, StockPolicy};
use tandem_domain::id::ProductId;
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;
use tandem_store::ProductUpsert;

use super::field::provenance;
use super::{Path, Violations, bound};

/// Products or SKUs of one request.
const MAX_BATCH: usize = 500;

const TITLE_CHARS: usize = 500;
const BRAND_CHARS: usize = 200;
const URI_CHARS: usize = 2_000;
/// Kinds of tag of a product, attributes of a SKU, values of a tag.
const MAX_ENTRIES: usize = 20;
/// Kinds and values of tags, names of attributes.
const NAME_CHARS: usize = 64;
const ATTRIBUTE_CHARS: usize = 200;

/// Products to take off sale, and why.
#[derive(Debug)]
pub(crate) struct Delisting {
    pub(crate) products: Vec<ProductId>,
    pub(crate) reason: String,
}

/// The products of a request, in its order.
pub(crate) fn products(request: pb::BatchUpsertProductsRequest) -> Result<Vec<ProductUpsert>, Refusal> {
    bound("products", request.products.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("products");
    violations.at_least_one(&at, request.products.len());
    let mut seen = HashSet::new();
    for (index, product) in request.products.iter().enumerate() {
        let at = at.at(index);
        violations.once(&at.field("product_id"), &product.product_id, &mut seen);
    }
    let products: Vec<_> = request
        .products
        .into_iter()
        .enumerate()
        .filter_map(|(index, product)| upsert(&mut violations, &at.at(index), product))
        .collect();
    violations.finish(Some(products))
}

/// The SKUs of a request, in its order.
pub(crate) fn skus(request: pb::BatchUpsertSkusRequest) -> Result<Vec<SkuInput>, Refusal> {
    bound("skus", request.skus.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("skus");
    violations.at_least_one(&at, request.skus.len());
    let mut seen = HashSet::new();
    for (index, sku) in request.skus.iter().enumerate() {
        violations.once(&at.at(index).field("sku_id"), &sku.sku_id, &mut seen);
    }
    let skus: Vec<_> = request
        .skus
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| sku(&mut violations, &at.at(index), item))
        .collect();
    violations.finish(Some(skus))
}

/// The one product that is asked for.
pub(crate) fn product_id(request: &pb::GetProductRequest) -> Result<ProductId, Refusal> {
    let mut violations = Violations::new();
    let id = violations.id(&Path::of("product_id"), &request.product_id);
    violations.finish(id)
}

/// Which products to take off sale, and why.
pub(crate) fn delisting(request: pb::DelistProductsRequest) -> Result<Delisting, Refusal> {
    bound("product_ids", request.product_ids.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("product_ids");
    violations.at_least_one(&at, request.product_ids.len());
    let mut products = Vec::with_capacity(request.product_ids.len());
    for (index, id) in request.product_ids.iter().enumerate() {
        products.extend(violations.id::<ProductId>(&at.at(index), id));
    }
    let reason = violations.reason(&Path::of("reason"), request.reason);
    violations.finish(reason.map(|reason| Delisting { products, reason }))
}

fn upsert(violations: &mut Violations, at: &Path<'_>, product: pb::Product) -> Option<ProductUpsert> {
    let listing = listing(violations, &at.field("listing"), product.listing);
    let etag = violations.etag(&at.field("etag"), &product.etag);
    let input = product_input(violations, at, product);
    Some(ProductUpsert {
        input: input?,
        listing: listing?,
        etag: etag?,
    })
}

fn product_input(violations: &mut Violations, at: &Path<'_>, product: pb::Product) -> Option<ProductInput> {
    let id = violations.id(&at.field("product_id"), &product.product_id);
    let title = violations.text(&at.field("title"), product.title, 1..=TITLE_CHARS);
    let category = violations.optional_id(&at.field("category_id"), &product.category_id);
    let brand = violations.optional_text(&at.field("brand"), product.brand, BRAND_CHARS);
    let series = violations.optional_id(&at.field("series_id"), &product.series_id);
    let price = violations.price(&at.field("price"), product.price);
    let image_uri = violations.optional_text(&at.field("image_uri"), product.image_uri, URI_CHARS);
    let quality = quality(violations, &at.field("quality"), product.quality);
    let tags = tags(violations, &at.field("tags"), product.tags);
    Some(ProductInput {
        id: id?,
        title: title?,
        category: category?,
        brand: brand?,
        series: series?,
        price: price?,
        image_uri: image_uri?,
        quality: quality?,
        tags: tags?,
        provenance: provenance(product.generated),
    })
}

fn sku(violations: &mut Violations, at: &Path<'_>, sku: pb::Sku) -> Option<SkuInput> {
    let id = violations.id(&at.field("sku_id"), &sku.sku_id);
    let product = violations.id(&at.field("product_id"), &sku.product_id);
    let price = violations.price(&at.field("price"), sku.price);
    let policy = policy(violations, &at.field("stock_policy"), sku.stock_policy);
    let attributes = attributes(violations, &at.field("attributes"), sku.attributes);
    Some(SkuInput {
        id: id?,
        product: product?,
        price: price?,
        policy: policy?,
        attributes: attributes?,
        provenance: provenance(sku.generated),
    })
}

fn listing(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<Option<Listing>> {
    let listing = match violations.known(at, value)? {
        pb::Listing::Unspecified => None,
        pb::Listing::Listed => Some(Listing::Listed),
        pb::Listing::Delisted => Some(Listing::Delisted),
    };
    Some(listing)
}

fn policy(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<StockPolicy> {
    let policy = match violations.known(at, value)? {
        pb::StockPolicy::Unspecified | pb::StockPolicy::Tracked => StockPolicy::Tracked,
        pb::StockPolicy::Untracked => StockPolicy::Untracked,
        pb::StockPolicy::ContinueSelling => StockPolicy::ContinueSelling,
        pb::StockPolicy::PreOrder => StockPolicy::PreOrder,
    };
    Some(policy)
}

fn quality(violations: &mut Violations, at: &Path<'_>, value: Option<f64>) -> Option<Option<f64>> {
    match value {
        None => Some(None),
        Some(quality) => violations.number(at, quality, 0.0..=1.0).map(Some),
    }
}

fn tags(
    violations: &mut Violations,
    at: &Path<'_>,
    tags: BTreeMap<String, pb::TagValues>,
) -> Option<BTreeMap<String, Vec<String>>> {
    entries(violations, at, tags.len())?;
    let mut parsed = Some(BTreeMap::new());
    for (kind, pb::TagValues { values }) in tags {
        let here = at.key(&kind);
        let bounded = entries(violations, &here, values.len());
        let values = bounded.and_then(|()| {
            let texts = values.into_iter().enumerate();
            let texts = texts.map(|(i, value)| violations.text(&here.at(i), value, 1..=NAME_CHARS));
            texts.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()
        });
        let kind = violations.text(&here, kind.clone(), 1..=NAME_CHARS);
        parsed = collect(parsed, kind.zip(values));
    }
    parsed
}

fn attributes(
    violations: &mut Violations,
    at: &Path<'_>,
    attributes: BTreeMap<String, String>,
) -> Option<BTreeMap<String, String>> {
    entries(violations, at, attributes.len())?;
    let mut parsed = Some(BTreeMap::new());
    for (name, value) in attributes {
        let here = at.key(&name);
        let value = violations.text(&here, value, 0..=ATTRIBUTE_CHARS);
        let name = violations.text(&here, name.clone(), 1..=NAME_CHARS);
        parsed = collect(parsed, name.zip(value));
    }
    parsed
}

/// Puts a good entry to the good ones; one bad entry spoils the map.
fn collect<V>(map: Option<BTreeMap<String, V>>, entry: Option<(String, V)>) -> Option<BTreeMap<String, V>> {
    let (mut map, (key, value)) = map.zip(entry)?;
    map.insert(key, value);
    Some(map)
}

fn entries(violations: &mut Violations, at: &Path<'_>, length: usize) -> Option<()> {
    if length <= MAX_ENTRIES {
        return Some(());
    }
    violations.refuse(
        at,
        format_args!("holds {length} entries, {MAX_ENTRIES} is the limit"),
    )
}
