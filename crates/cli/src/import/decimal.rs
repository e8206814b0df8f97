//! Decimal amounts, read digit by digit: no float ever holds money.

use tandem_domain::money::Money;
use tandem_domain::short;

use super::fault::{Problem, quoted};

/// An amount in minor units, and whether decimals had to be rounded away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Minor units.
    pub minor: i64,
    /// True when the text had more decimals than the currency and they were not all 0.
    pub rounded: bool,
}

/// Reads `-12.345` as minor units with `exponent` decimals; further decimals round half to even.
///
/// # Errors
/// [`Problem::NotDecimal`] for anything but digits with at most one point and a leading minus, or more than fits.
pub fn amount(text: &str, exponent: u8) -> Result<Amount, Problem> {
    // Most are short, and then their digits are read all at once.
    if let Some(minor) = short_amount(text, exponent) {
        return Ok(Amount {
            minor,
            rounded: false,
        });
    }
    let refused = || Problem::NotDecimal(quoted(text));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !plain(whole) || !plain(part) {
        return Err(refused());
    }
    let (kept, excess) = part.split_at(part.len().min(usize::from(exponent)));
    let padding = usize::from(exponent) - kept.len();
    let minor = whole
        .bytes()
        .chain(kept.bytes())
        .chain(std::iter::repeat_n(b'0', padding))
        .try_fold(0_i64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
        })
        .ok_or_else(refused)?;
    let minor = minor
        .checked_add(i64::from(rounds_up(minor, excess)))
        .ok_or_else(refused)?;
    Ok(Amount {
        minor: if negative { -minor } else { minor },
        rounded: excess.bytes().any(|b| b != b'0'),
    })
}

/// An amount of few characters with a point and no decimals to be rounded.
fn short_amount(text: &str, exponent: u8) -> Option<i64> {
    let (digits, decimals) = short::decimal(text.as_bytes())?;
    let missing = usize::from(exponent).checked_sub(decimals)?;
    let units = 10_i64.checked_pow(u32::try_from(missing).ok()?)?;
    digits.cast_signed().checked_mul(units)
}

/// Whether the digits behind the last kept one push `kept` up: above a half, or a half and `kept` is odd.
fn rounds_up(kept: i64, excess: &str) -> bool {
    let mut digits = excess.bytes();
    match digits.next() {
        None | Some(b'0'..=b'4') => false,
        Some(b'5') => kept % 2 == 1 || digits.any(|b| b != b'0'),
        Some(_) => true,
    }
}

/// Reads an [`amount`] that is not negative as the price of one of `units` units, rounded half to even.
///
/// # Errors
/// [`Problem::NotDecimal`], or [`Problem::Price`] outside the bounds of a price.
pub fn share(text: &str, exponent: u8, units: u32) -> Result<(Money, Amount), Problem> {
    let whole = amount(text, exponent)?;
    let units = i64::from(units.max(1));
    let (kept, rest) = (whole.minor / units, whole.minor % units);
    let up = 2 * rest > units || (2 * rest == units && kept % 2 == 1);
    let each = Amount {
        minor: kept + i64::from(up),
        rounded: whole.rounded || rest != 0,
    };
    // A negative amount is told as it was written.
    let minor = if whole.minor < 0 { whole.minor } else { each.minor };
    let money = Money::price(minor).map_err(Problem::Price)?;
    Ok((money, each))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str, exponent: u8) -> Option<(i64, bool)> {
        amount(text, exponent).ok().map(|a| (a.minor, a.rounded))
    }

    #[test]
    fn every_digit_counts() {
        assert_eq!(minor("0.29", 2), Some((29, false)));
        assert_eq!(minor("12", 2), Some((1200, false)));
        assert_eq!(minor("1.5", 3), Some((1500, false)));
        assert_eq!(minor("1.50", 1), Some((15, false)));
        assert_eq!(minor("1.5", 19), None);
        assert_eq!(minor(".5", 2), Some((50, false)));
        assert_eq!(minor("300", 0), Some((300, false)));
        assert_eq!(minor("-11062.06", 2), Some((-1_106_206, false)));
        assert_eq!(minor("92233720368547758.07", 2), Some((i64::MAX, false)));
    }

    #[test]
    fn further_decimals_round_half_to_even_and_say_so() {
        assert_eq!(minor("0.001", 2), Some((0, true)));
        assert_eq!(minor("2.550000", 2), Some((255, false)));
        assert_eq!(minor("2.545", 2), Some((254, true)));
        assert_eq!(minor("2.5450001", 2), Some((255, true)));
        assert_eq!(minor("2.555", 2), Some((256, true)));
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "1e3",
            "1,5",
            "£1",
            "1.2.3",
            "+1",
            " 1",
            "NaN",
            "99999999999999999999",
        ] {
            assert_eq!(minor(text, 2), None, "{text}");
        }
    }

    #[test]
    fn a_price_is_not_negative() {
        assert!(matches!(share("-0.01", 2, 1), Err(Problem::Price(_))));
    }
}
