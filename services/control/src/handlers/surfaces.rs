//! `Surfaces`.

use tandem_domain::id::SurfaceId;
use tandem_proto::v1 as pb;
use tandem_proto::v1::surfaces_server::Surfaces;
use tandem_store::Missing;
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::page::{self, Pages};
use crate::refusal::{not_found, refuse};
use crate::{convert, parse};

pub(crate) struct SurfacesService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Surfaces for SurfacesService {
    async fn get_surface(
        &self,
        request: Request<pb::GetSurfaceRequest>,
    ) -> Result<Response<pb::Surface>, Status> {
        let call = Call::of(request)?;
        let id = parse::surface::id(&call.body.surface_id)?;
        let store = &self.desk.store;
        let found = store
            .surface(&call.principal.marketplace, &id)
            .await
            .map_err(refuse)?;
        let found = found.ok_or_else(|| not_found(&Missing::Surface(id)))?;
        Ok(Response::new(convert::surface(found)))
    }

    async fn list_surfaces(
        &self,
        request: Request<pb::ListSurfacesRequest>,
    ) -> Result<Response<pb::ListSurfacesResponse>, Status> {
        let call = Call::of(request)?;
        let size = parse::surface::page_size(&call.body)?;
        let pages = Pages::of(&call.principal, "ListSurfaces", &[]);
        let after = pages.open::<SurfaceId>(&call.body.page_token)?;
        let store = &self.desk.store;
        let found = store
            .surfaces(&call.principal.marketplace, after.as_ref(), size + 1)
            .await;
        let mut found = found.map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut found, size, |revision| revision.surface.id.clone());
        Ok(Response::new(pb::ListSurfacesResponse {
            surfaces: found.into_iter().map(convert::surface).collect(),
            next_page_token,
        }))
    }

    async fn update_surface(
        &self,
        request: Request<pb::UpdateSurfaceRequest>,
    ) -> Result<Response<pb::Surface>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let update = parse::surface::update(call.body)?;
        let updated = self.desk.store.update_surface(&ctx, &update).await;
        Ok(Response::new(convert::surface(updated.map_err(refuse)?)))
    }

    async fn list_surface_revisions(
        &self,
        request: Request<pb::ListSurfaceRevisionsRequest>,
    ) -> Result<Response<pb::ListSurfaceRevisionsResponse>, Status> {
        let call = Call::of(request)?;
        let (id, size) = parse::surface::revisions(&call.body)?;
        let pages = Pages::of(&call.principal, "ListSurfaceRevisions", &[id.as_str()]);
        let before = pages.open::<u64>(&call.body.page_token)?;
        let store = &self.desk.store;
        let found = store
            .surface_revisions(&call.principal.marketplace, &id, before, size + 1)
            .await;
        let mut found = found.map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut found, size, |revision| revision.surface.version);
        Ok(Response::new(pb::ListSurfaceRevisionsResponse {
            revisions: found.into_iter().map(convert::revision).collect(),
            next_page_token,
        }))
    }

    async fn rollback_surface(
        &self,
        request: Request<pb::RollbackSurfaceRequest>,
    ) -> Result<Response<pb::Surface>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let asked = parse::surface::rollback(call.body)?;
        let store = &self.desk.store;
        let put_back = store
            .rollback_surface(&ctx, &asked.id, asked.version, asked.etag, &asked.reason)
            .await;
        Ok(Response::new(convert::surface(put_back.map_err(refuse)?)))
    }

    async fn delete_surface(
        &self,
        request: Request<pb::DeleteSurfaceRequest>,
    ) -> Result<Response<pb::DeleteSurfaceResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let asked = parse::surface::deletion(call.body)?;
        let store = &self.desk.store;
        let deleted = store
            .delete_surface(&ctx, &asked.id, asked.etag, &asked.reason)
            .await;
        Ok(Response::new(pb::DeleteSurfaceResponse {
            version: deleted.map_err(refuse)?.surface.version,
        }))
    }
}
