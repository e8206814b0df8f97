use super::basket::Netted;
use super::intern::dense;

/// Baskets of one signal as CSR, both ways. Baskets stand in the order of their time, so the most recent ones of a
/// product are the tail of its list.
#[derive(Debug, Default)]
pub(crate) struct Baskets {
    offsets: Vec<u32>,
    items: Vec<u32>,
    item_offsets: Vec<u32>,
    of_item: Vec<u32>,
    /// Place of the product in the basket, beside `of_item`; empty where the order carries no meaning.
    places: Vec<u16>,
    generated: Vec<bool>,
    days: Vec<i32>,
}

impl Baskets {
    /// Lays `baskets` out for a catalogue of `products`; empty ones are left out.
    pub(super) fn lay(mut baskets: Vec<Netted>, products: usize, generated: &[bool]) -> Self {
        baskets.retain(|basket| !basket.items.is_empty());
        let flag = |basket: &Netted| generated.get(basket.key as usize).copied().unwrap_or(false);
        // Equal in all three means interchangeable, so the order of rows leaves no trace.
        baskets.sort_unstable_by(|a, b| (a.time_ms, &a.items, flag(a)).cmp(&(b.time_ms, &b.items, flag(b))));
        let mut laid = Self {
            offsets: vec![0],
            generated: baskets.iter().map(flag).collect(),
            ..Self::default()
        };
        for basket in &baskets {
            laid.items
                .extend(basket.items.iter().map(|&(product, _)| product));
            laid.offsets.push(dense(laid.items.len()));
            laid.days
                .push(tandem_domain::clock::Timestamp::from_ms(basket.time_ms).day());
        }
        laid.transpose(products);
        laid
    }

    /// Lists of ascending numbers below `items`, kept in their order, as baskets without time.
    pub(crate) fn plain(lists: impl Iterator<Item = Vec<u32>>, items: usize) -> Self {
        let mut laid = Self {
            offsets: vec![0],
            ..Self::default()
        };
        for list in lists {
            laid.items.extend(list);
            laid.offsets.push(dense(laid.items.len()));
            laid.days.push(0);
            laid.generated.push(false);
        }
        laid.transpose(items);
        laid
    }

    /// The baskets that `keep` names, in their order; places are kept where they were noted.
    pub(crate) fn subset(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut laid = Self {
            offsets: vec![0],
            ..Self::default()
        };
        for basket in (0..dense(self.len())).filter(|&basket| keep(basket)) {
            laid.items.extend_from_slice(self.items(basket));
            laid.offsets.push(dense(laid.items.len()));
            laid.generated.push(self.is_generated(basket));
            laid.days.push(self.day(basket));
        }
        laid.transpose(self.item_offsets.len().saturating_sub(1));
        if self.places.is_empty() {
            laid
        } else {
            laid.with_places()
        }
    }

    fn transpose(&mut self, products: usize) {
        self.item_offsets = vec![0; products + 1];
        for &item in &self.items {
            self.item_offsets[item as usize + 1] += 1;
        }
        for k in 0..products {
            self.item_offsets[k + 1] += self.item_offsets[k];
        }
        let mut next = self.item_offsets.clone();
        self.of_item = vec![0; self.items.len()];
        for basket in 0..self.len() {
            for at in self.offsets[basket] as usize..self.offsets[basket + 1] as usize {
                let slot = &mut next[self.items[at] as usize];
                self.of_item[*slot as usize] = dense(basket);
                *slot += 1;
            }
        }
    }

    /// Notes where each product stands in its baskets.
    pub(super) fn with_places(mut self) -> Self {
        let mut next = self.item_offsets.clone();
        self.places = vec![0; self.items.len()];
        for basket in 0..self.len() {
            let items = &self.items[self.offsets[basket] as usize..self.offsets[basket + 1] as usize];
            for (place, &item) in items.iter().enumerate() {
                let slot = &mut next[item as usize];
                self.places[*slot as usize] = u16::try_from(place).expect("sessions are capped below 2^16");
                *slot += 1;
            }
        }
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.generated.len()
    }

    /// The products of a basket.
    pub(crate) fn items(&self, basket: u32) -> &[u32] {
        &self.items[self.offsets[basket as usize] as usize..self.offsets[basket as usize + 1] as usize]
    }

    fn range(&self, product: u32) -> std::ops::Range<usize> {
        self.item_offsets[product as usize] as usize..self.item_offsets[product as usize + 1] as usize
    }

    /// Where the products of a basket begin among those of all baskets.
    pub(crate) fn start(&self, basket: u32) -> usize {
        self.offsets[basket as usize] as usize
    }

    /// The baskets of a product, oldest first.
    pub(crate) fn of(&self, product: u32) -> &[u32] {
        &self.of_item[self.range(product)]
    }

    /// The places of a product in its baskets, beside [`Self::of`].
    pub(crate) fn places(&self, product: u32) -> &[u16] {
        &self.places[self.range(product)]
    }

    /// Baskets that hold the product.
    pub(crate) fn count(&self, product: u32) -> u32 {
        self.item_offsets[product as usize + 1] - self.item_offsets[product as usize]
    }

    pub(crate) fn is_generated(&self, basket: u32) -> bool {
        self.generated[basket as usize]
    }

    /// The UTC day of a basket's last line.
    pub(crate) fn day(&self, basket: u32) -> i32 {
        self.days[basket as usize]
    }

    /// Pair increments that the row of a product costs.
    pub(crate) fn work(&self, product: u32) -> u64 {
        self.of(product)
            .iter()
            .map(|&basket| self.items(basket).len() as u64)
            .sum()
    }
}
