//! `tandem.v1.RelatedProducts`.

mod kept;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tandem_domain::attribution::Mark;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Item, Overlaid, Window};
use tandem_domain::surface::Surface;
use tandem_proto::v1;
use tandem_proto::v1::related_products_server::SERVICE_NAME;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, BatchListRelatedProductsResponse, ExplainRelatedProductRequest,
    ListBasketCompanionsRequest, ListBasketCompanionsResponse, ListRelatedProductsRequest,
    ListRelatedProductsResponse, ProductFilter, RelatedProductList,
};
use tandem_runtime::status::Refusal;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;
use tonic::{Extensions, Status};

use super::parse::{Batch, Fields, MAX_ITEMS, checked};
use super::unary::{answer, encoded};
use super::{Desk, convert, sells_from, surface};
use crate::bundles::AskSets;
use crate::failure::Failure;
use crate::market::Market;
use crate::meters::Outcome;
use crate::page::{self, Bond};
use crate::related::{Ask, Depth, Relations};

const ANCHORS: Batch = Batch { least: 1, most: 100 };
const BASKET: Batch = Batch { least: 1, most: 50 };
const CART: &str = "cart";

/// Every set of an anchor.
const ALL: Window = Window {
    offset: 0,
    size: usize::MAX,
};

/// The service. Every answer is bytes: most of them were encoded before the request came.
#[derive(Clone)]
pub(crate) struct RelatedProductsApi {
    desk: Desk,
    max_request_bytes: usize,
}

impl RelatedProductsApi {
    /// Handlers at this desk, for requests of at most so many bytes.
    #[must_use]
    pub(crate) fn new(desk: Desk, max_request_bytes: usize) -> Self {
        Self {
            desk,
            max_request_bytes,
        }
    }

    async fn list(
        &self,
        extensions: &Extensions,
        mut request: ListRelatedProductsRequest,
    ) -> Result<(Bytes, Outcome), Refusal> {
        let market = self.desk.market(extensions)?;
        let token = std::mem::take(&mut request.page_token);
        let bond = Bond::of("ListRelatedProducts", market.id(), &request);
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
            filter: request.filter.as_ref(),
            shopper: request.shopper.as_ref(),
            pool: &request.pool,
        };
        let mut fields = Fields::default();
        let anchor = fields.product("product_id", &request.product_id);
        let mut ask = wanted.parse(fields, &market, Surface::DEFAULT)?;
        let place = page::read(&token, bond)?;
        ask.window.offset = place.offset;

        let anchor = checked(anchor);
        if !request.debug && self.desk.related().keeps(&market, &ask) {
            return self.kept_list(&market, anchor, &ask, place, bond).await;
        }
        let mut answer = self
            .desk
            .related()
            .list(&market, std::slice::from_ref(&anchor), &ask)
            .await?;
        place.still_in(answer.generation)?;

