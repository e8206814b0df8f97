//! `FixedBundles`.

use tandem_proto::v1 as pb;
use tandem_proto::v1::fixed_bundles_server::FixedBundles;
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::refusal::refuse;
use crate::{convert, parse};

pub(crate) struct FixedBundlesService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl FixedBundles for FixedBundlesService {
    async fn create_fixed_bundle(
        &self,
        request: Request<pb::CreateFixedBundleRequest>,
    ) -> Result<Response<pb::FixedBundle>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let input = parse::fixed_bundle::creation(call.body)?;
        let bundle = self.desk.store.create_fixed_bundle(&ctx, &input).await;
        Ok(Response::new(convert::fixed_bundle(bundle.map_err(refuse)?)))
    }

    async fn list_fixed_bundles(
        &self,
        request: Request<pb::ListFixedBundlesRequest>,
    ) -> Result<Response<pb::ListFixedBundlesResponse>, Status> {
        let call = Call::of(request)?;
        let anchor = parse::fixed_bundle::listing(&call.body)?;
        let bundles = self.desk.store.fixed_bundles(&call.principal, &anchor).await;
        let bundles = bundles.map_err(refuse)?.into_iter();
        Ok(Response::new(pb::ListFixedBundlesResponse {
            fixed_bundles: bundles.map(convert::fixed_bundle).collect(),
        }))
    }

    async fn delete_fixed_bundle(
        &self,
        request: Request<pb::DeleteFixedBundleRequest>,
    ) -> Result<Response<pb::DeleteFixedBundleResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let (id, reason) = parse::fixed_bundle::deletion(call.body)?;
        let deleted = self.desk.store.delete_fixed_bundle(&ctx, &id, &reason).await;
        Ok(Response::new(pb::DeleteFixedBundleResponse {
            deleted: deleted.map_err(refuse)?,
        }))
    }
}
