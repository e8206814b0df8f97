//! Finding known phrases in titles.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::words::words;

/// Phrases and what each stands for.
#[derive(Debug)]
pub(super) struct Phrases<T> {
    by_first_word: HashMap<String, Vec<Phrase<T>>>,
}

#[derive(Debug)]
struct Phrase<T> {
    words: Vec<String>,
    at_start: bool,
    meaning: T,
}

/// Which of equally long phrases wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefer {
    /// The one that begins first: design words.
    First,
    /// The one that ends last: head nouns.
    Last,
}

impl<T> Phrases<T> {
    /// A phrase that starts with `^` counts at the start of a title only, and one word longer.
    pub(super) fn new(rows: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut by_first_word: HashMap<String, Vec<Phrase<T>>> = HashMap::new();
        for (text, meaning) in rows {
            let phrase = Phrase {
                words: words(&text),
                at_start: text.starts_with('^'),
                meaning,
            };
            if let Some(first) = phrase.words.first() {
                by_first_word.entry(first.clone()).or_default().push(phrase);
            }
        }
        Self { by_first_word }
    }

    /// What the longest phrase in `title` stands for.
    pub(super) fn longest(&self, title: &[String], prefer: Prefer) -> Option<&T> {
        let rank = |(at, phrase): &(usize, &Phrase<T>)| {
            let place = match prefer {
                Prefer::First => title.len() - at,
                Prefer::Last => at + phrase.words.len(),
            };
            (phrase.words.len() + usize::from(phrase.at_start), place)
        };
        self.found(title)
            .into_iter()
            .max_by_key(rank)
            .map(|(_, phrase)| &phrase.meaning)
    }

    /// What all phrases in `title` stand for, in their order.
    pub(super) fn all(&self, title: &[String]) -> impl Iterator<Item = &T> {
        self.found(title).into_iter().map(|(_, phrase)| &phrase.meaning)
    }

    fn found<'a>(&'a self, title: &[String]) -> Vec<(usize, &'a Phrase<T>)> {
        let mut found = Vec::new();
        for (at, word) in title.iter().enumerate() {
            let known = self
                .by_first_word
                .get(word)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let fits =
                |phrase: &&Phrase<T>| title[at..].starts_with(&phrase.words) && (at == 0 || !phrase.at_start);
            found.extend(known.iter().filter(fits).map(|phrase| (at, phrase)));
        }
        found
    }
}

/// The rows of a table that is shipped inside the program.
pub(super) fn rows<T: DeserializeOwned>(table: &'static str) -> impl Iterator<Item = T> {
    let reader = csv::Reader::from_reader(table.as_bytes());
    reader
        .into_deserialize()
        .map(|row| row.expect("shipped tables are well formed; a test reads them all"))
}

/// `Teacups and Saucers` → `teacups-and-saucers`: the id of a name.
pub(super) fn slug(name: &str) -> String {
    let parts = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
