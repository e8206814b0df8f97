//! Segment files: what was written is what is read, and a damaged file is refused before anything of it is used.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use proptest::collection::vec;
use proptest::prelude::*;
use tandem_cache::error::CacheError;
use tandem_cache::port::RecordKey;
use tandem_cache::segment::{SegmentWriter, delete_segment, read_segment, segment_store, write_segment};
use tandem_domain::generation::SegmentRef;
use tandem_domain::id::{CategoryId, ProductId};
use tandem_testing::damage::{cases, damaged, damages, within_memory};

type Records = Vec<(RecordKey, Bytes)>;

const PATH: &str = "demo/7.seg";

fn product(id: &str) -> ProductId {
    ProductId::new(id).unwrap()
}

fn few() -> Records {
    vec![
        (RecordKey::Lists(product("85123A")), Bytes::from_static(b"lists")),
        (RecordKey::Evidence(product("85123A")), Bytes::from_static(b"")),
        (
            RecordKey::Bundles(product("外套")),
            Bytes::from_static(b"bundles"),
        ),
        (RecordKey::Bestsellers(None), Bytes::from_static(b"all")),
        (
            RecordKey::Bestsellers(Some(CategoryId::new("bags").unwrap())),
            Bytes::from_static(b"bags"),
        ),
    ]
}

async fn read(store: &dyn ObjectStore, segment: &SegmentRef) -> Result<Records, CacheError> {
    read_segment(store, segment).await?.try_concat().await
}

async fn bytes(store: &dyn ObjectStore) -> Vec<u8> {
    let file = store.get(&Path::from(PATH)).await.unwrap();
    file.bytes().await.unwrap().to_vec()
}

async fn replace(store: &dyn ObjectStore, bytes: Vec<u8>) {
    store.put(&Path::from(PATH), bytes.into()).await.unwrap();
}

fn refusal(outcome: Result<Records, CacheError>) -> String {
    match outcome {
        Err(CacheError::Segment { path, why }) if path == PATH => why,
        other => panic!("{other:?}"),
    }
}

/// A reference that vouches for `bytes`, as if they had been written so.
fn vouch(bytes: &[u8], records: u64) -> SegmentRef {
    SegmentRef {
        id: 7,
        path: PATH.to_owned(),
        checksum: blake3::hash(bytes).to_hex().to_string(),
        bytes: bytes.len() as u64,
        records,
    }
}

#[tokio::test]
async fn a_folder_keeps_segments() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("deep/segments");
    let store = segment_store(location.to_str().unwrap()).unwrap();
    let segment = write_segment(&store, 7, PATH, few()).await.unwrap();
    assert_eq!((segment.id, segment.records), (7, 5));
    assert_eq!(
        std::fs::metadata(location.join(PATH)).unwrap().len(),
        segment.bytes
    );

    let url = format!("file://{}", location.display());
    let again = segment_store(&url).unwrap();
    assert_eq!(read(&again, &segment).await.unwrap(), few());

    delete_segment(&store, &segment).await.unwrap();
    delete_segment(&store, &segment).await.unwrap();
    assert!(refusal(read(&store, &segment).await).contains("not found"));
}

#[test]
fn storage_of_another_kind_is_refused() {
    let refused = segment_store("s3://bucket").unwrap_err();
    assert!(matches!(refused, CacheError::Misconfigured(_)), "{refused:?}");
}

#[tokio::test]
async fn the_file_keeps_its_bytes() {
    let store = InMemory::new();
    let segment = write_segment(&store, 7, PATH, few()).await.unwrap();
    let mut golden = b"TANDEMSG\x01".to_vec();
    golden.extend_from_slice(b"\x01\x0685123A\x05\0\0\0lists");
    golden.extend_from_slice(b"\x02\x0685123A\0\0\0\0");
    golden.extend_from_slice("\x03\x06外套\x07\0\0\0bundles".as_bytes());
    golden.extend_from_slice(b"\x04\0\x03\0\0\0all");
    golden.extend_from_slice(b"\x04\x04bags\x04\0\0\0bags");
    golden.push(0);
    for count in [1_u64, 1, 1, 2] {
        golden.extend_from_slice(&count.to_le_bytes());
    }
    assert_eq!(bytes(&store).await, golden);
    assert_eq!(segment, vouch(&golden, 5));
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = segment_store(folder.path().to_str().unwrap()).unwrap();
    let mut writer = SegmentWriter::create(&store, 7, PATH).await.unwrap();
    let (key, value) = &few()[0];
    writer.put(key, value).await.unwrap();
    drop(writer);
    assert!(store.head(&Path::from(PATH)).await.is_err());
}

#[tokio::test]
async fn an_empty_segment_is_a_segment() {
    let store = InMemory::new();
    let segment = write_segment(&store, 7, PATH, Records::new()).await.unwrap();
    assert_eq!(read(&store, &segment).await.unwrap(), Records::new());
}

#[tokio::test]
async fn a_path_that_leaves_the_root_is_refused() {
    let refused = write_segment(&InMemory::new(), 7, "../7.seg", few())
        .await
        .unwrap_err();
    assert!(matches!(refused, CacheError::Segment { .. }), "{refused:?}");
}

