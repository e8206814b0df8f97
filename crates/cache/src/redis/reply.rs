//! Entries of a stream, as `XREAD` and its kin answer them.

use ::redis::Value;

/// An entry: its id, then its fields and values in turn.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) fields: Vec<String>,
}

impl Entry {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let pair = self.fields.chunks_exact(2).find(|pair| pair[0] == name)?;
        Some(&pair[1])
    }
}

/// The entries of the one stream that was asked for; none when waiting brought none, `None` when this is no such
/// answer.
pub(super) fn one_stream(reply: Value) -> Option<Vec<Entry>> {
    let Value::Array(streams) = reply else {
        return (reply == Value::Nil).then(Vec::new);
    };
    let Some(Value::Array(stream)) = streams.into_iter().next() else {
        return None;
    };
    entries(stream.into_iter().nth(1)?)
}

/// A list of entries, as `XRANGE` answers it.
pub(super) fn entries(list: Value) -> Option<Vec<Entry>> {
    array(list)?.into_iter().map(entry).collect()
}

fn entry(entry: Value) -> Option<Entry> {
    let mut parts = array(entry)?.into_iter();
    let id = text(parts.next()?)?;
    let fields = array(parts.next()?)?
        .into_iter()
        .map(text)
        .collect::<Option<_>>()?;
    Some(Entry { id, fields })
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// Bytes that are no UTF-8 are kept readable; whoever takes the field apart refuses them.
fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn entries_are_read_with_their_fields() {
        let entry = Value::Array(vec![
            bulk("1-0"),
            Value::Array(vec![bulk("k"), bulk("a"), bulk("i"), bulk("p")]),
        ]);
        let reply = Value::Array(vec![Value::Array(vec![bulk("feed"), Value::Array(vec![entry])])]);
        let entries = one_stream(reply).unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].id, "1-0");
        assert_eq!(entries[0].field("i"), Some("p"));
        assert_eq!(entries[0].field("p"), None);
    }

    #[test]
    fn waiting_in_vain_is_no_entry_and_nonsense_is_no_answer() {
        assert_eq!(one_stream(Value::Nil), Some(Vec::new()));
        assert_eq!(one_stream(Value::Int(3)), None);
        assert_eq!(one_stream(Value::Array(vec![Value::Int(3)])), None);
    }
}
