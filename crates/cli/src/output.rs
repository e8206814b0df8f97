//! Answers as JSON (the canonical mapping of protobuf) or as tables.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde::Serialize;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(tandem_proto::DESCRIPTORS).expect("the build script wrote a valid descriptor set")
});

/// Prints `message`, of type `tandem.v1.NAME`, as JSON.
///
/// # Errors
/// When stdout is closed.
pub fn print_message(name: &str, message: &impl Message) -> Result<()> {
    print_json(&message_json(name, message)?)
}

/// `message`, of type `tandem.v1.NAME`, as a JSON value; default values are written out, 64-bit numbers as numbers.
///
/// # Errors
/// When no message has that name.
pub fn message_json(name: &str, message: &impl Message) -> Result<serde_json::Value> {
    let descriptor = POOL
        .get_message_by_name(&format!("tandem.v1.{name}"))
        .with_context(|| format!("the API has no message {name}"))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message)?;
    let options = SerializeOptions::new()
        .skip_default_fields(false)
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    Ok(dynamic.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// Prints `value` as indented JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A nameless beginning of the file at `path`, in its folder and readable by whom a file usually is, to be persisted there
/// once it is whole.
///
/// # Errors
/// When the folder cannot be written.
pub fn whole_file(path: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tandem-edges-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// The words behind the prefix of an enum's name: `out of stock` for DROP_REASON_OUT_OF_STOCK behind `DROP_REASON_`.
#[must_use]
pub fn words(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .to_lowercase()
        .replace('_', " ")
}

/// A table with `header`, without frames, as wide as the terminal.
#[must_use]
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(header.iter().copied());
    table
}

/// Prints the fields that say something, one a line.
pub fn fields(fields: &[(&str, String)]) {
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        println!("{name:<14} {value}");
    }
}

/// Says how to go on behind a page; nothing behind the last one.
pub fn more(next_page_token: &str) {
    if !next_page_token.is_empty() {
        println!("more: --page-token {next_page_token}");
    }
}

#[cfg(test)]
mod tests {
    use tandem_proto::v1::DropReason;

    use super::*;

    #[test]
    fn names_of_enums_are_said_in_words() {
        let said = |reason: DropReason| words(reason.as_str_name(), "DROP_REASON_");
        assert_eq!(said(DropReason::OutOfStock), "out of stock");
        assert_eq!(said(DropReason::Delisted), "delisted");
        assert_eq!(words("SOMETHING_ELSE", "DROP_REASON_"), "something else");
    }
}
