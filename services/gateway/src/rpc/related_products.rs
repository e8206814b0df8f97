//! `tandem.v1.RelatedProducts`.

use std::sync::Arc;

use tandem_domain::id::ProductId;
use tandem_domain::overlay::Window;
use tandem_domain::surface::Surface;
use tandem_proto::v1::related_products_server::RelatedProducts;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, BatchListRelatedProductsResponse, ExplainRelatedProductRequest,
    ExplainRelatedProductResponse, ListBasketCompanionsRequest, ListBasketCompanionsResponse,
    ListRelatedProductsRequest, ListRelatedProductsResponse, RelatedProductList,
};
use tandem_runtime::status::Refusal;
use tonic::{Extensions, Request, Response, Status};

use super::parse::{Batch, Fields, MAX_ITEMS, checked};
use super::{Desk, convert, surface};
use crate::failure::Failure;
use crate::market::Market;
use crate::meters::Outcome;
use crate::page::{self, Bond};
use crate::related::{Ask, Depth, Relations};

const ANCHORS: Batch = Batch { least: 1, most: 100 };
const BASKET: Batch = Batch { least: 1, most: 50 };
const CART: &str = "cart";

/// The service.
#[derive(Clone)]
pub(crate) struct RelatedProductsApi(Desk);

impl RelatedProductsApi {
    /// Handlers at this desk.
    #[must_use]
    pub(crate) fn new(desk: Desk) -> Self {
        Self(desk)
    }

    async fn list(
        &self,
        extensions: &Extensions,
        mut request: ListRelatedProductsRequest,
    ) -> Result<(ListRelatedProductsResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        let token = std::mem::take(&mut request.page_token);
        let bond = Bond::of("ListRelatedProducts", market.id(), &request);
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
        };
        let mut fields = Fields::default();
        let anchor = fields.product("product_id", &request.product_id);
        let mut ask = wanted.parse(fields, &market, Surface::DEFAULT)?;
        let place = page::read(&token, bond)?;
        ask.window.offset = place.offset;

        let anchor = checked(anchor);
        let mut answer = self
            .0
            .related
            .list(&market, std::slice::from_ref(&anchor), &ask)
            .await?;
        place.still_in(answer.generation)?;

        let list = answer.lists.pop().ok_or(Failure::UnknownProduct(anchor))?;
        self.0.meters.dropped(&list.overlaid.dropped);
        let next = ask.window.offset + list.overlaid.items.len();
        let more = list.overlaid.more;
        let dropped = if request.debug {
            convert::dropped(&list.overlaid.dropped)
        } else {
            Vec::new()
        };
        let items = convert::items(list.overlaid.items, list.details, market.currency());
        let outcome = Outcome::of(answer.freshness, items.len());
        let response = ListRelatedProductsResponse {
            items,
            next_page_token: if more {
                page::token(bond, answer.generation, next)
            } else {
                String::new()
            },
            generation: answer.generation,
            freshness: Some(convert::freshness(answer.freshness)),
            dropped,
        };
        Ok((response, outcome))
    }

    async fn batch(
        &self,
        extensions: &Extensions,
        request: BatchListRelatedProductsRequest,
    ) -> Result<(BatchListRelatedProductsResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        ANCHORS.check("product_ids", request.product_ids.len())?;
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
        };
        let mut fields = Fields::default();
        let anchors = fields.distinct_products("product_ids", &request.product_ids);
        let ask = wanted.parse(fields, &market, Surface::DEFAULT)?;

        let answer = self.0.related.list(&market, &anchors, &ask).await?;

        let shown = answer.lists.iter().map(|list| list.overlaid.items.len()).sum();
        let outcome = Outcome::of(answer.freshness, shown);
        let lists = answer.lists.into_iter().map(|list| {
            self.0.meters.dropped(&list.overlaid.dropped);
            RelatedProductList {
                product_id: list.anchor.to_string(),
                items: convert::items(list.overlaid.items, list.details, market.currency()),
            }
        });
        let response = BatchListRelatedProductsResponse {
            lists: lists.collect(),
            missing_product_ids: convert::ids(&answer.missing),
            generation: answer.generation,
            freshness: Some(convert::freshness(answer.freshness)),
        };
        Ok((response, outcome))
    }

    async fn basket(
        &self,
        extensions: &Extensions,
        request: ListBasketCompanionsRequest,
    ) -> Result<(ListBasketCompanionsResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        BASKET.check("product_ids", request.product_ids.len())?;
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
        };
        let mut fields = Fields::default();
        let basket = once_each(fields.products("product_ids", &request.product_ids));
        let ask = wanted.parse(fields, &market, CART)?;

        let answer = self.0.related.basket(&market, &basket, &ask).await?;

        self.0.meters.dropped(&answer.overlaid.dropped);
        let outcome = Outcome::of(answer.freshness, answer.overlaid.items.len());
        let response = ListBasketCompanionsResponse {
            items: convert::items(answer.overlaid.items, answer.details, market.currency()),
            missing_product_ids: convert::ids(&answer.missing),
            generation: answer.generation,
            freshness: Some(convert::freshness(answer.freshness)),
        };
        Ok((response, outcome))
    }

    async fn explain(
        &self,
        extensions: &Extensions,
        request: ExplainRelatedProductRequest,
    ) -> Result<(ExplainRelatedProductResponse, Outcome), Refusal> {
        let market = self.0.market(extensions)?;
        let mut fields = Fields::default();
        let anchor = fields.product("product_id", &request.product_id);
        let companion = fields.product("companion_product_id", &request.companion_product_id);
        if anchor.is_some() && anchor == companion {
            fields.wrong("companion_product_id", "is the anchor itself");
        }
        let wanted = ListFields {
            relations: &[],
            page_size: 0,
            surface_id: &request.surface_id,
            excluded: &[],
            view: 0,
        };
        let ask = wanted.parse(fields, &market, Surface::DEFAULT)?;

        let (anchor, companion) = (checked(anchor), checked(companion));
        let explanation = self.0.related.explain(&market, &anchor, &companion, &ask).await?;

        let outcome = Outcome::of(explanation.freshness, 1);
        Ok((convert::explanation(explanation), outcome))
    }
}

