//! Finding what spoils a batch.

/// The parts of a batch that are still to be tried, the next one last. One that is refused is halved until what spoils it
/// stands alone: that costs two tries per halving, not one per item.
///
/// ```
/// use tandem_domain::parts::Parts;
///
/// let (batch, mut spoilt) = ([3, 5, 8, 7], Vec::new());
/// let mut parts = Parts::of(&batch);
/// while let Some(part) = parts.take() {
///     if part.iter().any(|number| number % 2 == 0) {
///         spoilt.extend(parts.refused(part));
///     }
/// }
/// assert_eq!(spoilt, [&8]);
/// ```
#[derive(Debug)]
pub struct Parts<'i, T>(Vec<&'i [T]>);

impl<'i, T> Parts<'i, T> {
    /// A batch that nobody tried yet.
    #[must_use]
    pub fn of(batch: &'i [T]) -> Self {
        Self(vec![batch])
    }

    /// What to try next: parts come in the order of the batch.
    pub fn take(&mut self) -> Option<&'i [T]> {
        self.0.pop()
    }

    /// A part was refused: the item that spoiled it, once that stands alone.
    pub fn refused(&mut self, part: &'i [T]) -> Option<&'i T> {
        if let [spoilt] = part {
            return Some(spoilt);
        }
        let (first, second) = part.split_at(part.len() / 2);
        self.0.extend([second, first]);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused, what is applied, and after how many tries.
    fn try_all(batch: &[u32], spoilt: &[u32]) -> (Vec<u32>, Vec<u32>, usize) {
        let (mut refused, mut applied, mut tries) = (Vec::new(), Vec::new(), 0);
        let mut parts = Parts::of(batch);
        while let Some(part) = parts.take() {
            tries += 1;
            if part.iter().any(|item| spoilt.contains(item)) {
                refused.extend(parts.refused(part));
            } else {
                applied.extend(part);
            }
        }
        (refused, applied, tries)
    }

    #[test]
    fn one_spoilt_item_is_found_in_twice_the_halvings() {
        let batch: Vec<u32> = (0..1_000).collect();
        for spoilt in [0, 1, 499, 500, 743, 999] {
            let (refused, applied, tries) = try_all(&batch, &[spoilt]);
            assert_eq!(refused, [spoilt]);
            let others: Vec<u32> = batch.iter().copied().filter(|item| *item != spoilt).collect();
            assert_eq!(applied, others, "in their order");
            assert!(tries <= 21, "{tries} tries for {spoilt}");
        }
    }

    #[test]
    fn a_batch_without_any_is_tried_once_and_one_of_nothing_else_item_by_item() {
        let batch: Vec<u32> = (0..16).collect();
        assert_eq!(try_all(&batch, &[]), (Vec::new(), batch.clone(), 1));
        assert_eq!(try_all(&batch, &batch), (batch.clone(), Vec::new(), 31));
    }
}
