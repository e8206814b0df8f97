//! `Catalog`.

use tandem_domain::id::{ProductId, ShopId};
use tandem_domain::principal::Principal;
use tandem_proto::v1 as pb;
use tandem_proto::v1::catalog_server::Catalog;
use tandem_runtime::status::Refusal;
use tandem_store::Missing;
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::refusal::{foreign_shop, not_found, refuse};
use crate::{convert, parse};

pub(crate) struct CatalogService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Catalog for CatalogService {
    async fn batch_upsert_products(
        &self,
        request: Request<pb::BatchUpsertProductsRequest>,
    ) -> Result<Response<pb::BatchUpsertProductsResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let products = parse::catalog::products(call.body)?;
        let currency = self.desk.currency(&ctx.principal.marketplace).await?;
        let stored = self
            .desk
            .store
            .upsert_products(&ctx, &products)
            .await
            .map_err(refuse)?;
        let products = stored
            .into_iter()
            .map(|product| convert::product(product, &currency));
        Ok(Response::new(pb::BatchUpsertProductsResponse {
            products: products.collect(),
        }))
    }

    async fn batch_upsert_skus(
        &self,
        request: Request<pb::BatchUpsertSkusRequest>,
    ) -> Result<Response<pb::BatchUpsertSkusResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let skus = parse::catalog::skus(call.body)?;
        let currency = self.desk.currency(&ctx.principal.marketplace).await?;
        let stored = self.desk.store.upsert_skus(&ctx, &skus).await.map_err(refuse)?;
        let skus = stored.into_iter().map(|sku| convert::sku(sku, &currency));
        Ok(Response::new(pb::BatchUpsertSkusResponse {
            skus: skus.collect(),
        }))
    }

    async fn get_product(
        &self,
        request: Request<pb::GetProductRequest>,
    ) -> Result<Response<pb::Product>, Status> {
        let call = Call::of(request)?;
        let id = parse::catalog::product_id(&call.body)?;
        let marketplace = &call.principal.marketplace;
        let currency = self.desk.currency(marketplace).await?;
        let found = self.desk.store.product(marketplace, &id).await.map_err(refuse)?;
        let readable = found.filter(|(product, _)| may_read(&call.principal, &product.shop));
        let (product, skus) = readable.ok_or_else(|| unreadable(&call.principal, id))?;
        let mut answer = convert::product(product, &currency);
        answer.skus = skus.into_iter().map(|sku| convert::sku(sku, &currency)).collect();
        Ok(Response::new(answer))
    }

    async fn delist_products(
        &self,
        request: Request<pb::DelistProductsRequest>,
    ) -> Result<Response<pb::DelistProductsResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let delisting = parse::catalog::delisting(call.body)?;
        let store = &self.desk.store;
        let delisted = store
            .delist_products(&ctx, &delisting.products, &delisting.reason)
            .await;
        Ok(Response::new(pb::DelistProductsResponse {
            delisted_count: delisted.map_err(refuse)?,
        }))
    }

    async fn relist_products(
        &self,
        request: Request<pb::RelistProductsRequest>,
    ) -> Result<Response<pb::RelistProductsResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let pb::RelistProductsRequest {
            product_ids,
            reason,
            request_id,
        } = call.body;
        let relisting = parse::catalog::delisting(pb::DelistProductsRequest {
            product_ids,
            reason,
            request_id,
        })?;
        let store = &self.desk.store;
        let relisted = store
            .relist_products(&ctx, &relisting.products, &relisting.reason)
            .await;
        Ok(Response::new(pb::RelistProductsResponse {
            relisted_count: relisted.map_err(refuse)?,
        }))
    }
}

/// A shop reads its own; callers without a shop read across the marketplace.
fn may_read(principal: &Principal, owner: &ShopId) -> bool {
    principal.shop.as_ref().is_none_or(|shop| shop == owner)
}

/// Who reads across the marketplace may know what is not there; a shop only what it has.
fn unreadable(principal: &Principal, id: ProductId) -> Refusal {
    match principal.shop {
        Some(_) => foreign_shop(&Missing::Product(id)),
        None => not_found(&Missing::Product(id)),
    }
}
