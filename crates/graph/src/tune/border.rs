/// Finds the so-manieth largest of some values again and again while they change little: those who led the last time
/// bound it from below, so that few are left to choose from.
#[derive(Debug, Default)]
pub(super) struct Border {
    /// Places of the largest values, in no particular order.
    leaders: Vec<u32>,
    ahead: Vec<(f64, u32)>,
}

impl Border {
    /// Before values of others.
    pub(super) fn forget(&mut self) {
        self.leaders.clear();
    }

    /// The `size`-th largest of `values`: no fewer than `size`, none NaN, and since [`Self::forget`] no fewer than
    /// before.
    pub(super) fn find(&mut self, values: &[f64], size: usize) -> f64 {
        let led = self.leaders.iter().map(|&at| values[at as usize]);
        let mut floor = if self.leaders.len() == size {
            led.fold(f64::INFINITY, f64::min)
        } else {
            f64::NEG_INFINITY
        };
        self.ahead.clear();
        for (at, &value) in (0..).zip(values) {
            if value >= floor {
                self.ahead.push((value, at));
                if self.ahead.len() == 4 * size {
                    floor = self.cut(size);
                }
            }
        }
        let border = self.cut(size);
        self.leaders.clear();
        self.leaders.extend(self.ahead.iter().map(|one| one.1));
        border
    }

    fn cut(&mut self, size: usize) -> f64 {
        let (_, least, _) = self
            .ahead
            .select_nth_unstable_by(size - 1, |a, b| b.0.total_cmp(&a.0));
        let border = least.0;
        self.ahead.truncate(size);
        border
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_border_is_that_of_a_sort_whoever_led_before(
            size in 1..6_usize,
            rounds in proptest::collection::vec(proptest::collection::vec(0..9_u32, 40), 1..6),
            many in 6..40_usize,
        ) {
            let mut border = Border::default();
            for values in rounds {
                let values: Vec<f64> = values[..many].iter().map(|&value| f64::from(value)).collect();
                let mut sorted = values.clone();
                sorted.sort_unstable_by(|a, b| b.total_cmp(a));
                prop_assert_eq!(border.find(&values, size), sorted[size - 1]);
            }
        }
    }
}
