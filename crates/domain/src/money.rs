//! Integer money. One currency per marketplace, so amounts carry none.

use serde::{Deserialize, Serialize};

/// An amount in minor units (cents, pence, fen) of the marketplace's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Money(i64);

/// A price below zero or above [`Money::MAX_PRICE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a price must be between 0 and 10^12 minor units, not {0}")]
pub struct InvalidPrice(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The highest accepted price: 10^12 minor units; sums of a bundle cannot overflow.
    pub const MAX_PRICE: Self = Self(1_000_000_000_000);

    /// Any amount, a refund or saving included.
    #[must_use]
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// A price.
    ///
    /// # Errors
    /// [`InvalidPrice`] when it is negative or above [`Money::MAX_PRICE`].
    pub const fn price(minor: i64) -> Result<Self, InvalidPrice> {
        if minor < 0 || minor > Self::MAX_PRICE.0 {
            Err(InvalidPrice(minor))
        } else {
            Ok(Self(minor))
        }
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// This amount times `quantity`, saturating.
    #[must_use]
    pub const fn times(self, quantity: u32) -> Self {
        Self(self.0.saturating_mul(quantity as i64))
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |a, b| a + b)
    }
}

/// An ISO 4217 code such as `GBP`, and how many decimals its minor unit has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// Three capital letters.
    pub code: String,
    /// Decimals of the minor unit: 2 for pence, 0 for yen.
    pub exponent: u8,
}

impl Currency {
    /// `12.34 GBP` for 1234 minor units.
    #[must_use]
    pub fn format(&self, amount: Money) -> String {
        let scale = 10_i64.pow(u32::from(self.exponent.min(6)));
        let (whole, part) = (amount.minor() / scale, (amount.minor() % scale).abs());
        let sign = if amount.minor() < 0 && whole == 0 { "-" } else { "" };
        match self.exponent {
            0 => format!("{whole} {}", self.code),
            digits => format!(
                "{sign}{whole}.{part:0width$} {}",
                self.code,
                width = usize::from(digits)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_the_currencys_decimals() {
        let pounds = Currency {
            code: "GBP".to_owned(),
            exponent: 2,
        };
        assert_eq!(pounds.format(Money::from_minor(1205)), "12.05 GBP");
        assert_eq!(pounds.format(Money::from_minor(-5)), "-0.05 GBP");
        assert_eq!(
            Currency {
                code: "JPY".to_owned(),
                exponent: 0
            }
            .format(Money::from_minor(300)),
            "300 JPY"
        );
    }

    #[test]
    fn a_price_is_never_negative() {
        assert_eq!(Money::price(-1), Err(InvalidPrice(-1)));
    }
}
