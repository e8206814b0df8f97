//! `Stock`.

use std::collections::HashSet;

use tandem_domain::id::SkuId;
use tandem_domain::stock::StockLevel;
use tandem_proto::v1 as pb;
use tandem_proto::v1::stock_server::Stock;
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::refusal::refuse;
use crate::{convert, parse};

pub(crate) struct StockService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Stock for StockService {
    async fn report_stock(
        &self,
        request: Request<pb::ReportStockRequest>,
    ) -> Result<Response<pb::ReportStockResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let reports = parse::stock::reports(call.body)?;
        let outcomes = self
            .desk
            .store
            .report_stock(&ctx, &reports)
            .await
            .map_err(refuse)?;
        let outcomes = outcomes.into_iter().map(convert::outcome).collect();
        Ok(Response::new(pb::ReportStockResponse { outcomes }))
    }

    async fn batch_get_stock(
        &self,
        request: Request<pb::BatchGetStockRequest>,
    ) -> Result<Response<pb::BatchGetStockResponse>, Status> {
        let call = Call::of(request)?;
        let skus = parse::stock::skus(&call.body)?;
        let levels = self
            .desk
            .store
            .stock(&call.principal, &skus)
            .await
            .map_err(refuse)?;
        Ok(Response::new(pb::BatchGetStockResponse {
            missing_sku_ids: missing(skus, &levels),
            levels: levels.into_iter().map(convert::level).collect(),
        }))
    }

    async fn get_stock_policy(
        &self,
        request: Request<pb::GetStockPolicyRequest>,
    ) -> Result<Response<pb::ShopStockPolicy>, Status> {
        let call = Call::of(request)?;
        let found = self.desk.store.thresholds(&call.principal).await;
        Ok(Response::new(convert::stock_policy(&found.map_err(refuse)?)))
    }

    async fn update_stock_policy(
        &self,
        request: Request<pb::UpdateStockPolicyRequest>,
    ) -> Result<Response<pb::ShopStockPolicy>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let (thresholds, etag) = parse::stock::policy(&call.body)?;
        let stored = self
            .desk
            .store
            .update_thresholds(&ctx, thresholds, etag)
            .await
            .map_err(refuse)?;
        Ok(Response::new(convert::stock_policy(&stored)))
    }
}

/// The SKUs that nobody reported, in the order of the request.
fn missing(skus: Vec<SkuId>, levels: &[StockLevel]) -> Vec<String> {
    let reported: HashSet<_> = levels.iter().map(|level| &level.sku).collect();
    let missing = skus.into_iter().filter(|sku| !reported.contains(sku));
    missing.map(String::from).collect()
}
