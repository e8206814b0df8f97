//! Times in files.

use tandem_domain::clock::Timestamp;
use tandem_domain::event::{MAX_DWELL_MS, is_plausible_time};

use super::fault::{Problem, quoted};

/// From here on a number counts milliseconds: as seconds it would be the year 5138, as milliseconds it is 1973.
const LEAST_MS: i64 = 100_000_000_000;

/// Reads RFC 3339 with a zone, epoch seconds or epoch milliseconds.
///
/// # Errors
/// [`Problem::NotTime`], or [`Problem::ImplausibleTime`] outside the years 2000 to 2099.
pub fn timestamp(text: &str) -> Result<Timestamp, Problem> {
    let time = match text.parse::<i64>() {
        Ok(number) if number.abs() < LEAST_MS => Timestamp::from_ms(number * 1000),
        Ok(number) => Timestamp::from_ms(number),
        Err(_) => rfc_3339(text).ok_or_else(|| Problem::NotTime(quoted(text)))?,
    };
    if is_plausible_time(time) {
        Ok(time)
    } else {
        Err(Problem::ImplausibleTime(quoted(text)))
    }
}

/// Reads how long something was looked at: milliseconds, with or without decimals.
///
/// # Errors
/// [`Problem::NotDwell`] for anything else, below zero or above a day.
pub fn dwell(text: &str) -> Result<u32, Problem> {
    match text.parse::<f64>() {
        Ok(ms) if (0.0..=f64::from(MAX_DWELL_MS)).contains(&ms) => Ok(ms as u32),
        _ => Err(Problem::NotDwell(quoted(text))),
    }
}

fn rfc_3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_ms(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_can_be_written_four_ways() {
        for text in [
            "2011-05-02T07:26:00Z",
            "2011-05-02T08:26:00+01:00",
            "1304321160",
            "1304321160000",
        ] {
            assert_eq!(
                timestamp(text),
                Ok(Timestamp::from_ms(1_304_321_160_000)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_look_lasts_up_to_a_day() {
        for (text, ms) in [
            ("0", 0),
            ("1500", 1_500),
            ("1500.0", 1_500),
            ("86400000", MAX_DWELL_MS),
        ] {
            assert_eq!(dwell(text), Ok(ms), "{text}");
        }
        for text in ["-1", "86400001", "NaN", "inf", "long", ""] {
            assert_eq!(dwell(text), Err(Problem::NotDwell(quoted(text))), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_or_century_is_refused() {
        assert!(matches!(
            timestamp("2011-05-02T08:26:00"),
            Err(Problem::NotTime(_))
        ));
        assert!(matches!(timestamp("2011-05-02"), Err(Problem::NotTime(_))));
        assert!(matches!(timestamp("1304321160.5"), Err(Problem::NotTime(_))));
        assert!(matches!(timestamp("12"), Err(Problem::ImplausibleTime(_))));
        assert!(matches!(
            timestamp("1304321160000000"),
            Err(Problem::ImplausibleTime(_))
        ));
    }
}
