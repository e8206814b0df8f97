use super::finding::gain;

/// Parts that queries are cut into by the popularity of their target.
const QUARTERS: usize = 4;

/// The quarter of target popularity, 1 the rarest, in which a setting loses more than one standard error against the
/// default: what is about to become popular is rare in the validation part, and a mean hides it.
pub(super) fn losing_quarter(popularity: &[u32], before: &[f64], after: &[f64]) -> Option<usize> {
    let mut order: Vec<usize> = (0..popularity.len()).collect();
    order.sort_by_key(|&query| popularity[query]);
    let cut = |quarter: usize| order.len() * quarter / QUARTERS;
    (0..QUARTERS)
        .find(|&quarter| {
            let queries = &order[cut(quarter)..cut(quarter + 1)];
            let of = |values: &[f64]| -> Vec<f64> { queries.iter().map(|&query| values[query]).collect() };
            let gain = gain(&of(before), &of(after));
            gain.mean < -gain.error
        })
        .map(|quarter| quarter + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_on_popular_targets_does_not_hide_a_loss_on_rare_ones() {
        let popularity: Vec<u32> = (0..400).collect();
        let before = vec![0.5; 400];
        let mut after = vec![0.9; 400];
        for (query, after) in after.iter_mut().enumerate().take(100) {
            *after = if query % 2 == 0 { 0.1 } else { 0.3 };
        }
        assert_eq!(losing_quarter(&popularity, &before, &after), Some(1));
    }

    #[test]
    fn noise_within_one_standard_error_passes() {
        let popularity = vec![7; 40];
        let before = vec![0.0; 40];
        let mut after = vec![0.0; 40];
        (after[3], after[4]) = (1.0, -1.0);
        assert_eq!(losing_quarter(&popularity, &before, &after), None);
        assert_eq!(losing_quarter(&[], &[], &[]), None);
    }
}
