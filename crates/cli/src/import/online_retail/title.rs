//! Titles that do not shout.

/// Words that stay small inside a title.
const SMALL: [&str; 16] = [
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "de",
];
/// Words that stay large.
const LARGE: [&str; 12] = [
    "3D", "BBQ", "CD", "DIY", "DVD", "I", "LED", "TV", "UK", "USB", "XL", "XXL",
];

/// `SET/5 RED  RETROSPOT LID GLASS BOWLS` → `Set/5 Red Retrospot Lid Glass Bowls`. A description that is not all capitals keeps its letters.
pub(super) fn tidy(description: &str) -> String {
    let text = description.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | '*'));
    if text.is_empty() {
        return description.to_owned();
    }
    let count = |of: fn(&char) -> bool| text.chars().filter(of).count();
    if count(|c| c.is_uppercase()) <= count(|c| c.is_lowercase()) {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = |i: usize| {
        if i == 0 || i + 1 == words.len() {
            Place::Edge
        } else {
            Place::Middle
        }
    };
    let cased: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(i, word)| cased(word, place(i)))
        .collect();
    cased.join(" ")
}

/// First and last words are never small.
#[derive(PartialEq, Eq)]
enum Place {
    Edge,
    Middle,
}

fn cased(word: &str, place: Place) -> String {
    if LARGE.contains(&word) || is_measure(word) {
        return word.to_owned();
    }
    let small = word.to_lowercase();
    if place == Place::Middle && SMALL.contains(&small.as_str()) {
        return small;
    }
    capitalised(&small)
}

/// `45x45cm`, `NO1`: already as it should be when a digit leads and small letters follow.
fn is_measure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().any(|c| c.is_ascii_lowercase())
}

/// A capital at the start and behind `-`, `/`, `(`, `+` and `&`, not behind an apostrophe.
fn capitalised(small: &str) -> String {
    let mut at_start = true;
    small
        .chars()
        .map(|c| {
            let out = if at_start { c.to_ascii_uppercase() } else { c };
            at_start = matches!(c, '-' | '/' | '(' | '+' | '&' | '"' | ',' | '.') || (at_start && c == '\'');
            out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn capitals_become_title_case() {
        for (shouted, title) in [
            (
                "WHITE HANGING HEART T-LIGHT HOLDER",
                "White Hanging Heart T-Light Holder",
            ),
            (
                "SET/5 RED RETROSPOT LID GLASS BOWLS",
                "Set/5 Red Retrospot Lid Glass Bowls",
            ),
            ("BOX OF 6 MINI 50'S CRACKERS", "Box of 6 Mini 50's Crackers"),
            ("DOORMAT KEEP CALM AND COME IN", "Doormat Keep Calm and Come In"),
            ("I LOVE LONDON MINI BACKPACK", "I Love London Mini Backpack"),
            ("CHILDREN'S APRON DOLLY GIRL", "Children's Apron Dolly Girl"),
            ("POLYESTER FILLER PAD 45x45cm", "Polyester Filler Pad 45x45cm"),
            ("LUNCH BAG BLACK SKULL.", "Lunch Bag Black Skull"),
            ("SKULL DESIGN TV DINNER TRAY", "Skull Design TV Dinner Tray"),
            ("RETRO \"TEA FOR ONE\"", "Retro \"Tea for One\""),
        ] {
            assert_eq!(tidy(shouted), title);
        }
    }

    #[test]
    fn what_does_not_shout_stays() {
        assert_eq!(
            tidy("Dr. Jam's Arouzer Stress Ball"),
            "Dr. Jam's Arouzer Stress Ball"
        );
        assert_eq!(tidy("*Boombox Ipod Classic"), "Boombox Ipod Classic");
        assert_eq!(tidy("?"), "?");
    }
}
