use crate::epoch::Limits;
use crate::params::Prices;
use crate::signals::{PriceFit, PriceNeed};

/// How well two prices go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Price {
    /// They do, to this degree between 0 and 1.
    Fits(f64),
    /// They do not.
    Refused,
}

/// A way to fit prices, its logarithms taken once for many pairs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gauge<'p> {
    fit: PriceFit,
    prices: &'p Prices,
    usual: Limits,
    around: Limits,
    centre: f64,
}

impl<'p> Gauge<'p> {
    pub(super) fn new(fit: PriceFit, prices: &'p Prices) -> Self {
        let (lowest, highest, centre) = match fit {
            PriceFit::Around {
                lowest,
                highest,
                centre,
                ..
            } => (lowest, highest, centre),
            PriceFit::Off | PriceFit::Band => (1.0, 1.0, 1.0),
        };
        Self {
            fit,
            prices,
            usual: Limits::usual(prices),
            // Prices are whole minor units, so a ratio of exactly 2 must not fall to rounding.
            around: Limits {
                low: lowest.ln() - 1e-9,
                high: highest.ln() + 1e-9,
            },
            centre: centre.ln(),
        }
    }

    /// The fit of a companion whose price is `ln_ratio` (ln) times the anchor's.
    pub(super) fn price(&self, ln_ratio: Option<f64>, band: Option<Limits>) -> Price {
        match (self.fit, ln_ratio) {
            (PriceFit::Off, _) | (PriceFit::Band, None) => Price::Fits(1.0),
            (PriceFit::Band, Some(ratio)) => in_band(ratio, band.unwrap_or(self.usual), self.prices),
            (PriceFit::Around { needed, .. }, None) => match needed {
                PriceNeed::Wished => Price::Fits(0.5),
                PriceNeed::Needed => Price::Refused,
            },
            (PriceFit::Around { spread, .. }, Some(ratio)) => {
                if ratio < self.around.low || ratio > self.around.high {
                    return Price::Refused;
                }
                Price::Fits(bell(ratio - self.centre, spread))
            }
        }
    }
}

/// Whether the ratio lies inside the band, as the companions of a set must.
pub(crate) fn price_in_band(ln_ratio: Option<f64>, band: Option<Limits>, prices: &Prices) -> bool {
    let limits = band.unwrap_or_else(|| Limits::usual(prices));
    ln_ratio.is_none_or(|ratio| (limits.low..=limits.high).contains(&ratio))
}

fn in_band(ratio: f64, limits: Limits, prices: &Prices) -> Price {
    let outside = (limits.low - ratio).max(ratio - limits.high).max(0.0);
    let fit = bell(outside, prices.softness);
    if fit < prices.floor {
        Price::Refused
    } else {
        Price::Fits(fit)
    }
}

fn bell(distance: f64, spread: f64) -> f64 {
    (-distance * distance / (2.0 * spread * spread)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSTITUTE: PriceFit = PriceFit::Around {
        lowest: 0.5,
        highest: 2.0,
        centre: 1.0,
        spread: 0.35,
        needed: PriceNeed::Wished,
    };

    fn fit(kind: PriceFit, ratio: f64) -> Price {
        Gauge::new(kind, &Prices::default()).price(Some(ratio.ln()), None)
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        assert_eq!(fit(SUBSTITUTE, 1.0), Price::Fits(1.0));
        assert!(matches!(fit(SUBSTITUTE, 2.0), Price::Fits(_)));
        assert!(matches!(fit(SUBSTITUTE, 0.5), Price::Fits(_)));
        assert_eq!(fit(SUBSTITUTE, 2.01), Price::Refused);
    }

    #[test]
    fn a_luxury_cream_never_gets_a_bargain_cleanser() {
        assert_eq!(fit(PriceFit::Band, 0.3), Price::Fits(1.0));
        assert!(matches!(fit(PriceFit::Band, 0.008), Price::Fits(fit) if fit < 1.0));
        assert_eq!(fit(PriceFit::Band, 0.0005), Price::Refused);
    }

    #[test]
    fn a_learned_band_replaces_the_usual_one() {
        let band = Some(Limits { low: 0.0, high: 0.1 });
        let prices = Prices::default();
        let fit = Gauge::new(PriceFit::Band, &prices).price(Some(0.3_f64.ln()), band);
        assert_eq!(fit, Price::Refused);
    }
}
