//! Strange bytes are refused, with a word why, and never panic.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tandem_cache::codec;
use tandem_cache::error::CacheError;
use tandem_testing::damage::{cases, damaged, damages, within_memory};

use crate::sample;

fn refusals(bytes: &[u8]) -> Vec<String> {
    let anchor = sample::product("a");
    let outcomes = [
        codec::decode_lists(&Bytes::copy_from_slice(bytes)).err(),
        codec::decode_evidence(bytes).err(),
        codec::decode_bundles(bytes).err(),
        codec::decode_bestsellers(bytes).err(),
        codec::decode_manifest(bytes).err(),
        codec::decode_card(&anchor, bytes).err(),
        codec::decode_links(&anchor, bytes).err(),
        codec::decode_surface(bytes).err(),
    ];
    let refused = outcomes.into_iter().flatten();
    refused
        .map(|error| match error {
            CacheError::Unreadable { what, why } => format!("{what}: {why}"),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn samples() -> Vec<Vec<u8>> {
    let anchor = codec::encode_anchor(&sample::anchor())
        .into_iter()
        .map(|(_, bytes)| bytes);
    let others = [
        codec::encode_bestsellers(&sample::bestsellers()),
        codec::encode_manifest(&sample::manifest()),
        codec::encode_card(&sample::card()),
        codec::encode_links(&sample::links()),
        codec::encode_surface(&sample::surface()),
    ];
    anchor.chain(others).map(|bytes| bytes.to_vec()).collect()
}

#[test]
fn every_other_codec_version_is_refused() {
    for version in 0..=u8::MAX {
        for mut bytes in samples() {
            bytes[0] = version;
            let refused = refusals(&bytes).len();
            assert_eq!(refused == 8, version != codec::CODEC, "version {version}");
        }
    }
}

#[test]
fn nothing_at_all_is_refused() {
    assert_eq!(refusals(&[]).len(), 8);
}

#[test]
fn a_companion_outside_the_table_is_refused() {
    // lists: relation 1, companion [5], score [0.0]
    let bytes = Bytes::from_static(&[1, 0x12, 0x0b, 0x08, 1, 0x12, 1, 5, 0x1a, 4, 0, 0, 0, 0]);
    let refused = codec::decode_lists(&bytes).unwrap_err().to_string();
    assert!(refused.contains("not in its table"), "{refused}");
}

#[test]
fn a_companion_that_is_no_text_is_refused() {
    // companions [0xff]
    let bytes = Bytes::from_static(&[1, 0x0a, 1, 0xff]);
    let refused = codec::decode_lists(&bytes).unwrap_err().to_string();
    assert!(refused.contains("utf-8"), "{refused}");
}

#[test]
fn a_relation_of_a_later_build_is_left_out() {
    // companions ["a"], lists: relation 99, companion [0], score [0.0]
    let bytes = Bytes::from_static(&[
        1, 0x0a, 1, b'a', 0x12, 0x0b, 0x08, 99, 0x12, 1, 0, 0x1a, 4, 0, 0, 0, 0,
    ]);
    assert_eq!(codec::decode_lists(&bytes).unwrap().relations().count(), 0);
}

#[test]
fn a_score_that_is_no_number_is_refused() {
    let bytes = codec::encode_bestsellers(&[(sample::product("a"), f32::NAN)]);
    assert!(codec::decode_bestsellers(&bytes).is_err());
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn records_that_came_to_harm_are_refused_or_read_within_bounds(damages in damages(4)) {
        within_memory(|| {
            for bytes in samples() {
                refusals(&damaged(&bytes, &damages));
            }
        });
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..200), framed in any::<bool>()) {
        if framed {
            bytes.insert(0, codec::CODEC);
        }
        refusals(&bytes);
    }

    #[test]
    fn damaged_records_never_panic(at in any::<proptest::sample::Index>(), value in any::<u8>(), cut in any::<proptest::sample::Index>()) {
        for mut bytes in samples() {
            let position = at.index(bytes.len());
            bytes[position] = value;
            refusals(&bytes);
            refusals(&bytes[..cut.index(bytes.len())]);
        }
    }
}
