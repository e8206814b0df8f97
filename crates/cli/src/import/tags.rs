//! Attribute tags: `colour=red|blue;material=oak`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::{Problem, quoted};

/// Tags by kind.
pub type Tags = BTreeMap<String, Vec<String>>;

/// Reads `kind=value|value;kind=value`; a kind that comes twice keeps the values of both.
///
/// # Errors
/// [`Problem::NotTags`] where a kind or value is empty or the `=` is missing.
pub fn from_text(text: &str) -> Result<Tags, Problem> {
    let mut tags = Tags::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (kind, values) = part
            .split_once('=')
            .ok_or_else(|| Problem::NotTags(quoted(text)))?;
        for value in values.split('|') {
            add(&mut tags, kind, value).ok_or_else(|| Problem::NotTags(quoted(text)))?;
        }
    }
    Ok(tags)
}

/// Reads `{"colour": ["red", "blue"], "material": "oak"}`.
///
/// # Errors
/// [`Problem::NotTags`] for values that are neither text nor lists of text.
pub fn from_object(raw: &str) -> Result<Tags, Problem> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Values {
        One(String),
        Many(Vec<String>),
    }
    let refused = || Problem::NotTags(quoted(raw));
    let object: BTreeMap<String, Values> = serde_json::from_str(raw).map_err(|_| refused())?;
    let mut tags = Tags::new();
    for (kind, values) in object {
        let values = match values {
            Values::One(value) => vec![value],
            Values::Many(values) => values,
        };
        for value in values {
            add(&mut tags, &kind, &value).ok_or_else(refused)?;
        }
    }
    Ok(tags)
}

fn add(tags: &mut Tags, kind: &str, value: &str) -> Option<()> {
    let (kind, value) = (kind.trim(), value.trim());
    if kind.is_empty() || value.is_empty() {
        return None;
    }
    let values = tags.entry(kind.to_owned()).or_default();
    if !values.iter().any(|known| known == value) {
        values.push(value.to_owned());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_say_the_same() {
        let text = from_text("colour=red|blue; material=oak;").unwrap();
        assert_eq!(text["colour"], ["red", "blue"]);
        assert_eq!(
            from_object(r#"{"colour":["red","blue"],"material":"oak"}"#),
            Ok(text)
        );
    }

    #[test]
    fn halves_of_tags_are_refused() {
        for text in ["red", "=red", "colour=", "colour=red||blue"] {
            assert!(from_text(text).is_err(), "{text}");
        }
        assert!(from_object(r#"{"colour":[1]}"#).is_err());
    }
}
