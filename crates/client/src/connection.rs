//! A connection under the generated clients.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service, ServiceExt as _};

use crate::attempt::{Repeatable, within};
use crate::settings::{ConnectError, Settings, Token, read};
use crate::{deadline, policy};

/// How long a token from a file is taken for what the file says.
const TOKEN_AGE: Duration = Duration::from_secs(10);

/// A connection to a gateway or to control. Clones share it.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    settings: Arc<Settings>,
    token: Arc<Mutex<Shown>>,
}

/// The token as it goes out, and since when.
struct Shown {
    value: Option<HeaderValue>,
    since: Instant,
}

impl Connection {
    /// Connects to `url` (`http://HOST:PORT` or `https://HOST:PORT`).
    ///
    /// # Errors
    /// When the address, a file or the token cannot be used, or nothing answers within three seconds.
    pub async fn open(url: &str, settings: &Settings) -> Result<Self, ConnectError> {
        let token = Shown::of(&settings.token)?;
        let channel = settings.endpoint(url)?.connect().await;
        let channel = channel.map_err(|source| ConnectError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
        Ok(Self::over(channel, settings, token))
    }

    /// The same, connecting at the first call.
    ///
    /// # Errors
    /// When the address, a file or the token cannot be used.
    pub fn lazy(url: &str, settings: &Settings) -> Result<Self, ConnectError> {
        let token = Shown::of(&settings.token)?;
        let channel = settings.endpoint(url)?.connect_lazy();
        Ok(Self::over(channel, settings, token))
    }

    fn over(channel: Channel, settings: &Settings, token: Shown) -> Self {
        Self {
            channel,
            settings: Arc::new(settings.clone()),
            token: Arc::new(Mutex::new(token)),
        }
    }

    fn token(&self) -> Option<HeaderValue> {
        let mut shown = self.token.lock();
        if shown.since.elapsed() > TOKEN_AGE {
            // While the file cannot be read, or is being written, the last token may still be good.
            match Shown::of(&self.settings.token) {
                Ok(fresh) => *shown = fresh,
                Err(_) => shown.since = Instant::now(),
            }
        }
        shown.value.clone()
    }
}

impl Shown {
    fn of(token: &Token) -> Result<Self, ConnectError> {
        let text = match token {
            Token::None => None,
            Token::Text(text) => Some(text.trim().to_owned()),
            Token::File(path) => Some(read(path)?.trim().to_owned()),
        };
        let value = match text {
            None => None,
            Some(text) => {
                if text.is_empty() {
                    return Err(ConnectError::NoToken);
                }
                let value = HeaderValue::try_from(format!("Bearer {text}"));
                let mut value = value.map_err(|_| ConnectError::Token)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Self {
            value,
            since: Instant::now(),
        })
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
        if let Some(token) = self.token() {
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        let (mut channel, hedge_after) = (self.channel.clone(), self.settings.hedge_after);
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
            repeatable.send(channel, retry).await
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
