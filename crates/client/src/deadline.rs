//! How long a call may take, in the words of gRPC.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

const FIELD: &str = "grpc-timeout";
/// The field holds eight digits at most.
const MOST: u128 = 99_999_999;

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
