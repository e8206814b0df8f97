//! Showing a configuration without its secrets.

use toml::{Table, Value};

const HIDDEN: &str = "***";

/// Endings of keys whose text is a secret.
const SECRET_ENDINGS: [&str; 4] = ["token", "secret", "key", "password"];

pub(super) fn render(values: &Table) -> String {
    let mut shown = values.clone();
    redact(&mut shown);
    toml::to_string_pretty(&shown).expect("a table read from TOML can be written as TOML")
}

fn redact(table: &mut Table) {
    for (key, value) in table.iter_mut() {
        redact_value(key, value);
    }
}

fn redact_value(key: &str, value: &mut Value) {
    match value {
        Value::Table(inner) => redact(inner),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(key, item)),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) if is_secret(key) => HIDDEN.clone_into(text),
        Value::String(text) => *text = without_password(text),
        _ => {}
    }
}

pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_ENDINGS
        .iter()
        .any(|ending| key.ends_with(ending) || key.ends_with(&format!("{ending}s")))
}

/// `scheme://user:password@host` with the password hidden; any other text as it is.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
    let Some((user, _)) = authority
        .rsplit_once('@')
        .and_then(|(user_info, _)| user_info.split_once(':'))
    else {
        return text.to_owned();
    };
    let host = authority.rfind('@').map_or("", |at| &rest[at..]);
    format!("{scheme}://{user}:{HIDDEN}{host}")
}
