use serde::{Deserialize, Serialize};

/// One, in parts.
const ONE: f64 = 10_000.0;
const LEAST: f64 = 0.0001;
const MOST: f64 = 10_000.0;

/// A companion's price over its anchor's, to four decimals: 0.0001 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct PriceRatio(u32);

impl PriceRatio {
    /// The nearest ratio.
    ///
    /// # Errors
    /// [`InvalidRatio::Range`] beyond 0.0001 to 10,000.
    pub fn new(ratio: f64) -> Result<Self, InvalidRatio> {
        if (LEAST..=MOST).contains(&ratio) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and a hundred million"
            )]
            return Ok(Self((ratio * ONE).round() as u32));
        }
        Err(InvalidRatio::Range(ratio))
    }

    /// So many ten-thousandths.
    ///
    /// # Errors
    /// [`InvalidRatio::Range`] beyond 1 to a hundred million of them.
    pub fn from_parts(parts: u32) -> Result<Self, InvalidRatio> {
        Self::new(f64::from(parts) / ONE)
    }

    /// In ten-thousandths.
    #[must_use]
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / ONE
    }
}

impl TryFrom<f64> for PriceRatio {
    type Error = InvalidRatio;

    fn try_from(ratio: f64) -> Result<Self, InvalidRatio> {
        Self::new(ratio)
    }
}

impl From<PriceRatio> for f64 {
    fn from(ratio: PriceRatio) -> Self {
        ratio.value()
    }
}

/// The ratios between two that prices go together by, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct RatioBand {
    least: PriceRatio,
    most: PriceRatio,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    least: PriceRatio,
    most: PriceRatio,
}

impl RatioBand {
    /// The band between two ratios.
    ///
    /// # Errors
    /// [`InvalidRatio::Reversed`] when the least is above the most.
    pub fn new(least: PriceRatio, most: PriceRatio) -> Result<Self, InvalidRatio> {
        if least > most {
            return Err(InvalidRatio::Reversed);
        }
        Ok(Self { least, most })
    }

    /// The lowest ratio in it.
    #[must_use]
    pub const fn least(self) -> PriceRatio {
        self.least
    }

    /// The highest ratio in it.
    #[must_use]
    pub const fn most(self) -> PriceRatio {
        self.most
    }
}

impl TryFrom<Ends> for RatioBand {
    type Error = InvalidRatio;

    fn try_from(ends: Ends) -> Result<Self, InvalidRatio> {
        Self::new(ends.least, ends.most)
    }
}

impl From<RatioBand> for Ends {
    fn from(band: RatioBand) -> Self {
        Self {
            least: band.least,
            most: band.most,
        }
    }
}

/// Why a ratio or a band cannot be.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidRatio {
    /// A ratio that no two prices have.
    #[error("must be from {LEAST} to {MOST}, not {0}")]
    Range(f64),
    /// A band that ends before it begins.
    #[error("the least ratio must not be above the most")]
    Reversed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_ratio_survives_text_and_parts(parts in 1..=100_000_000_u32) {
            let ratio = PriceRatio::from_parts(parts).unwrap();
            prop_assert_eq!(ratio.parts(), parts);
            let back: PriceRatio = serde_json::from_str(&serde_json::to_string(&ratio).unwrap()).unwrap();
            prop_assert_eq!(back, ratio);
        }
    }

    #[test]
    fn what_no_two_prices_have_is_refused() {
        for ratio in [0.0, -1.0, f64::NAN, f64::INFINITY, 10_000.1, 0.000_09] {
            assert!(PriceRatio::new(ratio).is_err(), "{ratio}");
        }
        assert!(PriceRatio::from_parts(0).is_err());
        assert_eq!(PriceRatio::new(0.333_333).unwrap().value(), 0.3333);
    }
}
