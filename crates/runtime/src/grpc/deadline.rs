//! Until when an answer is of use to its caller.

use std::time::Duration;

use http::HeaderMap;

/// tonic keeps a timer of its own for the caller's deadline and answers CANCELLED. Ours has to be over
/// first; timers tick in milliseconds.
const AHEAD: Duration = Duration::from_millis(2);

/// The caller's deadline, from `grpc-timeout`: up to eight digits and a unit.
pub(super) fn of_caller(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout.saturating_sub(AHEAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Duration> {
        of_caller(&HeaderMap::from_iter([(
            "grpc-timeout".parse().unwrap(),
            text.parse().unwrap(),
        )]))
    }

    #[test]
    fn every_unit_is_read_and_nonsense_is_no_deadline() {
        assert_eq!(parse("1H"), Some(Duration::from_secs(3600) - AHEAD));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250) - AHEAD));
        assert_eq!(parse("5000u"), Some(Duration::from_millis(5) - AHEAD));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999) - AHEAD));
        assert_eq!(parse("1n"), Some(Duration::ZERO));
        for nonsense in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S", "+1S"] {
            assert_eq!(parse(nonsense), None, "{nonsense:?}");
        }
    }
}
