//! Tags from the words of a title.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::phrases::{Phrases, rows};
use super::words::words;

const TABLE: &str = include_str!("../../data/tag_words.csv");

#[derive(Deserialize)]
struct Row {
    word: String,
    kind: String,
    value: String,
}

/// The reviewed table of tag words.
pub(super) struct TagWords(Phrases<(String, String)>);

impl TagWords {
    pub(super) fn shipped() -> Self {
        Self(Phrases::new(
            rows::<Row>(TABLE).map(|row| (row.word, (row.kind, row.value))),
        ))
    }

    /// Tags by kind, each value once.
    pub(super) fn of(&self, title: &str) -> BTreeMap<String, Vec<String>> {
        let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (kind, value) in self.0.all(&words(title)) {
            let values = tags.entry(kind.clone()).or_default();
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::TagWords;

    #[test]
    fn words_become_tags_by_kind() {
        let tags = TagWords::shipped().of("Set/6 Red Spotty Paper Cups for Children's Party");
        assert_eq!(tags["colour"], ["red"]);
        assert_eq!(tags["material"], ["paper"]);
        assert_eq!(tags["style"], ["spotted"]);
        assert_eq!(tags["function"], ["for children", "party"]);
    }
}
