/// Yes or no for every product, one bit each: what is asked of every candidate stays near.
#[derive(Debug)]
pub(crate) struct Flags(Vec<u64>);

impl Flags {
    pub(crate) fn of(flags: &[bool]) -> Self {
        let word = |flags: &[bool]| {
            let bits = flags.iter().enumerate();
            bits.fold(0, |word, (bit, &flag)| word | (u64::from(flag) << bit))
        };
        Self(flags.chunks(64).map(word).collect())
    }

    /// No for each of so many.
    pub(crate) fn none(products: usize) -> Self {
        Self(vec![0; products.div_ceil(64)])
    }

    /// Yes for each that is no.
    pub(crate) fn others(&self) -> Self {
        Self(self.0.iter().map(|word| !word).collect())
    }

    pub(crate) fn set(&mut self, item: u32, flag: bool) {
        let (word, bit) = (&mut self.0[item as usize / 64], 1 << (item % 64));
        *word = if flag { *word | bit } else { *word & !bit };
    }

    #[inline]
    pub(crate) fn get(&self, item: u32) -> bool {
        self.0[item as usize / 64] >> (item % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_bit() {
        let flags: Vec<bool> = (0..200).map(|item| item % 3 == 0 || item == 64).collect();
        let bits = Flags::of(&flags);
        let found: Vec<bool> = (0..200).map(|item| bits.get(item)).collect();
        assert_eq!(found, flags);
        let others = bits.others();
        assert!((0..200).all(|item| others.get(item) != bits.get(item)));
        let mut set = Flags::none(200);
        for turn in [true, false] {
            (0..200).for_each(|item| set.set(item, flags[item as usize] == turn));
            let found: Vec<bool> = (0..200).map(|item| set.get(item)).collect();
            assert!(
                found
                    .iter()
                    .zip(&flags)
                    .all(|(found, flag)| *found == (*flag == turn))
            );
        }
    }
}
