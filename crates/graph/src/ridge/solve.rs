/// Partial sums of a dot product, added in a fixed order whatever the machine.
const LANES: usize = 8;

/// Solves `a x = b` in place for a symmetric `a` (row-major, its lower half is read) by Cholesky: `b` becomes `x`.
/// Returns false where `a` is not positive definite; `b` is void then.
pub(super) fn solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    for row in 0..n {
        for column in 0..=row {
            let (head, tail) = a.split_at_mut(row * n);
            let this = &tail[..column];
            let (sum, pivot) = if column == row {
                (dot(this, this), 1.0)
            } else {
                let other = &head[column * n..column * n + column];
                (dot(this, other), head[column * n + column])
            };
            let rest = tail[column] - sum;
            if column < row {
                tail[column] = rest / pivot;
            } else if rest > 0.0 {
                tail[column] = rest.sqrt();
            } else {
                return false;
            }
        }
    }
    for row in 0..n {
        let sum = dot(&a[row * n..row * n + row], &b[..row]);
        b[row] = (b[row] - sum) / a[row * n + row];
    }
    for row in (0..n).rev() {
        b[row] /= a[row * n + row];
        let (known, value) = (b[row], &a[row * n..row * n + row]);
        for (left, factor) in b[..row].iter_mut().zip(value) {
            *left -= factor * known;
        }
    }
    true
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gaussian elimination with pivoting, in plain loops.
    fn eliminate(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for column in 0..n {
            let best = (column..n)
                .max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))
                .unwrap();
            a.swap(column, best);
            b.swap(column, best);
            let pivot = a[column].clone();
            for row in column + 1..n {
                let factor = a[row][column] / pivot[column];
                for (cell, above) in a[row].iter_mut().zip(&pivot).skip(column) {
                    *cell -= factor * above;
                }
                b[row] -= factor * b[column];
            }
        }
        for row in (0..n).rev() {
            let known: f64 = (row + 1..n).map(|at| a[row][at] * b[at]).sum();
            b[row] = (b[row] - known) / a[row][row];
        }
        b
    }

    proptest! {
        #[test]
        fn solutions_are_those_of_plain_elimination(
            (n, cells) in (1..24_usize).prop_flat_map(|n| (Just(n), proptest::collection::vec(-2.0..2.0_f64, n * n + n))),
        ) {
            // MᵀM + I is symmetric and positive definite.
            let m = |i: usize, j: usize| cells[i * n + j];
            let a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| {
                (0..n).map(|k| m(k, i) * m(k, j)).sum::<f64>() + f64::from(u8::from(i == j))
            }).collect()).collect();
            let mut x = cells[n * n..].to_vec();
            let expected = eliminate(a.clone(), x.clone());
            let mut flat: Vec<f64> = a.into_iter().flatten().collect();
            prop_assert!(solve(&mut flat, &mut x));
            for (x, expected) in x.iter().zip(expected) {
                prop_assert!((x - expected).abs() < 1e-8 * (1.0 + expected.abs()), "{x} {expected}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(!solve(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]));
        assert!(!solve(&mut [f64::NAN], &mut [1.0]));
        assert!(solve(&mut [], &mut []));
    }
}
