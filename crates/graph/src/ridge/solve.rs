/// Rows that are summed side by side: each of them in the order of its cells, so that the sums are the same on any machine.
const ABREAST: usize = 8;

/// A symmetric system `a x = b`, and room to solve it: of `a` the lower half by columns, and `b` as one more row below
/// it, since solving for it forwards is what a factorisation does to a row.
#[derive(Debug, Default)]
pub(super) struct System {
    size: usize,
    /// Cells from one column to the next, a multiple of [`ABREAST`].
    stride: usize,
    cells: Vec<f64>,
    sums: Vec<f64>,
}

impl System {
    /// Makes it `size` unknowns, all cells 0.
    pub(super) fn clear(&mut self, size: usize) {
        self.size = size;
        self.stride = (size + 1).next_multiple_of(ABREAST);
        self.cells.clear();
        self.cells.resize(self.size * self.stride, 0.0);
    }

    /// Adds `penalty` along the diagonal.
    pub(super) fn penalise(&mut self, penalty: f64) {
        for at in 0..self.size {
            self.cells[at * self.stride + at] += penalty;
        }
    }

    /// Sets a cell of `a` and the one that mirrors it.
    pub(super) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row.min(column) * self.stride + row.max(column)] = value;
    }

    /// A cell of `a`.
    #[cfg(test)]
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row.min(column) * self.stride + row.max(column)]
    }

    /// Sets a cell of `b`.
    pub(super) fn set_right(&mut self, row: usize, value: f64) {
        self.cells[row * self.stride + self.size] = value;
    }

    /// `x` by Cholesky, which leaves the system void; `None` where `a` is not positive definite.
    pub(super) fn solve(&mut self) -> Option<Vec<f64>> {
        let (n, stride) = (self.size, self.stride);
        for column in 0..n {
            self.sum(column);
            let cells = &mut self.cells[column * stride..column * stride + stride];
            let rest = cells[column] - self.sums[column];
            // Written so that NaN is refused, too.
            if rest > 0.0 {
                cells[column] = rest.sqrt();
            } else {
                return None;
            }
            let pivot = cells[column];
            let below = cells[column + 1..=n].iter_mut();
            for (cell, sum) in below.zip(&self.sums[column + 1..=n]) {
                *cell = (*cell - sum) / pivot;
            }
        }
        let mut x: Vec<f64> = (0..n).map(|column| self.cells[column * stride + n]).collect();
        for row in (0..n).rev() {
            x[row] /= self.cells[row * stride + row];
            let known = x[row];
            for (column, left) in x[..row].iter_mut().enumerate() {
                *left -= self.cells[column * stride + row] * known;
            }
        }
        Some(x)
    }

    /// Of every row from `column` on, the sum of the products of its known cells with those of the row of `column`.
    fn sum(&mut self, column: usize) {
        self.sums.resize(self.stride, 0.0);
        let start = column / ABREAST * ABREAST;
        let mut sums = std::mem::take(&mut self.sums);
        let (groups, _) = sums[start..].as_chunks_mut::<ABREAST>();
        for (at, sums) in groups.iter_mut().enumerate() {
            *sums = self.products(column, start + at * ABREAST);
        }
        self.sums = sums;
    }

    /// For each of the rows from `first` on, the sum over the columns before `column` of its cell times that of the row of
    /// `column`.
    #[inline]
    fn products(&self, column: usize, first: usize) -> [f64; ABREAST] {
        let mut sums = [0.0; ABREAST];
        for known in self.cells.chunks_exact(self.stride).take(column) {
            let factor = known[column];
            for (sum, cell) in sums.iter_mut().zip(&known[first..][..ABREAST]) {
                *sum += cell * factor;
            }
        }
        sums
    }
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

    fn system(a: &[Vec<f64>], b: &[f64]) -> System {
        let mut system = System::default();
        system.clear(b.len());
        for (row, (cells, right)) in a.iter().zip(b).enumerate() {
            for (column, cell) in cells[..=row].iter().enumerate() {
                system.set(row, column, *cell);
            }
            system.set_right(row, *right);
        }
        system
    }

    /// Cholesky row by row in plain loops, its sums in the order that is promised.
    fn by_rows(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
        for row in 0..b.len() {
            for column in 0..row {
                let sum = dot(&a[row][..column], &a[column][..column]);
                a[row][column] = (a[row][column] - sum) / a[column][column];
            }
            a[row][row] = (a[row][row] - dot(&a[row][..row], &a[row][..row])).sqrt();
            b[row] = (b[row] - dot(&a[row][..row], &b[..row])) / a[row][row];
        }
        for row in (0..b.len()).rev() {
            b[row] /= a[row][row];
            for column in 0..row {
                b[column] -= a[row][column] * b[row];
            }
        }
        b
    }

    proptest! {
        #[test]
        fn solutions_are_those_of_plain_elimination(
            (n, cells) in (1..40_usize).prop_flat_map(|n| (Just(n), proptest::collection::vec(-2.0..2.0_f64, n * n + n))),
        ) {
            // MᵀM + I is symmetric and positive definite.
            let m = |i: usize, j: usize| cells[i * n + j];
            let a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| {
                (0..n).map(|k| m(k, i) * m(k, j)).sum::<f64>() + f64::from(u8::from(i == j))
            }).collect()).collect();
            let x = cells[n * n..].to_vec();
            let expected = eliminate(a.clone(), x.clone());
            let found = system(&a, &x).solve().unwrap();
            for (x, expected) in found.iter().zip(expected) {
                prop_assert!((x - expected).abs() < 1e-8 * (1.0 + expected.abs()), "{x} {expected}");
            }
            let bits = |x: Vec<f64>| x.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(bits(found), bits(by_rows(a, x)));
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        let solved = |a: &[&[f64]], b: &[f64]| {
            let a: Vec<Vec<f64>> = a.iter().map(|row| row.to_vec()).collect();
            system(&a, b).solve()
        };
        assert_eq!(solved(&[&[1.0, 2.0], &[2.0, 1.0]], &[1.0, 1.0]), None);
        assert_eq!(solved(&[&[f64::NAN]], &[1.0]), None);
        assert_eq!(solved(&[], &[]), Some(Vec::new()));
    }
}
