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

/// The fit of a companion whose price is `ln_ratio` (ln) times the anchor's.
pub(super) fn price(fit: PriceFit, ln_ratio: Option<f64>, band: Option<Limits>, prices: &Prices) -> Price {
    match (fit, ln_ratio) {
        (PriceFit::Off, _) | (PriceFit::Band, None) => Price::Fits(1.0),
        (PriceFit::Band, Some(ratio)) => in_band(ratio, limits(band, prices), prices),
        (PriceFit::Around { needed, .. }, None) => match needed {
            PriceNeed::Wished => Price::Fits(0.5),
            PriceNeed::Needed => Price::Refused,
        },
        (
            PriceFit::Around {
                lowest,
                highest,
                centre,
                spread,
                ..
            },
            Some(ratio),
        ) => {
            // Prices are whole minor units, so a ratio of exactly 2 must not fall to rounding.
            let (low, high) = (lowest.ln() - 1e-9, highest.ln() + 1e-9);
            if ratio < low || ratio > high {
                return Price::Refused;
            }
            Price::Fits(bell(ratio - centre.ln(), spread))
        }
    }
}

/// Whether the ratio lies inside the band, as the companions of a set must.
pub(crate) fn price_in_band(ln_ratio: Option<f64>, band: Option<Limits>, prices: &Prices) -> bool {
    let limits = limits(band, prices);
    ln_ratio.is_none_or(|ratio| (limits.low..=limits.high).contains(&ratio))
}

fn limits(band: Option<Limits>, prices: &Prices) -> Limits {
    band.unwrap_or_else(|| Limits::usual(prices))
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
        price(kind, Some(ratio.ln()), None, &Prices::default())
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
        let fit = price(PriceFit::Band, Some(0.3_f64.ln()), band, &Prices::default());
        assert_eq!(fit, Price::Refused);
    }
}
