//! How long a call may take, in the words of gRPC.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

const FIELD: &str = "grpc-timeout";
/// The field holds eight digits at most.
const MOST: u128 = 99_999_999;
/// Longer than any call lives, and short enough to be added to any moment.
const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The caller's own, from a request's headers.
pub(crate) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(FIELD)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number.checked_mul(3600)?),
        "M" => Duration::from_secs(number.checked_mul(60)?),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Sets what is left, in the finest unit that holds it.
pub(crate) fn write(headers: &mut HeaderMap, left: Duration) {
    let (number, unit) = [(left.as_micros(), 'u'), (left.as_millis(), 'm')]
        .into_iter()
        .find(|(number, _)| *number <= MOST)
        .unwrap_or((u128::from(left.as_secs()).min(MOST), 'S'));
    if let Ok(value) = HeaderValue::try_from(format!("{number}{unit}")) {
        headers.insert(FIELD, value);
    }
}

/// The moment at which so much time is over.
pub(crate) fn after(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(FOR_EVER)
}

/// The status of a call that took too long.
pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline is over")
}

/// An answer that ends with DEADLINE_EXCEEDED when it has not ended by `deadline`, wherever it got stuck.
pub(crate) fn bounded(inner: Body, deadline: Instant) -> Body {
    let sleep = Box::pin(sleep_until(deadline));
    Body::new(Bounded { inner, sleep })
}

struct Bounded {
    inner: Body,
    sleep: Pin<Box<Sleep>>,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending => self.sleep.as_mut().poll(context).map(|()| Some(Err(exceeded()))),
            ready => ready,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for left in [
            Duration::ZERO,
            Duration::from_micros(1),
            Duration::from_secs(99),
            Duration::from_secs(3600),
            Duration::from_secs(10_000_000),
        ] {
            let mut headers = HeaderMap::new();
            write(&mut headers, left);
            assert!(headers[FIELD].len() <= 9);
            assert_eq!(read(&headers), Some(left));
        }
    }
}
