//! A bare tonic server that clones and encodes one typed message for every request, and may read a record before it does.

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use anyhow::{Context, Result};
use clap::Args;
use prost::Message;
use tandem_cache::port::{Reads as _, RecordKey};
use tandem_cache::redis::RedisCache;
use tandem_domain::generation::Manifest;
use tandem_domain::id::ProductId;
use tandem_gather::Gathered;
use tandem_proto::v1::related_products_server::{RelatedProducts, RelatedProductsServer};
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, BatchListRelatedProductsResponse, ExplainRelatedProductRequest,
    ExplainRelatedProductResponse, ListBasketCompanionsRequest, ListBasketCompanionsResponse,
    ListRelatedProductsRequest, ListRelatedProductsResponse,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

use crate::load::shop::marketplace;

/// What to serve, and where.
#[derive(Args)]
pub(crate) struct EchoArgs {
    /// Address.
    #[arg(long)]
    listen: SocketAddr,
    /// File with an encoded ListRelatedProductsResponse.
    #[arg(long)]
    response: PathBuf,
    /// Threads that connections are dealt to, each with a runtime of its own. 0: calls share the threads of one runtime, as
    /// the gateway's do unless it is told otherwise.
    #[arg(long, default_value_t = 0)]
    lanes: usize,
    /// Let the kernel deal connections, by a hash of addresses (SO_REUSEPORT).
    #[arg(long)]
    reuse_port: bool,
    /// Redis from which each call reads the lists of its product, to do nothing with them.
    #[arg(long)]
    redis: Option<String>,
    /// Send together what is written in one turn of the runtime, as the gateway does.
    #[arg(long)]
    gather: bool,
}

#[derive(Clone)]
struct Echo {
    answer: ListRelatedProductsResponse,
    source: Option<Source>,
    gathers: bool,
}

/// Where records are.
#[derive(Clone)]
struct Source {
    cache: RedisCache,
    manifest: Arc<Manifest>,
}

impl Source {
    async fn at(url: &str) -> Result<Self> {
        let cache = RedisCache::connect(url).await?;
        let manifest = cache.manifest(&marketplace()).await?;
        Ok(Self {
            cache,
            manifest: manifest.map(Arc::new).context("no generation is on serve")?,
        })
    }

    async fn read(&self, product: String) -> Result<()> {
        let lists = RecordKey::Lists(ProductId::new(product)?);
        black_box(
            self.cache
                .records(&marketplace(), &self.manifest, &[lists])
                .await?,
        );
        Ok(())
    }
}

/// Serves until killed.
///
/// # Errors
/// When the file or the address cannot be had.
pub(crate) async fn run(args: &EchoArgs) -> Result<()> {
    let bytes = std::fs::read(&args.response).with_context(|| args.response.display().to_string())?;
    let echo = Echo {
        answer: ListRelatedProductsResponse::decode(bytes.as_slice())?,
        source: match &args.redis {
            Some(url) => Some(Source::at(url).await?),
            None => None,
        },
        gathers: args.gather,
    };
    match args.lanes {
        0 => {
            echo.serve(TcpListenerStream::new(TcpListener::bind(args.listen).await?))
                .await
        }
        lanes if args.reuse_port => listen_apart(args.listen, lanes, &echo).await,
        lanes => deal(&TcpListener::bind(args.listen).await?, lanes, &echo).await,
    }
}

/// Gives each lane a connection in turn.
async fn deal(listener: &TcpListener, lanes: usize, echo: &Echo) -> Result<()> {
    let senders: Vec<_> = (0..lanes)
        .map(|_| {
            let (sender, receiver) = unbounded_channel::<std::net::TcpStream>();
            let dealt = UnboundedReceiverStream::new(receiver).map(TcpStream::from_std);
            lane(echo, || Ok(dealt));
            sender
        })
        .collect();
    for sender in senders.iter().cycle() {
        let (stream, _) = listener.accept().await?;
        sender.send(stream.into_std()?)?;
    }
    Ok(())
}

/// Gives each lane a listener of its own.
async fn listen_apart(address: SocketAddr, lanes: usize, echo: &Echo) -> Result<()> {
    for _ in 0..lanes {
        lane(echo, move || {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseport(true)?;
            socket.bind(address)?;
            Ok(TcpListenerStream::new(socket.listen(1024)?))
        });
    }
    std::future::pending().await
}

/// A thread with a runtime that serves what it accepts.
fn lane<S>(echo: &Echo, accept: impl FnOnce() -> Result<S> + Send + 'static)
where
    S: Stream<Item = io::Result<TcpStream>>,
{
    let echo = echo.clone();
    std::thread::spawn(move || -> Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { echo.serve(accept()?).await })
    });
}

/// A connection whose writes are gathered.
struct Wire(Gathered<TcpStream>);

impl Connected for Wire {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Task<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

impl Echo {
    async fn serve(self, accepted: impl Stream<Item = io::Result<TcpStream>>) -> Result<()> {
        let accepted =
            accepted.map(|stream| stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)));
        let gathers = self.gathers;
        let server = tonic::transport::Server::builder().add_service(RelatedProductsServer::new(self));
        if gathers {
            let gathered = accepted.map(|stream| stream.map(|stream| Wire(Gathered::new(stream))));
            return Ok(server.serve_with_incoming(gathered).await?);
        }
        Ok(server.serve_with_incoming(accepted).await?)
    }
}

#[tonic::async_trait]
impl RelatedProducts for Echo {
    async fn list_related_products(
        &self,
        request: Request<ListRelatedProductsRequest>,
    ) -> Result<Response<ListRelatedProductsResponse>, Status> {
        if let Some(source) = &self.source {
            let read = source.read(request.into_inner().product_id).await;
            read.map_err(|why| Status::internal(why.to_string()))?;
        }
        Ok(Response::new(self.answer.clone()))
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
