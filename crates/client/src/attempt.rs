//! One RPC in as many attempts as its policy allows.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use futures::future::{Either, select};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Service as _, ServiceExt as _};

use crate::budget::Budget;
use crate::deadline;
use crate::policy::Retry;

/// What timers are exact to.
const TICK: Duration = Duration::from_millis(1);

/// A request that can be sent more than once.
pub(crate) struct Repeatable {
    pub(crate) head: Parts,
    pub(crate) message: Bytes,
    pub(crate) deadline: Instant,
    pub(crate) hedge_after: Option<Duration>,
}

impl Repeatable {
    /// Sends it until there is an answer to give: one that repeating would not change, or the last one in time.
    pub(crate) async fn send(
        self,
        channel: Channel,
        retry: &Retry,
        budget: &Budget,
    ) -> Result<Response<Body>, Error> {
        let mut delays = delays(retry);
        loop {
            let outcome = within(self.deadline, self.attempt(&channel, budget)).await;
            let Some(asked) = repeats(&outcome, retry) else {
                if outcome.as_ref().is_ok_and(is_answer) {
                    budget.answered();
                }
                return outcome;
            };
            budget.failed();
            if !budget.allows() {
                return outcome;
            }
            let Some(own) = delays.next() else {
                return outcome;
            };
            // Those who were asked to wait as long do not come back at once.
            let wait = asked.map_or(own, |asked| asked.saturating_add(own));
            // An answer now is worth more than none at the deadline.
            if deadline::after(wait) >= self.deadline {
                return outcome;
            }
            sleep(wait).await;
        }
    }

    /// Once, or twice if the first takes long and hedging is on.
    async fn attempt(&self, channel: &Channel, budget: &Budget) -> Result<Response<Body>, Error> {
        let Some(hedge_after) = self.hedge_after else {
            return self.once(channel.clone()).await;
        };
        let first = Box::pin(self.once(channel.clone()));
        let first = match select(first, Box::pin(sleep(hedge_after))).await {
            Either::Left((outcome, _)) => return outcome,
            Either::Right(((), first)) if !budget.allows() => return first.await,
            Either::Right(((), first)) => first,
        };
        let second = Box::pin(self.once(channel.clone()));
        match select(first, second).await {
            Either::Left((outcome, other)) | Either::Right((outcome, other)) => match outcome {
                Ok(answer) if is_answer(&answer) => Ok(answer),
                _ => other.await,
            },
        }
    }

    async fn once(&self, mut channel: Channel) -> Result<Response<Body>, Error> {
        let mut head = self.head.clone();
        deadline::write(
            &mut head.headers,
            self.deadline.saturating_duration_since(Instant::now()),
        );
        let body = Body::new(Full::new(self.message.clone()));
        channel.ready().await?.call(Request::from_parts(head, body)).await
    }
}

/// What is waited for before each repetition: it doubles, or as the policy says, up to a limit, and up to as much again
/// is drawn on top of it.
fn delays(retry: &Retry) -> impl Iterator<Item = Duration> + use<> {
    ExponentialBuilder::default()
        .with_min_delay(retry.initial_backoff)
        .with_max_delay(retry.max_backoff)
        .with_factor(retry.backoff_multiplier)
        .with_max_times(retry.max_attempts.saturating_sub(1))
        .with_jitter()
        .build()
}

/// Whether to repeat after this outcome, and the delay that the server asks for.
fn repeats(outcome: &Result<Response<Body>, Error>, retry: &Retry) -> Option<Option<Duration>> {
    let unavailable = retry.retryable_status_codes.contains(&Code::Unavailable);
    let Ok(answer) = outcome else {
        // The connection broke or could not be made, which gRPC calls UNAVAILABLE.
        return unavailable.then_some(None);
    };
    let Some(status) = Status::from_header_map(answer.headers()) else {
        // A proxy speaks for a server that it cannot reach.
        return (unavailable && is_away(answer.status())).then_some(None);
    };
    if !retry.retryable_status_codes.contains(&status.code()) {
        return None;
    }
    let info = status.get_details_retry_info();
    Some(info.and_then(|info| info.retry_delay))
}

/// What gRPC calls UNAVAILABLE when it comes without a status of gRPC's own.
fn is_away(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Whether a handler answers here, as far as its first headers tell: a proxy may speak for a server that it cannot reach,
/// in HTTP's words alone.
fn is_answer(answer: &Response<Body>) -> bool {
    answer.status() == StatusCode::OK && code(answer).is_none_or(|code| code == Code::Ok)
}

/// The status of an answer that is a refusal from its first header.
fn code(answer: &Response<Body>) -> Option<Code> {
    let value = answer.headers().get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(value.as_bytes()))
}

/// The outcome of a call that may take until `deadline`. A server or the channel, which keep the same time, may end it first
/// and call it cancelled or broken: it is too late all the same.
pub(crate) async fn within(
    deadline: Instant,
    call: impl Future<Output = Result<Response<Body>, Error>>,
) -> Result<Response<Body>, Error> {
    match timeout_at(deadline, call).await {
        Err(_) => Ok(too_late()),
        Ok(Err(_)) if is_over(deadline) => Ok(too_late()),
        Ok(Ok(answer)) if is_over(deadline) && code(&answer) == Some(Code::Cancelled) => Ok(too_late()),
        Ok(outcome) => outcome.map(|answer| answer.map(|body| deadline::bounded(body, deadline))),
    }
}

fn is_over(deadline: Instant) -> bool {
    Instant::now() + TICK >= deadline
}

fn too_late() -> Response<Body> {
    deadline::exceeded().into_http()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy;

    #[test]
    fn delays_grow_up_to_their_limit_and_are_drawn_within_bounds() {
        for path in [
            "/tandem.v1.RelatedProducts/ListRelatedProducts",
            "/tandem.v1.Stock/BatchGetStock",
        ] {
            let retry = policy::of(path).retry.as_ref().unwrap();
            let mut drawn = BTreeSet::new();
            for _ in 0..1_000 {
                let mut least = retry.initial_backoff;
                let all: Vec<_> = delays(retry).collect();
                assert_eq!(all.len(), retry.max_attempts - 1);
                for delay in all {
                    assert!((least..=least * 2).contains(&delay), "{delay:?} after {least:?}");
                    drawn.insert(delay);
                    least = least.mul_f32(retry.backoff_multiplier).min(retry.max_backoff);
                }
            }
            assert!(
                drawn.len() > 1_000,
                "callers do not come back together: {}",
                drawn.len()
            );
        }
    }
}
