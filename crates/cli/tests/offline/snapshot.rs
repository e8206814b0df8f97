//! Buckets on disk: together they are the build, and what is not as it was written is refused.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};

use crate::tandem::{self, stderr};
use crate::{EVENTS, Folder, catalogue, file, history};

const SOURCES: [&str; 4] = ["--products", "products.csv", "--events", "events.csv"];

fn market() -> Folder {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    folder.write("events.csv", file(&history()));
    folder
}

fn take(folder: &Folder, out: &str, shards: usize, more: &[&str]) {
    let shards = shards.to_string();
    let command = ["offline", "snapshot", "--out", out, "--shards", &shards];
    let output = tandem::run(folder.path(), &[&command[..], &SOURCES, more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
}

fn shard(folder: &Folder, snapshot: &str, number: usize, out: &str, more: &[&str]) -> Output {
    let number = number.to_string();
    let command = [
        "offline",
        "shard",
        "--snapshot",
        snapshot,
        "--shard",
        &number,
        "--out",
        out,
    ];
    tandem::run(folder.path(), &[&command[..], more].concat())
}

/// The edges of all shards, one after the other, under one header.
fn joined(folder: &Folder, snapshot: &str, shards: usize, more: &[&str]) -> Vec<u8> {
    let mut all = Vec::new();
    for number in 0..shards {
        let output = shard(folder, snapshot, number, "part.csv", more);
        assert!(output.status.success(), "{}", stderr(&output));
        let part = folder.read("part.csv");
        let header = part.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        all.extend_from_slice(if number == 0 { &part } else { &part[header..] });
    }
    all
}

#[test]
fn the_edges_of_all_shards_are_those_of_a_build() {
    let folder = market();
    let whole = folder.edges("events.csv", "edges.csv", &["--record-out", "epoch.json"]);
    assert!(whole.len() > 10_000);
    for (shards, threads) in [(1, "1"), (4, "2"), (7, "4")] {
        let name = format!("snapshot-{shards}");
        take(&folder, &name, shards, &["--threads", threads]);
        assert!(
            joined(&folder, &name, shards, &["--threads", threads]) == whole,
            "{shards} shards"
        );
        let epoch = std::fs::read(folder.path().join(&name).join("epoch.json")).unwrap();
        let of_build: Value = serde_json::from_slice(&folder.read("epoch.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&epoch).unwrap(), of_build);
    }
}

#[test]
fn a_snapshot_of_some_relations_or_under_a_record_is_as_a_build_of_them() {
    let folder = market();
    let relations = [
        "--relations",
        "complement,also_viewed",
        "--record-out",
        "epoch.json",
    ];
    let whole = folder.edges("events.csv", "edges.csv", &relations);
    let under = ["--relations", "complement,also_viewed", "--params", "epoch.json"];
    take(&folder, "snapshot", 3, &under);
    assert!(joined(&folder, "snapshot", 3, &[]) == whole);
}

#[test]
fn the_order_of_rows_and_the_threads_leave_no_trace_in_a_snapshot() {
    let folder = market();
    take(&folder, "first", 3, &["--threads", "1"]);
    let mut rows = history();
    rows.reverse();
    folder.write("events.csv", file(&rows));
    take(&folder, "second", 3, &["--threads", "4"]);
    let names = [
        "snapshot.json",
        "epoch.json",
        "products.parquet",
        "shard-00000.parquet",
        "shard-00002.parquet",
    ];
    for name in names {
        let read = |of: &str| folder.read(&format!("{of}/{name}"));
        assert!(read("first") == read("second"), "{name}");
    }
}

/// What an operator says of categories: of those of [`catalogue`].
const RULES: &str = r#"{"categories": {"rules": [
    {"anchor": "c0", "companion": "c1", "verdict": "related", "band": {"least": 0.2, "most": 4.0}},
    {"anchor": "c2", "companion": "c3", "verdict": "forbidden"},
    {"shop": "default", "anchor": "c4", "companion": "c5", "verdict": "forbidden"}
]}}"#;

/// The history with a column more: every fifth event came from a list of ours. What came before views are clicks, likes,
/// carts, bounces and impressions by turns.
fn attributed(history: &[String], is_said: bool) -> String {
    let header = EVENTS.trim_end();
    let mut text = format!("{header},attributed\n");
    for (number, row) in history.iter().enumerate() {
        let kinds = ["view", "click", "like", "cart", "bounce", "impression", "search"];
        let row = row.replace(",view,", &format!(",{},", kinds[number % kinds.len()]));
        writeln!(text, "{row},{}", is_said && number % 5 == 0).unwrap();
    }
    text
}

#[test]
fn rules_and_events_from_our_lists_are_in_a_snapshot_as_in_a_build() {
    let folder = market();
    let (history, under) = (history(), ["--params", "rules.json"]);
    folder.write("rules.json", RULES);
    folder.write("events.csv", attributed(&history, false));
    let unsaid = folder.edges("events.csv", "edges.csv", &under);
    folder.write("events.csv", attributed(&history, true));
    let whole = folder.edges("events.csv", "edges.csv", &under);
    assert!(whole != unsaid, "what came from a list counts half");
    assert!(
        whole != folder.edges("events.csv", "edges.csv", &["--no-tune"]),
        "rules decide"
    );
    for (shards, threads) in [(2, "1"), (5, "4")] {
        let name = format!("snapshot-{shards}");
        take(
            &folder,
            &name,
            shards,
            &[&under[..], &["--threads", threads]].concat(),
        );
        assert!(joined(&folder, &name, shards, &[]) == whole, "{shards} shards");
        let epoch: Value = serde_json::from_slice(&folder.read(&format!("{name}/epoch.json"))).unwrap();
        let said: Value = serde_json::from_str(RULES).unwrap();
        let frozen = epoch["params"]["categories"]["rules"].as_array().unwrap();
        let said = said["categories"]["rules"].as_array().unwrap();
        assert_eq!(frozen.len(), said.len());
        assert!(said.iter().all(|rule| frozen.contains(rule)), "{frozen:?}");
    }
}

/// The rows of a Parquet file, as text.
fn rows(folder: &Folder, name: &str) -> String {
    let file = std::fs::File::open(folder.path().join(name)).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().to_string() + "\n").collect()
}

