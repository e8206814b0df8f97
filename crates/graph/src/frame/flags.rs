/// Yes or no for every product, one bit each: what is asked of every candidate stays near.
#[derive(Debug)]
pub(crate) struct Flags(Vec<u64>);

impl Flags {
    pub(super) fn of(flags: &[bool]) -> Self {
        let word = |flags: &[bool]| {
            let bits = flags.iter().enumerate();
            bits.fold(0, |word, (bit, &flag)| word | (u64::from(flag) << bit))
        };
        Self(flags.chunks(64).map(word).collect())
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
    }
}