        let list = answer.lists.pop().ok_or(Failure::UnknownProduct(anchor))?;
        self.desk.meters().dropped(&list.overlaid.dropped);
        let next = ask.window.offset + list.overlaid.items.len();
        let more = list.overlaid.more;
        let dropped = told(request.debug, &list.overlaid);
        let items = &list.overlaid.items;
        let marks = marks(items);
        let attribution_token = self.token(
            &market,
            &ask,
            answer.generation,
            Some(&list.anchor),
            Shown::of(&marks, items),
        );
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
            anchor_supply: convert::supply(list.footing.supply).into(),
            attribution_token,
        };
        Ok((encoded(&response), outcome))
    }

    async fn batch(
        &self,
        extensions: &Extensions,
        request: BatchListRelatedProductsRequest,
    ) -> Result<(Bytes, Outcome), Refusal> {
        let market = self.desk.market(extensions)?;
        ANCHORS.check("product_ids", request.product_ids.len())?;
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
            filter: request.filter.as_ref(),
            shopper: request.shopper.as_ref(),
            pool: &request.pool,
        };
        let mut fields = Fields::default();
        let anchors = fields.distinct_products("product_ids", &request.product_ids);
        let ask = wanted.parse(fields, &market, Surface::DEFAULT)?;

        if !request.debug
            && self.desk.related().keeps(&market, &ask)
            && let Some(answer) = self.kept_batch(&market, &anchors, &ask).await?
        {
            return Ok(answer);
        }
        let answer = self.desk.related().list(&market, &anchors, &ask).await?;

        let shown = answer.lists.iter().map(|list| list.overlaid.items.len()).sum();
        let outcome = Outcome::of(answer.freshness, shown);
        let lists = answer.lists.into_iter().map(|list| {
            self.desk.meters().dropped(&list.overlaid.dropped);
            let items = &list.overlaid.items;
            let marks = marks(items);
            RelatedProductList {
                attribution_token: self.token(
                    &market,
                    &ask,
                    answer.generation,
                    Some(&list.anchor),
                    Shown::of(&marks, items),
                ),
                product_id: list.anchor.to_string(),
                dropped: told(request.debug, &list.overlaid),
                items: convert::items(list.overlaid.items, list.details, market.currency()),
                anchor_supply: convert::supply(list.footing.supply).into(),
            }
        });
        let response = BatchListRelatedProductsResponse {
            lists: lists.collect(),
            missing_product_ids: convert::ids(&answer.missing),
            generation: answer.generation,
            freshness: Some(convert::freshness(answer.freshness)),
        };
        Ok((encoded(&response), outcome))
    }

    async fn basket(
        &self,
        extensions: &Extensions,
        request: ListBasketCompanionsRequest,
    ) -> Result<(Bytes, Outcome), Refusal> {
        let market = self.desk.market(extensions)?;
        BASKET.check("product_ids", request.product_ids.len())?;
        let wanted = ListFields {
            relations: &request.relations,
            page_size: request.page_size,
            surface_id: &request.surface_id,
            excluded: &request.exclude_product_ids,
            view: request.view,
            filter: request.filter.as_ref(),
            shopper: request.shopper.as_ref(),
            pool: &request.pool,
        };
        let mut fields = Fields::default();
        let basket = once_each(fields.products("product_ids", &request.product_ids));
        let ask = wanted.parse(fields, &market, CART)?;

        if !request.debug
            && self.desk.related().keeps(&market, &ask)
            && let Some(kept) = self.desk.related().kept_basket(&market, &basket, &ask).await?
        {
            let sign = |generation, items: &[Item]| {
                self.token(&market, &ask, generation, None, Shown::of(&marks(items), items))
            };
            let (answer, outcome, drops) = kept::basket(&market, kept, &ask, sign);
            self.desk.meters().drops(&drops);
            return Ok((answer, outcome));
        }
        let answer = self.desk.related().basket(&market, &basket, &ask).await?;

        self.desk.meters().dropped(&answer.overlaid.dropped);
        let outcome = Outcome::of(answer.freshness, answer.overlaid.items.len());
        let dropped = told(request.debug, &answer.overlaid);
        let items = &answer.overlaid.items;
        let marks = marks(items);
        let attribution_token = self.token(&market, &ask, answer.generation, None, Shown::of(&marks, items));
        let response = ListBasketCompanionsResponse {
            attribution_token,
            dropped,
            items: convert::items(answer.overlaid.items, answer.details, market.currency()),
            missing_product_ids: convert::ids(&answer.missing),
            generation: answer.generation,
            freshness: Some(convert::freshness(answer.freshness)),
        };
        Ok((encoded(&response), outcome))
    }

    async fn explain(
        &self,
        extensions: &Extensions,
        request: ExplainRelatedProductRequest,
    ) -> Result<(Bytes, Outcome), Refusal> {
        let market = self.desk.market(extensions)?;
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
            filter: None,
            shopper: None,
            pool: &request.pool,
        };
        let ask = wanted.parse(fields, &market, Surface::DEFAULT)?;

        let (anchor, companion) = (checked(anchor), checked(companion));
        let all_sets = AskSets {
            anchor: anchor.clone(),
            surface: Arc::clone(&ask.surface),
            excluded: HashSet::new(),
            window: ALL,
            pool: ask.pool.clone(),
        };
        let related = self.desk.related().explain(&market, &anchor, &companion, &ask);
        let (explanation, sets) = futures::try_join!(related, self.desk.bundles().sets(&market, &all_sets))?;

        let outcome = Outcome::of(explanation.freshness, 1);
        let response = convert::explanation(explanation, &sets, &companion);
        Ok((encoded(&response), outcome))
    }
}

