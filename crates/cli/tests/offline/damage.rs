//! Files that came to harm, and rows that make no sense: told or taken, never the end of the process or of its memory.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tandem_cli::import::generic::{Row, validate};
use tandem_cli::import::mapping::Mapping;
use tandem_cli::import::source::Progress;
use tandem_cli::import::table::Input;
use tandem_cli::offline::events;
use tandem_cli::offline::products::{self, Keep};
use tandem_cli::offline::snapshot::{self, Snapshot};
use tandem_domain::catalog::ProductInput;
use tandem_domain::event::Event;
use tandem_domain::money::Currency;
use tandem_domain::relation::Relation;
use tandem_domain::stock::StockReport;
use tandem_graph::{EpochRecord, Facts, FactsBuilder, Params, Wanted, build};
use tandem_testing::damage::{cases, damaged, damages, within_memory};

const EVENTS: &str = "event_id,user_id,session_or_order_id,product_id,event_type,quantity,unit_price,ts\n\
    1,u1,o1,a,purchase,1,1.00,2024-05-01T10:00:00Z\n2,u1,o1,b,purchase,2,2.50,2024-05-01T10:00:00Z\n\
    3,u2,s1,a,view,1,,1714557600\n4,u2,s1,c,view,1,,1714557601000\n5,u2,o2,c,purchase,1,3,2024-05-02T10:00:00Z\n\
    6,u2,o2,\"a\",purchase,1,1,2024-05-02T10:00:00Z\n7,u2,o2,a,return,1,1,2024-05-09T10:00:00+02:00\n";
const PRODUCTS: &str = "id,title,category,brand,price,series,quality,tags\n\
    a,Ant,x,Acme,1.00,s,0.5,colour=red|blue;size=s\nb,\"Bee, large\",y,,2.50,,,\nc,,y,Acme,NaN,s,1,\n";

/// Reads both files as a build does, and builds where they can be taken.
fn build_of(folder: &Path, events_name: &str, products_name: &str) -> Option<Facts> {
    let wanted = Wanted::lists(&Relation::ALL, &Params::default());
    let read = |keep| products::read(&folder.join(products_name), keep);
    let (catalogue, bare) = (read(Keep::Attributes), read(Keep::Bare));
    assert_eq!(
        bare.as_ref().err(),
        catalogue.as_ref().err(),
        "what nothing reads is looked at for faults all the same"
    );
    let catalogue = catalogue.ok()?;
    let builder = || Ok(FactsBuilder::of_pages(catalogue.pages.clone()).wanted(wanted.clone()));
    let (builder, _) = events::read(&folder.join(events_name), builder).ok()?;
    let facts = builder.finish();
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    assert_eq!(epoch.check(), Ok(()));
    drop(build(&facts, &epoch, &|_| ()));
    Some(facts)
}

/// The file as every kind of import would take it; what it says is not looked at.
fn import_of(path: &Path, bytes: &[u8]) {
    fn one<T: Row>(path: &Path, bytes: &[u8]) {
        let (mapping, currency) = (Mapping::default(), pounds());
        let _ = validate::<T, _>(Input::Csv(bytes), &mapping, &currency);
        let _ = validate::<T, _>(Input::Jsonl(bytes), &mapping, &currency);
        let file = std::fs::File::open(path).unwrap();
        let parquet = Input::<&[u8]>::Parquet(file, Progress::default());
        let _ = validate::<T, _>(parquet, &mapping, &currency);
    }
    one::<ProductInput>(path, bytes);
    one::<Event>(path, bytes);
    one::<StockReport>(path, bytes);
}