/// Records of up to three windows, many batches: nothing depends on where a window ends.
#[tokio::test]
async fn large_segments_read_back_in_batches() {
    let sizes = [0, 1, 4_000, 70_000, (3 << 20) + 17];
    let records: Records = (0..2_500_usize)
        .map(|at| {
            let size = if at % 500 == 499 {
                sizes[at / 500]
            } else {
                at % 900
            };
            let value = vec![u8::try_from(at % 251).unwrap(); size];
            (RecordKey::Lists(product(&format!("p{at}"))), Bytes::from(value))
        })
        .collect();
    let store = Arc::new(InMemory::new());
    let segment = write_segment(&*store, 7, PATH, records.clone()).await.unwrap();
    let batches: Vec<Records> = read_segment(&*store, &segment)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(batches.iter().all(|batch| (1..=500).contains(&batch.len())));
    assert_eq!(batches.concat(), records);
}

#[tokio::test]
async fn every_flipped_byte_is_noticed_before_anything_is_used() {
    let store = InMemory::new();
    let segment = write_segment(&store, 7, PATH, few()).await.unwrap();
    let whole = bytes(&store).await;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        replace(&store, damaged).await;
        let outcome = read_segment(&store, &segment).await.map(|_| Records::new());
        assert!(refusal(outcome).contains("checksum"), "byte {at}");
    }
}

#[tokio::test]
async fn a_file_cut_short_is_refused() {
    let store = InMemory::new();
    let segment = write_segment(&store, 7, PATH, few()).await.unwrap();
    let whole = bytes(&store).await;
    replace(&store, whole[..whole.len() - 1].to_vec()).await;
    assert!(refusal(read(&store, &segment).await).contains("bytes instead of"));
}

/// A checksum can be right while the file is not what this build writes.
#[tokio::test]
async fn a_file_of_another_shape_is_refused() {
    let store = InMemory::new();
    write_segment(&store, 7, PATH, few()).await.unwrap();
    let whole = bytes(&store).await;
    let with = |at: usize, value: u8| {
        let mut other = whole.clone();
        other[at] = value;
        other
    };
    let footer = whole.len() - 33;
    let cases = [
        (b"nothing at all".to_vec(), "no segment file"),
        (with(8, 2), "format 2"),
        (with(9, 9), "kind 9"),
        (with(10, 0), ""),
        (with(11, 0xff), "utf-8"),
        (with(20, 0xff), "claims"),
        (with(footer + 1, 2), "footer counts"),
        (whole[..footer].to_vec(), "does not end with a footer"),
        ([&whole[..], b"more"].concat(), "behind its footer"),
        ([&whole[..], &whole[footer..]].concat(), "behind its footer"),
        (Vec::new(), "footer"),
    ];
    for (file, why) in cases {
        replace(&store, file.clone()).await;
        let refused = refusal(read(&store, &vouch(&file, 5)).await);
        assert!(refused.contains(why), "{refused:?} instead of {why:?}");
    }
    replace(&store, whole.clone()).await;
    assert!(refusal(read(&store, &vouch(&whole, 6)).await).contains("instead of 6"));
}

fn record() -> impl Strategy<Value = (RecordKey, Bytes)> {
    let id = "[^\\p{Cc}]{1,20}";
    let key = (id, 0..5).prop_map(|(id, kind)| match kind {
        0 => RecordKey::Lists(product(&id)),
        1 => RecordKey::Evidence(product(&id)),
        2 => RecordKey::Bundles(product(&id)),
        3 => RecordKey::Bestsellers(Some(CategoryId::new(id).unwrap())),
        _ => RecordKey::Bestsellers(None),
    });
    (key, vec(any::<u8>(), 0..300)).prop_map(|(key, bytes)| (key, Bytes::from(bytes)))
}

proptest! {
    #[test]
    fn any_records_read_back(records in vec(record(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = InMemory::new();
            let segment = write_segment(&store, 7, PATH, records.clone()).await.unwrap();
            assert_eq!(read(&store, &segment).await.unwrap(), records);
        });
    }

    #[test]
    fn arbitrary_files_never_panic(file in vec(any::<u8>(), 0..200), headed in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let file = if headed { [b"TANDEMSG\x01", &file[..]].concat() } else { file };
        runtime.block_on(async {
            let store = InMemory::new();
            replace(&store, file.clone()).await;
            assert!(read(&store, &vouch(&file, 1)).await.is_err());
        });
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// A checksum that is right proves nothing but that the file was so from the beginning.
    #[test]
    fn files_that_came_to_harm_are_refused_or_read_within_bounds(damages in damages(4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (store, told) = runtime.block_on(async {
            let store = InMemory::new();
            let segment = write_segment(&store, 7, PATH, few()).await.unwrap();
            let file = damaged(&bytes(&store).await, &damages);
            replace(&store, file.clone()).await;
            let told = vouch(&file, segment.records);
            (store, told)
        });
        let found = within_memory(|| runtime.block_on(read(&store, &told)));
        if let Ok(records) = found {
            prop_assert_eq!(records.len() as u64, told.records);
        }
    }
}
