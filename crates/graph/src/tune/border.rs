use std::ops::Range;

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

    /// The `size`-th largest of the values at some places, less than all of them where they are fewer. None is NaN, and
    /// since [`Self::forget`] every place that was asked for is asked for again.
    pub(super) fn find(&mut self, size: usize, places: Range<u32>, value: impl Fn(u32) -> f64) -> f64 {
        let floor = if self.leaders.len() == size {
            let led = self.leaders.iter().map(|&at| value(at));
            led.fold(f64::INFINITY, f64::min)
        } else {
            f64::NEG_INFINITY
        };
        self.ahead.clear();
        let border = self.go_on(size, places, floor, value);
        self.leaders.clear();
        self.leaders.extend(self.ahead.iter().map(|one| one.1));
        border
    }

    /// As [`Self::find`], of the values that were found last and those at further places.
    pub(super) fn extend(&mut self, size: usize, places: Range<u32>, value: impl Fn(u32) -> f64) -> f64 {
        let floor = self.cut(size);
        self.go_on(size, places, floor, value)
    }

    /// How many of the values that were found last lie above the border.
    pub(super) fn above(&self, border: f64) -> usize {
        self.ahead.iter().filter(|one| one.0 > border).count()
    }

    fn go_on(&mut self, size: usize, places: Range<u32>, mut floor: f64, value: impl Fn(u32) -> f64) -> f64 {
        for at in places {
            let value = value(at);
            if value >= floor {
                self.ahead.push((value, at));
                if self.ahead.len() == 4 * size {
                    floor = self.cut(size);
                }
            }
        }
        self.cut(size)
    }

    fn cut(&mut self, size: usize) -> f64 {
        if self.ahead.len() < size {
            return f64::NEG_INFINITY;
        }
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
            many in 6..40_u32,
        ) {
            let mut border = Border::default();
            for values in rounds {
                let values: Vec<f64> = values.into_iter().map(f64::from).collect();
                let value = |at: u32| values[at as usize];
                let sorted = |many: usize| {
                    let mut sorted = values[..many].to_vec();
                    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
                    sorted
                };
                let first = sorted(many as usize);
                prop_assert_eq!(border.find(size, 0..many, value), first[size - 1]);
                let all = sorted(values.len());
                let least = border.extend(size, many..40, value);
                prop_assert_eq!(least, all[size - 1]);
                prop_assert_eq!(border.above(least), all.iter().filter(|one| **one > least).count());
                prop_assert_eq!(Border::default().find(41, 0..many, value), f64::NEG_INFINITY);
            }
        }
    }
}