fn pounds() -> Currency {
    Currency {
        code: "GBP".to_owned(),
        exponent: 2,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn parquet_of(columns: Vec<(&str, ArrayRef)>, packing: Compression) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_compression(packing).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Events in Parquet, of every kind of column and packing.
fn events_in_parquet() -> Vec<Vec<u8>> {
    let times = TimestampMillisecondArray::from(vec![1_714_557_600_000; 3]).with_timezone("UTC");
    let columns = || -> Vec<(&str, ArrayRef)> {
        vec![
            ("event_id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            (
                "user_id",
                Arc::new(StringArray::from(vec![Some("u"), None, Some("v")])),
            ),
            (
                "session_or_order_id",
                Arc::new(StringArray::from(vec!["o1", "o1", "o2"])),
            ),
            ("product_id", Arc::new(StringArray::from(vec!["a", "b", "a"]))),
            ("event_type", Arc::new(StringArray::from(vec!["purchase"; 3]))),
            ("quantity", Arc::new(UInt32Array::from(vec![1, 2, 1]))),
            (
                "unit_price",
                Arc::new(Float64Array::from(vec![Some(1.25), None, Some(f64::NAN)])),
            ),
            ("ts", Arc::new(times.clone())),
        ]
    };
    let packings = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
    ];
    packings.map(|packing| parquet_of(columns(), packing)).into()
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn files_of_rows_that_came_to_harm_are_told_or_taken(damages in damages(4), gzipped in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let harm = |text: &str| if gzipped {
            damaged(&gzip(text.as_bytes()), &damages)
        } else {
            damaged(text.as_bytes(), &damages)
        };
        put("events", EVENTS.as_bytes());
        put("products", PRODUCTS.as_bytes());
        let (bad_events, bad_products) = (harm(EVENTS), harm(PRODUCTS));
        put("bad-events", &bad_events);
        put("bad-products", &bad_products);
        within_memory(|| {
            build_of(folder.path(), "bad-events", "products");
            build_of(folder.path(), "events", "bad-products");
            import_of(&folder.path().join("bad-events"), &bad_events);
            import_of(&folder.path().join("bad-products"), &bad_products);
        });
    }

    #[test]
    fn parquet_that_came_to_harm_is_told_or_taken(damages in damages(4), packing in any::<Index>()) {
        static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(events_in_parquet);
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        put("products", PRODUCTS.as_bytes());
        let bad = damaged(&FILES[packing.index(FILES.len())], &damages);
        put("bad", &bad);
        within_memory(|| {
            build_of(folder.path(), "bad", "products");
            build_of(folder.path(), "products", "bad");
            import_of(&folder.path().join("bad"), &bad);
        });
    }
}

/// A snapshot of the rows above, in two shards.
fn snapshot_in(folder: &Path) {
    std::fs::write(folder.join("events"), EVENTS).unwrap();
    std::fs::write(folder.join("products"), PRODUCTS).unwrap();
    let facts = build_of(folder, "events", "products").unwrap();
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    snapshot::write(
        &folder.join("snapshot"),
        &facts,
        &epoch,
        &Relation::ALL,
        2,
        &|_| (),
    )
    .unwrap();
}

/// Vouches for a file as it is now, as if it had been written so.
fn vouch(folder: &Path, name: &str, pointer: &str) {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let path = folder.join("snapshot.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let seal = json!({ "bytes": bytes.len(), "blake3": blake3::hash(&bytes).to_hex().to_string() });
    *manifest.pointer_mut(pointer).unwrap() = seal;
    std::fs::write(path, manifest.to_string()).unwrap();
}

proptest! {
    #![proptest_config(cases(25))]

    #[test]
    fn snapshots_that_came_to_harm_are_refused_or_built(damages in damages(4)) {
        let folder = tempfile::tempdir().unwrap();
        snapshot_in(folder.path());
        let snapshot = folder.path().join("snapshot");
        let files = [
            ("epoch.json", Some("/epoch")),
            ("products.parquet", Some("/products")),
            ("shard-00001.parquet", Some("/shards/1/bucket")),
            ("snapshot.json", None),
        ];
        for (name, seal) in files {
            let manifest = std::fs::read(snapshot.join("snapshot.json")).unwrap();
            let good = std::fs::read(snapshot.join(name)).unwrap();
            std::fs::write(snapshot.join(name), damaged(&good, &damages)).unwrap();
            if let Some(pointer) = seal {
                vouch(&snapshot, name, pointer);
            }
            within_memory(|| {
                let Ok(opened) = Snapshot::open(&snapshot) else { return };
                if let Ok(Some((part, _))) = opened.part(1) {
                    drop(part.edges(opened.epoch()));
                }
            });
            std::fs::write(snapshot.join(name), good).unwrap();
            std::fs::write(snapshot.join("snapshot.json"), manifest).unwrap();
        }
    }
}

/// What stands in fields, sense and nonsense.
fn field() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(
        &[
            "",
            "a",
            "b",
            "nobody knows it",
            "purchase",
            "view",
            "return",
            "cart",
            "like",
            "1",
            "0",
            "-3",
            "2.0",
            "NaN",
            "1e300",
            "-11062.06",
            "99999999999999999999",
            "2024-05-01T10:00:00Z",
            "1999-12-31T23:59:59Z",
            "2099-12-31T23:59:59Z",
            "1714557600",
            "colour=red",
            "=",
            "\u{7f}",
            " ",
            "0.5",
            "\"\"\"\"",
            "\"x\ny\"",
        ][..],
    )
}

/// Rows of a table, each field as likely as any other, but for those that make a row a row.
fn rows(likely: &'static [&'static [&'static str]]) -> impl Strategy<Value = Vec<String>> {
    let of = |likely: &'static [&'static str]| {
        prop_oneof![
            12 => proptest::sample::select(likely),
            1 => field(),
        ]
    };
    let fields: Vec<_> = likely.iter().map(|likely| of(likely)).collect();
    proptest::collection::vec(fields.prop_map(|fields| fields.join(",")), 0..12)
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn rows_that_make_no_sense_are_told_or_counted(
        catalogue in rows(&[&["a", "b", "c", "d"], &["", "Ant", "Café"], &["", "x", "y"], &["", "Acme"], &["", "1", "NaN", "-3", "1e300"]]),
        happened in rows(&[
            &["a", "b", "c", "unknown"],
            &["purchase", "view", "return", "cart"],
            &["", "o1", "o2"],
            &["", "u1", "u2"],
            &["", "1", "3", "0", "NaN"],
            &["", "1", "NaN", "-11062.06", "1e300"],
            &["2024-05-01T10:00:00Z", "1714557600", "2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"],
        ]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, header: &str, rows: &[String]| {
            std::fs::write(folder.path().join(name), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        };
        put("products", "id,title,category,brand,price", &catalogue);
        let header = "product_id,event_type,session_or_order_id,user_id,quantity,unit_price,ts";
        put("events", header, &happened);
        if let Some(facts) = build_of(folder.path(), "events", "products") {
            prop_assert_eq!(facts.stats().events, happened.len() as u64);
        }
    }
}