#[test]
fn a_bucket_says_what_counts_half() {
    let folder = Folder::new();
    folder.write("products.csv", crate::PRODUCTS);
    let header = EVENTS.trim_end();
    let event = |number: usize, group: &str, product: &str, kind: &str, from_list: bool| {
        format!("{number},u1,{group},{product},{kind},1,1.00,2024-05-01T10:00:0{number}Z,{from_list}\n")
    };
    let events = [
        event(0, "s1", "a", "view", false),
        event(1, "s1", "b", "click", true),
        event(2, "s1", "c", "like", true),
        event(3, "s1", "c", "bounce", false),
        event(4, "o1", "a", "purchase", false),
        event(5, "o1", "b", "purchase", true),
        event(6, "o1", "c", "impression", true),
    ];
    folder.write("events.csv", format!("{header},attributed\n{}", events.concat()));
    folder.write(
        "rules.json",
        r#"{"categories": {"rules": [{"anchor": "x", "companion": "y", "verdict": "forbidden"}]}}"#,
    );
    take(&folder, "snapshot", 1, &["--params", "rules.json"]);
    insta::assert_snapshot!(rows(&folder, "snapshot/shard-00000.parquet"));
}

/// Puts a snapshot of two shards to harm, and says how shard 1 is refused.
fn refused(harm: impl Fn(&Path)) -> String {
    let folder = Folder::new();
    folder.write("products.csv", crate::PRODUCTS);
    let rows: Vec<String> = (0..6)
        .map(|row| {
            format!(
                "{row},u,o{},{},purchase,1,1,2024-05-01T10:00:00Z",
                row / 2,
                ["a", "b", "c"][row % 3]
            )
        })
        .collect();
    folder.write("events.csv", file(&rows));
    take(&folder, "snapshot", 2, &["--no-tune"]);
    let good = shard(&folder, "snapshot", 1, "good.csv", &[]);
    assert!(good.status.success(), "{}", stderr(&good));
    harm(&folder.path().join("snapshot"));
    let output = shard(&folder, "snapshot", 1, "edges.csv", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(
        folder.names(),
        ["events.csv", "good.csv", "products.csv", "snapshot"]
    );
    stderr(&output)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn change(path: &Path, pointer: &str, value: Value) {
    let mut document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    std::fs::write(path, document.to_string()).unwrap();
}

#[test]
fn what_is_missing_damaged_or_of_another_format_is_told_and_nothing_is_written() {
    type Case = (&'static str, fn(&Path), &'static str);
    let cases: [Case; 11] = [
        (
            "snapshot.json",
            |path| std::fs::remove_file(path).unwrap(),
            "No such file",
        ),
        (
            "snapshot.json",
            |path| change(path, "/format", json!(2)),
            "format 2 is not 1",
        ),
        (
            "snapshot.json",
            |path| change(path, "/shards", json!(7)),
            "invalid type",
        ),
        (
            "snapshot.json",
            |path| change(path, "/shards/1/end", json!(9)),
            "a stretch that is none",
        ),
        (
            "epoch.json",
            |path| std::fs::remove_file(path).unwrap(),
            "No such file",
        ),
        ("epoch.json", |path| flip(path, 40), "checksum"),
        ("products.parquet", |path| flip(path, 40), "checksum"),
        (
            "shard-00001.parquet",
            |path| std::fs::remove_file(path).unwrap(),
            "No such file",
        ),
        ("shard-00001.parquet", |path| flip(path, 40), "checksum"),
        (
            "shard-00001.parquet",
            |path| std::fs::write(path, "PAR1").unwrap(),
            "it has 4 bytes instead of",
        ),
        (
            "shard-00001.parquet",
            |path| assert!(std::fs::copy(path.with_file_name("shard-00000.parquet"), path).is_ok()),
            "damaged",
        ),
    ];
    for (name, harm, said) in cases {
        let told = refused(|snapshot| harm(&snapshot.join(name)));
        assert!(told.contains(said), "{name}: no {said:?} in {told}");
        let file = if said.starts_with("a stretch") {
            "products.parquet"
        } else {
            name
        };
        assert!(told.contains(file), "{told}");
    }
}

#[test]
fn the_other_shards_may_be_missing() {
    let folder = market();
    take(&folder, "snapshot", 4, &["--no-tune"]);
    std::fs::remove_file(folder.path().join("snapshot/shard-00002.parquet")).unwrap();
    assert!(shard(&folder, "snapshot", 1, "edges.csv", &[]).status.success());
}

#[test]
fn a_shard_that_there_is_not_and_a_folder_that_is_taken_are_refused() {
    let folder = market();
    take(&folder, "snapshot", 2, &["--no-tune"]);
    let none = shard(&folder, "snapshot", 2, "edges.csv", &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        stderr(&none).contains("snapshot has 2, counted from 0"),
        "{}",
        stderr(&none)
    );
    let command = [
        "offline",
        "snapshot",
        "--out",
        "snapshot",
        "--shards",
        "2",
        "--no-tune",
    ];
    let again = tandem::run(folder.path(), &[&command[..], &SOURCES].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("there is something already"),
        "{}",
        stderr(&again)
    );
    assert_eq!(folder.names(), ["events.csv", "products.csv", "snapshot"]);
}

#[test]
fn parquet_shards_hold_the_same_rows() {
    let folder = market();
    take(&folder, "snapshot", 2, &["--no-tune"]);
    for number in 0..2 {
        for end in ["csv", "parquet"] {
            let output = shard(&folder, "snapshot", number, &format!("{number}.{end}"), &[]);
            assert!(output.status.success(), "{}", stderr(&output));
        }
        let rows = folder
            .read(&format!("{number}.csv"))
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            - 1;
        let file = std::fs::File::open(folder.path().join(format!("{number}.parquet"))).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(
            reader.metadata().file_metadata().num_rows(),
            i64::try_from(rows).unwrap()
        );
    }
}