#[tonic::async_trait]
impl RelatedProducts for RelatedProductsApi {
    async fn list_related_products(
        &self,
        request: Request<ListRelatedProductsRequest>,
    ) -> Result<Response<ListRelatedProductsResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.list(&extensions, request).await;
        self.0.answer("ListRelatedProducts", outcome)
    }

    async fn batch_list_related_products(
        &self,
        request: Request<BatchListRelatedProductsRequest>,
    ) -> Result<Response<BatchListRelatedProductsResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.batch(&extensions, request).await;
        self.0.answer("BatchListRelatedProducts", outcome)
    }

    async fn list_basket_companions(
        &self,
        request: Request<ListBasketCompanionsRequest>,
    ) -> Result<Response<ListBasketCompanionsResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.basket(&extensions, request).await;
        self.0.answer("ListBasketCompanions", outcome)
    }

    async fn explain_related_product(
        &self,
        request: Request<ExplainRelatedProductRequest>,
    ) -> Result<Response<ExplainRelatedProductResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let outcome = self.explain(&extensions, request).await;
        self.0.answer("ExplainRelatedProduct", outcome)
    }
}

/// What the list methods have in common.
struct ListFields<'a> {
    relations: &'a [i32],
    page_size: i32,
    surface_id: &'a str,
    excluded: &'a [String],
    view: i32,
}

impl ListFields<'_> {
    fn parse(&self, mut fields: Fields, market: &Market, default_surface: &str) -> Result<Ask, Refusal> {
        let id = fields.surface(self.surface_id, default_surface);
        let relations: Relations = fields.relations(self.relations);
        let excluded = fields.excluded(self.excluded);
        let depth: Depth = fields.depth(self.view);
        let asked = fields.page_size(self.page_size, 0, MAX_ITEMS);
        fields.finish()?;
        let surface: Arc<Surface> = surface(market, checked(id))?;
        let default = usize::try_from(surface.default_size)
            .unwrap_or(MAX_ITEMS)
            .clamp(1, MAX_ITEMS);
        Ok(Ask {
            window: Window {
                offset: 0,
                size: if asked == 0 { default } else { asked },
            },
            surface,
            relations,
            excluded,
            depth,
        })
    }
}

/// Of products that stand in a basket twice the last, more recent place counts.
fn once_each(mut basket: Vec<ProductId>) -> Vec<ProductId> {
    let mut seen = std::collections::HashSet::new();
    basket.reverse();
    basket.retain(|product| seen.insert(product.clone()));
    basket.reverse();
    basket
}
