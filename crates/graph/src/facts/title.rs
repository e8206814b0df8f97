//! The words of titles, which stand in for tags where those are missing.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

/// The most words that a title is read for; what comes behind is for search engines.
const MOST_WORDS: usize = 24;

/// The dictionary takes a moment and some memory: only who meets Chinese loads it.
static CHINESE: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// The words of every title, in small letters: of Chinese by dictionary, of any other script by the rules of Unicode.
/// Numbers stay: sizes and models are what like products share.
pub(super) fn words(titles: &[Option<&str>]) -> Vec<Vec<String>> {
    titles
        .par_iter()
        .map(|title| title.map_or(Vec::new(), of))
        .collect()
}

fn of(title: &str) -> Vec<String> {
    let lower = title.to_lowercase();
    if lower.chars().any(is_ideograph) {
        let cut = CHINESE.cut(&lower, true);
        kept(cut.into_iter().map(|token| token.word))
    } else {
        kept(lower.unicode_words())
    }
}

fn kept<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(str::to_owned)
        .collect()
}

/// Of the blocks of Unicode that Chinese is written in.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_by_script() {
        let told = words(&[
            Some("Travel Mug, 350 ml — Café"),
            Some("男士纯棉T恤 短袖"),
            None,
            Some(" -- "),
        ]);
        assert_eq!(told[0], ["travel", "mug", "350", "ml", "café"]);
        assert!(
            told[1].contains(&"纯棉".to_owned()) && told[1].contains(&"短袖".to_owned()),
            "{told:?}"
        );
        assert!(told[2].is_empty() && told[3].is_empty());
    }

    #[test]
    fn a_title_without_end_is_cut() {
        let long = "mug ".repeat(100_000);
        assert_eq!(words(&[Some(&long)])[0].len(), MOST_WORDS);
    }
}
