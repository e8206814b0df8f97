//! Decimal amounts, read digit by digit: no float ever holds money.

use tandem_domain::money::Money;

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
    let refused = || Problem::NotDecimal(quoted(text));
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let point = digits.iter().position(|&byte| byte == b'.');
    let (whole, part) = point.map_or((digits, &[][..]), |at| (&digits[..at], &digits[at + 1..]));
    if whole.is_empty() && part.is_empty() {
        return Err(refused());
    }
    let (kept, excess) = part.split_at(part.len().min(usize::from(exponent)));
    let units = 10_i64.checked_pow(u32::from(exponent) - kept.len() as u32);
    let minor = append(0, whole)
        .and_then(|sum| append(sum, kept))
        .and_then(|sum| sum.checked_mul(units?))
        .and_then(|sum| sum.checked_add(i64::from(rounds_up(sum, excess))))
        .filter(|_| excess.iter().all(u8::is_ascii_digit))
        .ok_or_else(refused)?;
    Ok(Amount {
        minor: if negative { -minor } else { minor },
        rounded: excess.iter().any(|&byte| byte != b'0'),
    })
}

/// A number with further digits behind it; `None` for what is no digit, and for more than fits.
fn append(number: i64, digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(number, |sum, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Whether the digits behind the last kept one push `kept` up: above a half, or a half and `kept` is odd.
fn rounds_up(kept: i64, excess: &[u8]) -> bool {
    let mut digits = excess.iter();
    match digits.next() {
        None | Some(b'0'..=b'4') => false,
        Some(b'5') => kept % 2 == 1 || digits.any(|&byte| byte != b'0'),
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
