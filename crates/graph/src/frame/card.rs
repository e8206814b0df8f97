use crate::facts::{NONE, Products};

/// What rows ask of the products beside their anchors, product by product. Candidates lie anywhere in memory: a card is one
/// look at it, where a column would be one look a question.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    cards: Vec<Card>,
    /// [`Card::share`], nearly: what can be asked of many before their cards are.
    rough_shares: Vec<f32>,
    /// Tags of every product, then the words of its title.
    marks: Vec<u32>,
}

/// What the catalogue says of a product; as large as what is read of memory at once.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Card {
    /// Or [`NONE`], as the three below.
    pub(crate) leaf: u32,
    pub(crate) parent: u32,
    pub(crate) brand: u32,
    pub(crate) series: u32,
    /// NaN where the price is not known.
    ln_price: f64,
    /// NaN where it is not known.
    quality: f64,
    /// q(j | leaf of j).
    pub(crate) share: f64,
    /// Where its tags begin, where they end and its words begin, and where those end.
    marks: [u32; 3],
}

impl Cards {
    /// `prices` are minor units where known, `share` is that of each product.
    pub(super) fn new(products: &Products, prices: &[Option<i64>], share: impl Fn(u32) -> f64) -> Self {
        let mut cards = Self::default();
        for (item, price) in (0..).zip(prices) {
            let at = item as usize;
            let mut place = |marks: &[u32]| {
                cards.marks.extend_from_slice(marks);
                crate::facts::dense(cards.marks.len())
            };
            let marks = [place(&[]), place(&products.tags[at]), place(&products.words[at])];
            cards.rough_shares.push(share(item) as f32);
            cards.cards.push(Card {
                leaf: products.leaf[at],
                parent: products.parent[at],
                brand: products.brand[at],
                series: products.series[at],
                ln_price: price.map_or(f64::NAN, |minor| (minor as f64).ln()),
                quality: products.quality[at].unwrap_or(f64::NAN),
                share: share(item),
                marks,
            });
        }
        cards
    }

    #[inline]
    pub(crate) fn of(&self, item: u32) -> &Card {
        &self.cards[item as usize]
    }

    /// [`Card::share`], nearly.
    #[inline]
    pub(crate) fn rough_share(&self, item: u32) -> f32 {
        self.rough_shares[item as usize]
    }

    /// Tags, ascending.
    #[inline]
    pub(crate) fn tags(&self, card: &Card) -> &[u32] {
        &self.marks[card.marks[0] as usize..card.marks[1] as usize]
    }

    /// Words of the title, ascending.
    #[inline]
    pub(crate) fn words(&self, card: &Card) -> &[u32] {
        &self.marks[card.marks[1] as usize..card.marks[2] as usize]
    }

    /// Reads a little of each card, so that the rest of it is near when it is needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, items: impl Iterator<Item = u32>) -> u32 {
        items.fold(0, |sum, item| sum ^ self.of(item).leaf)
    }

    /// As [`Self::fetch`], of tags and words.
    #[inline]
    pub(crate) fn fetch_marks(&self, items: impl Iterator<Item = u32>) -> u32 {
        let first = |item: u32| self.marks.get(self.of(item).marks[0] as usize);
        items.fold(0, |sum, item| sum ^ first(item).copied().unwrap_or(NONE))
    }
}

impl Card {
    /// Between 0 and 1, where it is known.
    pub(crate) fn quality(&self) -> Option<f64> {
        known(self.quality)
    }

    /// ln of the companion's to this price, where both are known.
    #[inline]
    pub(crate) fn ln_ratio(&self, companion: &Self) -> Option<f64> {
        known(companion.ln_price - self.ln_price)
    }
}

/// What is not known makes NaN of all that is made of it.
#[inline]
fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_fills_a_line_of_the_cache() {
        assert_eq!(size_of::<Card>(), 64);
    }
}
