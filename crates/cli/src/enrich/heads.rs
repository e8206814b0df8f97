//! Leaf categories from head nouns.

use serde::Deserialize;

use super::phrases::{Phrases, Prefer, rows};
use super::words::words;

const TABLE: &str = include_str!("../../data/head_nouns.csv");

/// A leaf category and the one above it, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Leaf {
    pub(super) parent: String,
    pub(super) leaf: String,
}

#[derive(Deserialize)]
struct Row {
    noun: String,
    leaf: String,
    parent: String,
}

/// The reviewed table of head nouns.
pub(super) struct Heads(Phrases<Leaf>);

impl Heads {
    pub(super) fn shipped() -> Self {
        let leaf = |row: Row| {
            (
                row.noun,
                Leaf {
                    parent: row.parent,
                    leaf: row.leaf,
                },
            )
        };
        Self(Phrases::new(rows::<Row>(TABLE).map(leaf)))
    }

    /// The leaf of the last of the longest nouns before "with"; behind it only where nothing is known before.
    pub(super) fn leaf(&self, title: &str) -> Option<&Leaf> {
        let title = words(title);
        let is_with = |word: &String| word == "with" || word == "w";
        let end = title
            .iter()
            .skip(1)
            .position(is_with)
            .map_or(title.len(), |at| at + 1);
        self.0
            .longest(&title[..end], Prefer::Last)
            .or_else(|| self.0.longest(&title, Prefer::Last))
    }
}

#[cfg(test)]
mod tests {
    use super::Heads;

    #[test]
    fn the_head_noun_decides_not_the_first_or_last_word() {
        let heads = Heads::shipped();
        for (title, leaf) in [
            ("Lunch Bag Red Retrospot", "Lunch Bags"),
            ("Set of 3 Regency Cake Tins", "Cake Tins"),
            ("Regency Cakestand 3 Tier", "Cake Stands"),
            ("Roses Regency Teacup and Saucer", "Teacups and Saucers"),
            ("Hanging Jam Jar T-Light Holder", "T-Light Holders"),
            ("Set of 4 Jam Jar Magnets", "Fridge Magnets"),
            ("Card Dog and Ball", "Greeting Cards"),
            ("Strawberry Lunch Box with Cutlery", "Lunch Boxes"),
            ("Jam Jar with Green Lid", "Storage Jars"),
            ("Paper Chain Kit 50's Christmas", "Paper Chains"),
            ("6 Ribbons Rustic Charm", "Ribbons"),
            ("Balloon Pump with 10 Balloons", "Balloons"),
        ] {
            assert_eq!(
                heads.leaf(title).map(|found| found.leaf.as_str()),
                Some(leaf),
                "{title}"
            );
        }
        assert_eq!(heads.leaf("Space Owl"), None);
    }
}
