//! What entries are known by.

use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

use tandem_domain::id::{MarketplaceId, ProductId, SurfaceId};
use tandem_domain::relation::Relation;

use crate::related::Relations;

/// 128 bits of two hashes of what was asked for. The texts are not kept: to compare them would be to wait until they come
/// from memory. Among 10 million entries that any two share a key has a chance of 1 in 10²⁴, and who does not know the
/// seeds cannot choose ids that do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u64, u64);

impl Key {
    /// One of its hashes.
    pub(super) const fn hash(self) -> u64 {
        self.0
    }

    /// Any other for another number.
    #[cfg(test)]
    pub(super) const fn numbered(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Passes on the hash that a [`Key`] holds.
#[derive(Debug, Default)]
pub(super) struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// A list of its own.
    List,
    /// A vote in a basket.
    Vote,
}

/// The seeds of this process.
#[derive(Debug, Clone)]
pub(super) struct Seeds([RandomState; 2]);

impl Default for Seeds {
    fn default() -> Self {
        Self([RandomState::new(), RandomState::new()])
    }
}

impl Seeds {
    /// What is kept of anchors on a surface.
    pub(super) fn family(
        &self,
        marketplace: &MarketplaceId,
        surface: &SurfaceId,
        relations: &Relations,
        purpose: Purpose,
    ) -> Family {
        let common = (marketplace, surface, packed(relations), purpose);
        Family(self.0.each_ref().map(|seed| {
            let mut hasher = seed.build_hasher();
            common.hash(&mut hasher);
            hasher
        }))
    }
}

/// What the entries for one kind of ask have in common, hashed: all but the anchor.
#[derive(Debug, Clone)]
pub(crate) struct Family([DefaultHasher; 2]);

impl Family {
    /// The key of an anchor's entry.
    pub(crate) fn key(&self, anchor: &ProductId) -> Key {
        let [one, other] = self.0.each_ref().map(|common| {
            let mut hasher = common.clone();
            anchor.hash(&mut hasher);
            hasher.finish()
        });
        Key(one, other)
    }
}

/// Each relation once, so that six of three bits always fit; 0 for those of the surface.
fn packed(relations: &Relations) -> u32 {
    let shifted = |packed: u32, relation: &Relation| packed << 3 | u32::from(relation.code());
    match relations {
        Relations::OfSurface => 0,
        Relations::Named(named) => named.iter().fold(0, shifted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_apart_whatever_is_asked_for() {
        let seeds = Seeds::default();
        let named = |relations: &[Relation]| Relations::Named(relations.to_vec());
        let (together, complement) = (Relation::Together, Relation::Complement);
        let families = [
            ("m", "home", Relations::OfSurface, Purpose::List),
            ("m", "home", Relations::OfSurface, Purpose::Vote),
            ("mh", "ome", Relations::OfSurface, Purpose::List),
            ("m", "cart", Relations::OfSurface, Purpose::List),
            ("m", "home", named(&[together]), Purpose::List),
            ("m", "home", named(&[complement]), Purpose::List),
            ("m", "home", named(&[together, complement]), Purpose::List),
            ("m", "home", named(&[complement, together]), Purpose::List),
        ];
        let family = |(market, on, relations, purpose): &(&str, &str, Relations, Purpose)| {
            let market = MarketplaceId::new(market).expect("a valid id");
            let on = SurfaceId::new(on).expect("a valid id");
            seeds.family(&market, &on, relations, *purpose)
        };
        let mut keys = Vec::new();
        for product in ["case", "cas", "e"] {
            let product = ProductId::new(product).expect("a valid id");
            keys.extend(families.iter().map(|of| family(of).key(&product)));
        }
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
        let product = ProductId::new("case").expect("a valid id");
        assert_eq!(family(&families[0]).key(&product), keys[0]);
    }
}
