//! A server in this process, on loopback.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tandem_runtime::config::{RuntimeConfig, ServerConfig};
use tandem_runtime::grpc::{ServeError, Services, serve};
use tandem_runtime::lifecycle::Shutdown;
use tandem_runtime::readiness::Readiness;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint, Error};

use super::hand::{Client, Hand};

pub(crate) const LONG: Duration = Duration::from_secs(30);

type UntimedChannel = hyper_util::client::legacy::Client<HttpConnector, Body>;

pub(crate) struct TestServer {
    pub(crate) address: String,
    pub(crate) hand: Hand,
    pub(crate) readiness: Readiness,
    pub(crate) shutdown: Shutdown,
    served: JoinHandle<Result<(), ServeError>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = RuntimeConfig::default().server;
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let (hand, readiness, shutdown) = (Hand::default(), Readiness::new(), Shutdown::new());
        let services = Services::new().with(hand.clone());
        let (ready, stop) = (readiness.clone(), shutdown.clone());
        let served = async move { serve(services, listener, &config, &ready, &stop).await };
        #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
        let served = tokio::spawn(served);
        Self {
            address,
            hand,
            readiness,
            shutdown,
            served,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        self.connect().await.expect("the server listens")
    }

    async fn connect(&self) -> Result<Channel, Error> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("an address");
        endpoint.connect().await
    }

    /// A client, if the server takes its connection.
    pub(crate) async fn try_client(&self) -> Result<Client, Error> {
        Ok(Client::new(self.connect().await?, &self.address))
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(self.channel().await, &self.address)
    }

    /// A client that sends `grpc-timeout` without keeping time itself, as tonic's own does.
    pub(crate) fn untimed_client(&self) -> Client<UntimedChannel> {
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        Client::new(client, &self.address)
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(self) {
        let served = timeout(LONG, self.served).await.expect("it ends in time");
        served.expect("it does not panic").expect("it does not fail");
    }
}