impl NamedService for RelatedProductsApi {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<http::Request<Body>> for RelatedProductsApi {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (api, limit) = (self.clone(), self.max_request_bytes);
        let method = request.uri().path().rsplit('/').next().unwrap_or_default();
        macro_rules! answered {
            ($name:literal, $handler:ident) => {
                answer(request, limit, async move |extensions, request| {
                    let outcome = api.$handler(&extensions, request).await;
                    api.desk.outcome($name, outcome)
                })
                .boxed()
            };
        }
        match method {
            "ListRelatedProducts" => answered!("ListRelatedProducts", list),
            "BatchListRelatedProducts" => answered!("BatchListRelatedProducts", batch),
            "ListBasketCompanions" => answered!("ListBasketCompanions", basket),
            "ExplainRelatedProduct" => answered!("ExplainRelatedProduct", explain),
            _ => ready(Ok(Status::unimplemented("no such method").into_http())).boxed(),
        }
    }
}

/// What a token tells of the items of a page.
#[derive(Debug, Clone, Copy)]
struct Shown<'a> {
    marks: &'a [Mark],
    /// The place that was dealt, from 1, and among how many.
    explored: Option<(usize, u32)>,
}

impl<'a> Shown<'a> {
    fn of(marks: &'a [Mark], items: &[Item]) -> Self {
        let mut places = (1..).zip(items);
        let explored = places.find_map(|(place, item)| Some((place, item.explored?)));
        Self { marks, explored }
    }
}

fn marks(items: &[Item]) -> Vec<Mark> {
    items
        .iter()
        .map(|item| Mark::of(item.offer.product.as_str()))
        .collect()
}

/// The dropped candidates, for who asks.
fn told(debug: bool, list: &Overlaid) -> Vec<v1::DroppedProduct> {
    if debug {
        convert::dropped(&list.dropped)
    } else {
        Vec::new()
    }
}

/// What the list methods have in common.
struct ListFields<'a> {
    relations: &'a [i32],
    page_size: i32,
    surface_id: &'a str,
    excluded: &'a [String],
    view: i32,
    filter: Option<&'a ProductFilter>,
    shopper: Option<&'a v1::Shopper>,
    pool: &'a str,
}

impl ListFields<'_> {
    fn parse(&self, mut fields: Fields, market: &Market, default_surface: &str) -> Result<Ask, Refusal> {
        let id = fields.surface(self.surface_id, default_surface);
        let relations: Relations = fields.relations(self.relations);
        let excluded = fields.excluded(self.excluded);
        let depth: Depth = fields.depth(self.view);
        let asked = fields.page_size(self.page_size, 0, MAX_ITEMS);
        let filter = self
            .filter
            .map(|filter| fields.filter(filter))
            .unwrap_or_default();
        let shopper = self
            .shopper
            .map(|shopper| fields.shopper(shopper))
            .unwrap_or_default();
        let pool = fields.pool("pool", self.pool);
        fields.finish()?;
        let surface: Arc<Surface> = surface(market, checked(id))?;
        sells_from(&surface, pool.as_ref())?;
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
            filter,
            shopper,
            pool,
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
