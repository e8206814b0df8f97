//! A connection under the generated clients.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service, ServiceExt as _};

use crate::attempt::{Repeatable, within};
use crate::bearer::Bearer;
use crate::budget::Budget;
use crate::settings::{ConnectError, Settings};
use crate::{deadline, policy};

/// A connection to a gateway or to control. Clones share it.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    settings: Arc<Settings>,
    bearer: Bearer,
    budget: Arc<Budget>,
}

impl Connection {
    /// Connects to `url` (`http://HOST:PORT` or `https://HOST:PORT`).
    ///
    /// # Errors
    /// When the address, a file or the token cannot be used, or nothing answers within three seconds.
    pub async fn open(url: &str, settings: &Settings) -> Result<Self, ConnectError> {
        let bearer = Bearer::of(&settings.token)?;
        let channel = settings.endpoint(url)?.connect().await;
        let channel = channel.map_err(|source| ConnectError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
        Ok(Self::over(channel, settings, bearer))
    }

    /// The same, connecting at the first call.
    ///
    /// # Errors
    /// When the address, a file or the token cannot be used.
    pub fn lazy(url: &str, settings: &Settings) -> Result<Self, ConnectError> {
        let bearer = Bearer::of(&settings.token)?;
        let channel = settings.endpoint(url)?.connect_lazy();
        Ok(Self::over(channel, settings, bearer))
    }

    fn over(channel: Channel, settings: &Settings, bearer: Bearer) -> Self {
        Self {
            channel,
            settings: Arc::new(settings.clone()),
            bearer,
            budget: Arc::new(Budget::of(policy::throttling())),
        }
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Body>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Each attempt waits for the channel itself, within its deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let policy = policy::of(request.uri().path());
        let timeout = deadline::read(request.headers())
            .or(self.settings.deadline)
            .unwrap_or(policy.timeout);
        let deadline = deadline::after(timeout);
        if let Some(token) = self.bearer.value() {
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        let (mut channel, hedge_after) = (self.channel.clone(), self.settings.hedge_after);
        let budget = Arc::clone(&self.budget);
        async move {
            let Some(retry) = &policy.retry else {
                deadline::write(request.headers_mut(), timeout);
                let answer = async { channel.ready().await?.call(request).await };
                return within(deadline, answer).await;
            };
            let (head, body) = request.into_parts();
            let message = match whole(body).await {
                Ok(message) => message,
                Err(status) => return Ok(status.into_http()),
            };
            let repeatable = Repeatable {
                head,
                message,
                deadline,
                hedge_after,
            };
            repeatable.send(channel, retry, &budget).await
        }
        .boxed()
    }
}

async fn whole(body: Body) -> Result<Bytes, Status> {
    Ok(body.collect().await?.to_bytes())
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
