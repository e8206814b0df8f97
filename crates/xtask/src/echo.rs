//! A bare tonic server that clones and encodes one typed message for every request.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use prost::Message;
use tandem_proto::v1::related_products_server::{RelatedProducts, RelatedProductsServer};
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, BatchListRelatedProductsResponse, ExplainRelatedProductRequest,
    ExplainRelatedProductResponse, ListBasketCompanionsRequest, ListBasketCompanionsResponse,
    ListRelatedProductsRequest, ListRelatedProductsResponse,
};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What to serve, and where.
#[derive(Args)]
pub(crate) struct EchoArgs {
    /// Address.
    #[arg(long)]
    listen: SocketAddr,
    /// File with an encoded ListRelatedProductsResponse.
    #[arg(long)]
    response: PathBuf,
}

struct Echo(ListRelatedProductsResponse);

/// Serves until killed.
///
/// # Errors
/// When the file or the address cannot be had.
pub(crate) async fn run(args: &EchoArgs) -> Result<()> {
    let bytes = std::fs::read(&args.response).with_context(|| args.response.display().to_string())?;
    let echo = Echo(ListRelatedProductsResponse::decode(bytes.as_slice())?);
    let listener = TcpListener::bind(args.listen).await?;
    let incoming = TcpListenerStream::new(listener)
        .map(|stream| stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)));
    tonic::transport::Server::builder()
        .add_service(RelatedProductsServer::new(echo))
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

#[tonic::async_trait]
impl RelatedProducts for Echo {
    async fn list_related_products(
        &self,
        _: Request<ListRelatedProductsRequest>,
    ) -> Result<Response<ListRelatedProductsResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn batch_list_related_products(
        &self,
        _: Request<BatchListRelatedProductsRequest>,
    ) -> Result<Response<BatchListRelatedProductsResponse>, Status> {
        Err(Status::unimplemented("the echo knows one method"))
    }

    async fn list_basket_companions(
        &self,
        _: Request<ListBasketCompanionsRequest>,
    ) -> Result<Response<ListBasketCompanionsResponse>, Status> {
        Err(Status::unimplemented("the echo knows one method"))
    }

    async fn explain_related_product(
        &self,
        _: Request<ExplainRelatedProductRequest>,
    ) -> Result<Response<ExplainRelatedProductResponse>, Status> {
        Err(Status::unimplemented("the echo knows one method"))
    }
}
