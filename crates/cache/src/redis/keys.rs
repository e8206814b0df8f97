//! The names of keys.

use std::fmt::Write as _;

use tandem_domain::id::{CategoryId, MarketplaceId, ProductId};

use crate::port::RecordKey;

/// The keys of one marketplace.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    marketplace: String,
}

impl Keys {
    pub(super) fn of(marketplace: &MarketplaceId) -> Self {
        Self {
            marketplace: encoded(marketplace.as_str()),
        }
    }

    pub(super) fn feed(&self) -> String {
        self.shared("feed")
    }

    /// Sellable state per product and pool.
    pub(super) fn states(&self) -> String {
        self.shared("states")
    }

    pub(super) fn stock(&self, product: &ProductId) -> String {
        self.shared(&format!("stock:{}", encoded(product.as_str())))
    }

    /// What every script that derives sellable states shares, in the order in which they take it.
    pub(super) fn stock_wide(&self) -> [String; 3] {
        [self.feed(), self.states(), self.thresholds()]
    }

    /// Thresholds by shop.
    pub(super) fn thresholds(&self) -> String {
        self.shared("thresholds")
    }

    pub(super) fn cards(&self) -> String {
        self.shared("cards")
    }

    pub(super) fn links(&self) -> String {
        self.shared("links")
    }

    /// Fixed bundles by anchor.
    pub(super) fn fixed_bundles(&self) -> String {
        self.shared("fixed")
    }

    pub(super) fn surfaces(&self) -> String {
        self.shared("surfaces")
    }

    pub(super) fn beat(&self) -> String {
        self.shared("beat")
    }

    /// The rebuild marker.
    pub(super) fn epoch(&self) -> String {
        self.shared("epoch")
    }

    pub(super) fn changes(&self) -> String {
        self.shared("changes")
    }

    /// Pointer to the generation on serve.
    pub(super) fn pointer(&self) -> String {
        self.shared("pointer")
    }

    pub(super) fn segments(&self) -> String {
        self.shared("segments")
    }

    /// Names of the records of a segment.
    pub(super) fn index(&self, segment: u64) -> String {
        self.shared(&format!("index:{segment}"))
    }

    pub(super) fn lease(&self, name: &str) -> String {
        self.shared(&format!("lease:{}", encoded(name)))
    }

    pub(super) fn record(&self, segment: u64, key: &RecordKey) -> String {
        let (kind, id) = (kind(key), id(key).unwrap_or_default());
        self.named(segment, kind, id)
    }

    /// The key of a record named in an index.
    pub(super) fn indexed(&self, segment: u64, name: &str) -> Option<String> {
        let kind = name.chars().next()?;
        Some(self.named(segment, kind, &name[kind.len_utf8()..]))
    }

    /// Records of one product share a slot over all segments, so that they are read together.
    fn named(&self, segment: u64, kind: char, id: &str) -> String {
        let marketplace = &self.marketplace;
        format!("td:{{{marketplace}:{}}}:{segment}:{kind}", encoded(id))
    }

    fn shared(&self, name: &str) -> String {
        format!("td:{{{}}}:{name}", self.marketplace)
    }
}

/// What an index calls a record.
pub(super) fn index_name(key: &RecordKey) -> String {
    format!("{}{}", kind(key), id(key).unwrap_or_default())
}

const fn kind(key: &RecordKey) -> char {
    match key {
        RecordKey::Lists(_) => 'l',
        RecordKey::Evidence(_) => 'e',
        RecordKey::Bundles(_) => 'b',
        RecordKey::Bestsellers(Some(_)) => 'c',
        RecordKey::Bestsellers(None) => 'm',
    }
}

fn id(key: &RecordKey) -> Option<&str> {
    match key {
        RecordKey::Lists(id) | RecordKey::Evidence(id) | RecordKey::Bundles(id) => Some(id.as_str()),
        RecordKey::Bestsellers(category) => category.as_ref().map(CategoryId::as_str),
    }
}

/// An id in which nothing has a meaning in a key any more; different ids stay different.
fn encoded(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '%' | ':' | '{' | '}' => write!(out, "%{:02X}", u32::from(c)).expect("a string takes everything"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn tag(key: &str) -> &str {
        let rest = &key[key.find('{').unwrap() + 1..];
        &rest[..rest.find('}').unwrap()]
    }

    fn all(marketplace: &str, id: &str) -> Vec<String> {
        let keys = Keys::of(&MarketplaceId::new(marketplace).unwrap());
        let product = ProductId::new(id).unwrap();
        let records = [
            RecordKey::Lists(product.clone()),
            RecordKey::Evidence(product.clone()),
            RecordKey::Bundles(product.clone()),
            RecordKey::Bestsellers(Some(CategoryId::new(id).unwrap())),
        ];
        let records = records
            .iter()
            .flat_map(|key| [keys.record(1, key), keys.record(11, key)]);
        records.chain([keys.stock(&product), keys.lease(id)]).collect()
    }

    fn fixed(marketplace: &str) -> Vec<String> {
        let keys = Keys::of(&MarketplaceId::new(marketplace).unwrap());
        vec![
            keys.feed(),
            keys.states(),
            keys.cards(),
            keys.links(),
            keys.surfaces(),
            keys.beat(),
            keys.epoch(),
            keys.changes(),
            keys.pointer(),
            keys.segments(),
            keys.index(1),
            keys.record(1, &RecordKey::Bestsellers(None)),
        ]
    }

    #[test]
    fn keys_look_like_this() {
        let keys = Keys::of(&MarketplaceId::new("uk").unwrap());
        let product = ProductId::new("a:{b}%").unwrap();
        assert_eq!(keys.feed(), "td:{uk}:feed");
        assert_eq!(keys.stock(&product), "td:{uk}:stock:a%3A%7Bb%7D%25");
        assert_eq!(
            keys.record(7, &RecordKey::Lists(product)),
            "td:{uk:a%3A%7Bb%7D%25}:7:l"
        );
    }

    proptest! {
        #[test]
        fn no_id_forges_the_key_of_another(ids in proptest::collection::hash_set("[a:{}%3-5l]{1,6}", 2..5)) {
            let mut seen = HashSet::new();
            for marketplace in &ids {
                for key in fixed(marketplace) {
                    prop_assert!(seen.insert(key.clone()), "{key} twice");
                }
                for id in &ids {
                    for key in all(marketplace, id) {
                        prop_assert!(seen.insert(key.clone()), "{key} twice");
                    }
                }
            }
        }

        #[test]
        fn what_changes_together_shares_a_slot(marketplace in "[a:{}%]{1,6}", id in "[a:{}%]{1,6}") {
            let keys = Keys::of(&MarketplaceId::new(&marketplace).unwrap());
            let product = ProductId::new(&id).unwrap();
            for key in [keys.states(), keys.stock(&product), keys.pointer(), keys.cards(), keys.changes()] {
                prop_assert_eq!(tag(&key).to_owned(), tag(&keys.feed()).to_owned());
            }
        }

        #[test]
        fn an_index_names_the_record(id in "[a:{}%外]{1,6}") {
            let keys = Keys::of(&MarketplaceId::new("uk").unwrap());
            let product = ProductId::new(&id).unwrap();
            for key in [RecordKey::Bundles(product), RecordKey::Bestsellers(None)] {
                prop_assert_eq!(keys.indexed(3, &index_name(&key)), Some(keys.record(3, &key)));
            }
        }
    }
}
