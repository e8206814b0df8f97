//! `tandem.v1.Bundles`.

use std::collections::HashSet;

use tandem_domain::attribution::{Answered, Mark};
use tandem_domain::mend::Part;
use tandem_domain::overlay::Window;
use tandem_proto::v1::bundles_server::Bundles;
use tandem_proto::v1::{
    ListBundleSetsRequest, ListBundleSetsResponse, QuoteBundleRequest, QuoteBundleResponse, QuoteItem,
};
use tandem_runtime::status::Refusal;
use tonic::{Extensions, Request, Response, Status};

use super::parse::{Batch, Fields, checked};
use super::{Desk, convert, sells_from, surface};
use crate::bundles::{AskSets, Line, selling_surface};
use crate::meters::Outcome;
use crate::page::{self, Bond};

const PARTS: Batch = Batch { least: 2, most: 10 };
const DEFAULT_SETS: usize = 3;
const MAX_SETS: usize = 10;
const MAX_QUANTITY: u32 = 1_000;
const LIVE_ROOM: &str = "live_room";

/// The service.
#[derive(Clone)]
pub(crate) struct BundlesApi(Desk);

impl BundlesApi {
    /// Handlers at this desk.
    #[must_use]
    pub(crate) fn new(desk: Desk) -> Self {
        Self(desk)
    }

    async fn sets(
        &self,
        extensions: &Extensions,
        mut request: ListBundleSetsRequest,
    ) -> Result<(ListBundleSetsResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        let token = std::mem::take(&mut request.page_token);
        let bond = Bond::of("ListBundleSets", market.id(), &request);
        let mut fields = Fields::default();
        let anchor = fields.product("product_id", &request.product_id);
        let size = fields.page_size(request.page_size, DEFAULT_SETS, MAX_SETS);
        let id = fields.surface(&request.surface_id, LIVE_ROOM);
        let excluded = fields.excluded(&request.exclude_product_ids);
        let depth = fields.depth(request.view);
        let pool = fields.pool("pool", &request.pool);
        fields.finish()?;
        let surface = surface(&market, checked(id))?;
        sells_from(&surface, pool.as_ref())?;
        let place = page::read(&token, bond)?;
        let window = Window {
            offset: place.offset,
            size,
        };
        let anchor = checked(anchor);
        let ask = AskSets {
            anchor,
            surface,
            excluded,
            window,
            pool,
        };

        let sets = self.0.bundles().sets(&market, &ask).await?;
        place.still_in(sets.generation)?;

        let outcome = Outcome::of(sets.freshness, sets.sets.len());
        let next = window.offset + sets.sets.len();
        let sign = |offset, parts: &[Part]| {
            let answer = Answered {
                marketplace: market.id(),
                surface: &ask.surface,
                generation: sets.generation,
                anchor: Some(&ask.anchor),
                offset,
                explored: None,
            };
            self.0
                .token(&answer, parts.iter().map(|part| Mark::of(part.product.as_str())))
        };
        let response = ListBundleSetsResponse {
            next_page_token: if sets.more {
                page::token(bond, sets.generation, next)
            } else {
                String::new()
            },
            generation: sets.generation,
            freshness: Some(convert::freshness(sets.freshness)),
            anchor_supply: convert::supply(sets.footing.supply).into(),
            suspended: sets.footing.suspended,
            sets: convert::sets(&sets, depth, market.currency(), sign),
        };
        Ok((response, outcome))
    }

    async fn quote(
        &self,
        extensions: &Extensions,
        request: QuoteBundleRequest,
    ) -> Result<(QuoteBundleResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        PARTS.check("items", request.items.len())?;
        let mut fields = Fields::default();
        let lines = lines(&mut fields, &request.items);
        let pool = fields.pool("pool", &request.pool);
        fields.finish()?;

        let surface = selling_surface(&market);
        if let Some(surface) = &surface {
            sells_from(surface, pool.as_ref())?;
        }
        let bundles = self.0.bundles();
        let quote = bundles
            .quote(&market, surface.as_deref(), &lines, pool.as_ref())
            .await?;

        let outcome = Outcome::of(quote.freshness, quote.lines.len());
        Ok((convert::quote(quote, market.currency()), outcome))
    }
}

#[tonic::async_trait]
impl Bundles for BundlesApi {
    async fn list_bundle_sets(
        &self,
        request: Request<ListBundleSetsRequest>,
    ) -> Result<Response<ListBundleSetsResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.sets(&extensions, request).await;
        self.0.answer("ListBundleSets", outcome)
    }

    async fn quote_bundle(
        &self,
        request: Request<QuoteBundleRequest>,
    ) -> Result<Response<QuoteBundleResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.quote(&extensions, request).await;
        self.0.answer("QuoteBundle", outcome)
    }
}

fn lines(fields: &mut Fields, items: &[QuoteItem]) -> Vec<Line> {
    let mut seen = HashSet::new();
    let mut lines = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let field = |name: &str| format!("items[{at}].{name}");
        let product = fields.product(&field("product_id"), &item.product_id);
        let sku = fields.sku(field("sku_id"), &item.sku_id);
        if item.quantity > MAX_QUANTITY {
            fields.wrong(field("quantity"), format!("must be at most {MAX_QUANTITY}"));
        }
        if !seen.insert(&item.product_id) {
            fields.wrong(
                field("product_id"),
                format!("{:?} stands here twice", item.product_id),
            );
        }
        lines.extend(product.map(|product| Line {
            product,
            sku,
            quantity: item.quantity.max(1),
        }));
    }
    lines
}
