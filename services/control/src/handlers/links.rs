//! `Links`.

use tandem_domain::id::{LinkId, ProductId};
use tandem_proto::v1 as pb;
use tandem_proto::v1::links_server::Links;
use tandem_runtime::status::Refusal;
use tandem_store::{LinkQuery, Tombstones};
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::page::{self, Pages};
use crate::refusal::refuse;
use crate::{convert, parse};

pub(crate) struct LinksService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Links for LinksService {
    async fn create_link(
        &self,
        request: Request<pb::CreateLinkRequest>,
    ) -> Result<Response<pb::Link>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let input = parse::link::creation(call.body)?;
        let link = self.desk.store.create_link(&ctx, &input).await.map_err(refuse)?;
        Ok(Response::new(convert::link(link)))
    }

    async fn list_links(
        &self,
        request: Request<pb::ListLinksRequest>,
    ) -> Result<Response<pb::ListLinksResponse>, Status> {
        let call = Call::of(request)?;
        let (query, pages) = query(&call)?;
        let size = query.limit - 1;
        let mut links = self
            .desk
            .store
            .links(&call.principal, &query)
            .await
            .map_err(refuse)?;
        let next_page_token = page::cut(&pages, &mut links, size, |link| {
            (link.input.anchor.clone(), link.id.clone())
        });
        Ok(Response::new(pb::ListLinksResponse {
            links: links.into_iter().map(convert::link).collect(),
            next_page_token,
        }))
    }

    async fn delete_links(
        &self,
        request: Request<pb::DeleteLinksRequest>,
    ) -> Result<Response<pb::DeleteLinksResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let deletion = parse::link::deletion(call.body)?;
        let store = &self.desk.store;
        let deleted = store.delete_links(&ctx, &deletion.links, &deletion.reason).await;
        Ok(Response::new(pb::DeleteLinksResponse {
            deleted_count: deleted.map_err(refuse)?,
        }))
    }
}

/// What to ask for: one link more than the page holds, to learn whether another page follows.
fn query(call: &Call<pb::ListLinksRequest>) -> Result<(LinkQuery, Pages), Refusal> {
    let (anchor, size) = parse::link::listing(&call.body)?;
    let (named, tombstones) = match call.body.show_deleted {
        true => ("deleted too", Tombstones::Shown),
        false => ("living", Tombstones::Hidden),
    };
    let fields = [call.body.anchor_product_id.as_str(), named];
    let pages = Pages::of(&call.principal, "ListLinks", &fields);
    let after = pages.open::<(ProductId, LinkId)>(&call.body.page_token)?;
    let query = LinkQuery {
        anchor,
        after,
        limit: size + 1,
        show_deleted: tombstones,
    };
    Ok((query, pages))
}
