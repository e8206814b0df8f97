//! Titles as words.

/// The words of `title`: small letters, singular, without apostrophes and hyphens (`T-Light` is `tlight`).
pub(super) fn words(title: &str) -> Vec<String> {
    let joined: String = title.chars().filter(|c| !matches!(c, '\'' | '’' | '-')).collect();
    joined
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(singular)
        .collect()
}

/// `cherries` → `cherry`, `boxes` → `box`, `cups` → `cup`. Exact grammar does not matter: table and title go through the same rule.
fn singular(word: &str) -> String {
    let ends = |ending: &str| word.len() > ending.len() + 1 && word.ends_with(ending);
    let keep = |cut: usize| word[..word.len() - cut].to_owned();
    if ends("ies") {
        keep(3) + "y"
    } else if ["ches", "shes", "sses", "xes"].into_iter().any(ends) {
        keep(2)
    } else if ends("s") && word.len() > 3 && !["ss", "us", "is"].into_iter().any(ends) {
        keep(1)
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_small_and_singular() {
        assert_eq!(
            words("Set/6 T-Light Holders, Children's"),
            ["set", "6", "tlight", "holder", "childrens"]
                .map(|w| { if w == "childrens" { "children" } else { w } })
        );
        assert_eq!(
            words("60 Cake Cases & Boxes of Cherries"),
            ["60", "cake", "case", "box", "of", "cherry"]
        );
        assert_eq!(words("Glass Bus Leis"), ["glass", "bus", "leis"]);
    }
}
