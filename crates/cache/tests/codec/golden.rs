//! The bytes of each record, pinned: a build that moves one needs a new codec version.
//! `UPDATE_GOLDEN=1 cargo test -p tandem-cache --test codec golden` writes the files anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use tandem_cache::codec;
use tandem_cache::port::RecordKey;

use crate::sample;

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(32).fold(String::new(), |mut text, line| {
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text + "\n"
    })
}

fn compare(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/codec-1/{name}.hex"));
    let found = hex(bytes);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found, golden,
        "the bytes of {name} moved; is that a new codec version?"
    );
}

#[test]
fn the_records_of_an_anchor_keep_their_bytes() {
    let records = codec::encode_anchor(&sample::anchor());
    assert_eq!(records.len(), 3);
    for (key, bytes) in records {
        let name = match key {
            RecordKey::Lists(_) => "lists",
            RecordKey::Evidence(_) => "evidence",
            RecordKey::Bundles(_) => "bundles",
            RecordKey::Bestsellers(_) => unreachable!("an anchor has none"),
        };
        compare(name, &bytes);
    }
}

#[test]
fn bestsellers_keep_their_bytes() {
    compare("bestsellers", &codec::encode_bestsellers(&sample::bestsellers()));
}

#[test]
fn a_manifest_keeps_its_bytes() {
    compare("manifest", &codec::encode_manifest(&sample::manifest()));
}

#[test]
fn a_card_keeps_its_bytes() {
    compare("card", &codec::encode_card(&sample::card()));
}

#[test]
fn links_keep_their_bytes() {
    compare("links", &codec::encode_links(&sample::links()));
}

#[test]
fn a_surface_keeps_its_bytes() {
    compare("surface", &codec::encode_surface(&sample::surface()));
}
