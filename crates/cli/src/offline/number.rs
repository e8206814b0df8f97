//! Amounts, units and times as tables write them, most of them without a detour.

use tandem_domain::clock::Timestamp;
use tandem_domain::money::Money;

use crate::import::decimal;
use crate::import::fault::{Problem, quoted};
use crate::import::moment;

/// Decimals of a minor unit: prices of a file become hundredths.
const EXPONENT: u8 = 2;
/// Stands for a price that is none, such as NaN; it is counted and left out like any other below zero.
const NO_PRICE: Money = Money::from_minor(-1);

/// A price. NaN, infinite, negative and absurdly large ones come back below zero or beyond the bounds of a price, for
/// the engine to count and leave out.
///
/// # Errors
/// [`Problem::NotDecimal`] for text that is no number.
pub fn price(text: &str) -> Result<Money, Problem> {
    if let Ok(amount) = decimal::amount(text, EXPONENT) {
        return Ok(Money::from_minor(amount.minor));
    }
    match text.parse::<f64>() {
        Ok(number) if number.abs() < 1e15 => Ok(Money::from_minor((number * 100.0).round() as i64)),
        Ok(_) => Ok(NO_PRICE),
        Err(_) => Err(Problem::NotDecimal(quoted(text))),
    }
}

/// Whole units; a part of a unit counts as one. 0 and NaN are 0, for the engine to count and leave out.
///
/// # Errors
/// [`Problem::NotWhole`] for anything negative or no number.
pub fn units(text: &str) -> Result<u32, Problem> {
    let bytes = text.as_bytes();
    if let [digit @ b'0'..=b'9'] | [digit @ b'0'..=b'9', b'.', b'0'] = bytes {
        return Ok(u32::from(digit - b'0'));
    }
    match text.parse::<f64>() {
        Ok(units) if units.is_nan() => Ok(0),
        // Beyond what an integer holds it stays at the largest.
        Ok(units) if units >= 0.0 => Ok(units.ceil() as u32),
        _ => Err(Problem::NotWhole(
            quoted(text),
            "from 1 up; what came back is a return with its units",
        )),
    }
}

/// A time: RFC 3339 with a zone, epoch seconds or milliseconds.
///
/// # Errors
/// As [`moment::timestamp`].
pub fn time(text: &str) -> Result<Timestamp, Problem> {
    match utc_seconds(text.as_bytes()) {
        Some(seconds) => Ok(Timestamp::from_ms(seconds * 1000)),
        None => moment::timestamp(text),
    }
}

/// `2011-05-02T08:26:00Z` in this century, nothing else.
fn utc_seconds(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let [
        b'2',
        b'0',
        _,
        _,
        b'-',
        _,
        _,
        b'-',
        _,
        _,
        b'T',
        _,
        _,
        b':',
        _,
        _,
        b':',
        _,
        _,
        b'Z',
    ] = text
    else {
        return None;
    };
    let two = |at: usize| {
        let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
    };
    let (year, month, day) = (two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    let is_leap = year % 4 == 0;
    let longest = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > longest || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = (year + 3) / 4 + i64::from(is_leap && month > 2);
    let days = year * 365 + leaps + BEFORE[month.unsigned_abs() as usize - 1] + day - 1;
    const YEAR_2000: i64 = 946_684_800;
    Some(YEAR_2000 + ((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_reads_every_day_of_the_century_as_the_long_one_does() {
        let first = jiff::civil::date(2000, 1, 1);
        for day in 0..36_525 {
            let date = first.checked_add(jiff::Span::new().days(day)).unwrap();
            let text = format!("{date}T23:59:07Z");
            let slow: jiff::Timestamp = text.parse().unwrap();
            assert_eq!(utc_seconds(text.as_bytes()), Some(slow.as_second()), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_goes_the_long_way_to_its_error() {
        for text in [
            "2011-02-29T00:00:00Z",
            "2011-13-01T00:00:00Z",
            "2011-00-01T00:00:00Z",
            "2011-01-01T24:00:00Z",
        ] {
            assert_eq!(utc_seconds(text.as_bytes()), None, "{text}");
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn odd_numbers_are_marked_and_text_is_refused() {
        assert_eq!(price("4.1875"), Ok(Money::from_minor(419)));
        assert_eq!(price("1e2"), Ok(Money::from_minor(10_000)));
        for odd in ["NaN", "inf", "-inf", "1e300", "-5", "99999999999999999999"] {
            assert!(
                price(odd).is_ok_and(|price| Money::price(price.minor()).is_err()),
                "{odd}"
            );
        }
        assert!(price("cheap").is_err());
        assert_eq!(units("3"), Ok(3));
        assert_eq!(units("12.0"), Ok(12));
        assert_eq!(units("0.4"), Ok(1));
        assert_eq!(units("nan"), Ok(0));
        assert_eq!(units("1e30"), Ok(u32::MAX));
        assert!(units("-1").is_err() && units("two").is_err());
    }
}
