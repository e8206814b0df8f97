//! Keys that were met before.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{Hash, Hasher};

/// Remembers keys by a 128-bit digest, about 40 bytes each however long they are.
#[derive(Debug, Default)]
pub struct Seen(HashMap<u128, u64>);

impl Seen {
    /// Takes down that `key` stands on `line`; gives the line that has it already, if one does.
    pub fn first_line(&mut self, key: &impl Hash, line: u64) -> Option<u64> {
        match self.0.entry(digest(key)) {
            Entry::Occupied(there) => Some(*there.get()),
            Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}

fn digest(key: &impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        key.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(0) << 64) | half(1)
}
