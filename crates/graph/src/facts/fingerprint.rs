use super::ProductFacts;

/// Takes fingerprints of rows: thirty-two bits of all that rows read of a product, beside its price and whether it is on
/// sale, which an epoch freezes. The same on every machine and in every version.
#[derive(Debug, Default)]
pub(super) struct Printer {
    said: Vec<u8>,
    /// What the row before said, and its fingerprint: rows that nothing is known of all say the same.
    before: Vec<u8>,
    print: u32,
}

impl Printer {
    pub(super) fn of(&mut self, row: &ProductFacts) -> u32 {
        self.say(row);
        if self.said != self.before {
            let [a, b, c, d, ..] = *blake3::hash(&self.said).as_bytes();
            self.print = u32::from_le_bytes([a, b, c, d]);
            std::mem::swap(&mut self.said, &mut self.before);
        }
        self.print
    }

    fn say(&mut self, row: &ProductFacts) {
        self.said.clear();
        let mut say = |text: Option<&str>| {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            self.said.extend_from_slice(&length.to_le_bytes());
            self.said.extend_from_slice(text.unwrap_or_default().as_bytes());
        };
        say(Some(row.shop.as_str()));
        say(row.title.as_deref());
        say(row.category.as_ref().map(|id| id.as_str()));
        row.category_path.iter().for_each(|id| say(Some(id.as_str())));
        say(row.brand.as_deref());
        say(row.series.as_ref().map(|id| id.as_str()));
        for (kind, values) in &row.tags {
            say(None);
            say(Some(kind));
            values.iter().for_each(|value| say(Some(value)));
        }
        self.said
            .extend_from_slice(&row.quality.unwrap_or(f64::NAN).to_bits().to_le_bytes());
        self.said
            .extend_from_slice(&[u8::from(row.quality.is_some()), u8::from(row.generated)]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tandem_domain::id::{CategoryId, ProductId, SeriesId, ShopId};
    use tandem_domain::money::Money;

    use super::*;

    fn of(row: &ProductFacts) -> u32 {
        Printer::default().of(row)
    }

    #[test]
    fn whatever_a_row_reads_changes_the_fingerprint_and_nothing_else_does() {
        let plain = ProductFacts {
            id: ProductId::new("a").unwrap(),
            shop: ShopId::new("shop").unwrap(),
            title: None,
            category: None,
            category_path: Vec::new(),
            brand: None,
            series: None,
            price: None,
            quality: None,
            tags: BTreeMap::new(),
            generated: false,
            listed: true,
        };
        let tags = |all: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            all.iter()
                .map(|&(kind, values)| (kind.to_owned(), own(values)))
                .collect()
        };
        let changed: [fn(&mut ProductFacts); 7] = [
            |one| one.shop = ShopId::new("x").unwrap(),
            |one| one.title = Some("x".into()),
            |one| one.category = Some(CategoryId::new("x").unwrap()),
            |one| one.brand = Some("x".into()),
            |one| one.series = Some(SeriesId::new("x").unwrap()),
            |one| one.quality = Some(0.5),
            |one| one.generated = true,
        ];
        let mut seen = vec![of(&plain)];
        for change in changed {
            let mut one = plain.clone();
            change(&mut one);
            seen.push(of(&one));
        }
        for all in [
            tags(&[("x", &["y"])]),
            tags(&[("x", &[]), ("y", &[])]),
            tags(&[("xy", &[])]),
        ] {
            seen.push(of(&ProductFacts {
                tags: all,
                ..plain.clone()
            }));
        }
        let mut printer = Printer::default();
        for row in [
            &plain,
            &plain,
            &ProductFacts {
                generated: true,
                ..plain.clone()
            },
            &plain,
        ] {
            assert_eq!(printer.of(row), of(row), "whatever was printed before");
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
        let sold_out = ProductFacts {
            price: Some(Money::from_minor(5)),
            listed: false,
            ..plain.clone()
        };
        assert_eq!(of(&sold_out), of(&plain));
    }
}
