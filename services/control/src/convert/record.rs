//! Epoch records for people: a record's columns have a value per product and would not fit into an answer.

use serde_json::{Value, json};

/// Longer arrays are columns.
const MAX_ITEMS: usize = 64;

/// Longer texts are packed columns.
const MAX_TEXT_BYTES: usize = 1_024;

/// The record with its columns replaced by their lengths.
pub(crate) fn outline(record: Value) -> Value {
    match record {
        Value::Array(items) if items.len() > MAX_ITEMS => json!({ "items": items.len() }),
        Value::Array(items) => items.into_iter().map(outline).collect(),
        Value::String(text) if text.len() > MAX_TEXT_BYTES => json!({ "bytes": text.len() }),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, outline(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_their_length_and_the_rest_stays() {
        let record = json!({
            "params": { "alpha": 0.7, "ridge": { "votes": "A".repeat(2_000) } },
            "prices": vec![1; 5_000],
            "tuning": { "findings": [{ "verdict": "taken" }] },
        });
        let outlined = json!({
            "params": { "alpha": 0.7, "ridge": { "votes": { "bytes": 2_000 } } },
            "prices": { "items": 5_000 },
            "tuning": { "findings": [{ "verdict": "taken" }] },
        });
        assert_eq!(outline(record), outlined);
    }
}
