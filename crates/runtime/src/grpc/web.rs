//! Web pages as callers: gRPC-Web, and which pages may call (CORS).

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser remembers that a page may call.
const REMEMBERED: Duration = Duration::from_secs(600);

/// What pages may send, and what they may read, besides what every page may.
const SENT: [&str; 7] = [
    "authorization",
    "content-type",
    "grpc-timeout",
    "traceparent",
    "tracestate",
    "x-grpc-web",
    "x-user-agent",
];
const READ: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// `[server.web]`: which web pages may call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// The pages' origins; without any, browsers are not served.
    pub origins: Vec<Origin>,
}

/// Where a page comes from: `https://HOST` or `https://HOST:PORT`, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let whole = text.parse::<Uri>().ok().is_some_and(|uri| {
            let scheme = uri.scheme_str().unwrap_or_default();
            let authority = uri
                .authority()
                .map(http::uri::Authority::as_str)
                .unwrap_or_default();
            matches!(scheme, "http" | "https") && text == format!("{scheme}://{authority}")
        });
        let value = HeaderValue::try_from(&text).ok().filter(|_| whole);
        value.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is no origin: write e.g. https://live.shop.example"
            ))
        })
    }
}

impl WebConfig {
    /// Whether any page may call.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    pub(super) fn cors(&self) -> CorsLayer {
        let origins = self.origins.iter().map(|origin| origin.0.clone());
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::POST])
            .allow_headers(SENT.map(HeaderName::from_static))
            .expose_headers(READ.map(HeaderName::from_static))
            .max_age(REMEMBERED)
    }
}
