//! Files in, files out: the same bytes whatever the threads, the order of the rows or the kind of file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "offline/damage.rs"]
mod damage;
#[path = "offline/snapshot.rs"]
mod snapshot;
#[path = "support/tandem.rs"]
mod tandem;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use tandem::stderr;

const EVENTS: &str = "event_id,user_id,session_or_order_id,product_id,event_type,quantity,unit_price,ts\n";
const PRODUCTS: &str = "id,title,category,brand,price\na,Ant,x,,1.00\nb,Bee,y,,2.00\nc,Cat,y,,3.00\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    fn write_parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = std::fs::File::create(self.path().join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    fn build(&self, events: &str, out: &str, more: &[&str]) -> Output {
        let base = [
            "offline",
            "build",
            "--products",
            "products.csv",
            "--events",
            events,
            "--out",
            out,
        ];
        tandem::run(self.path(), &[&base[..], more].concat())
    }

    /// Builds, which must succeed, and reads what was written.
    fn edges(&self, events: &str, out: &str, more: &[&str]) -> Vec<u8> {
        let output = self.build(events, out, more);
        assert!(output.status.success(), "{}", stderr(&output));
        self.read(out)
    }

    fn report(&self, events: &str) -> Value {
        let files = [
            "--products",
            "products.csv",
            "--events",
            events,
            "--out",
            "edges.csv",
        ];
        tandem::json(
            self.path(),
            &[&["offline", "build", "--no-tune"], &files[..]].concat(),
        )
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Numbers without rhyme that are the same every time.
fn scramble(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 17
}

/// A history of several pages: orders, sessions, returns, unknown products.
fn history() -> Vec<String> {
    (0..30_000)
        .map(|row| {
            let (order, luck) = (row / 6, scramble(row));
            let kind = match luck % 40 {
                0 => "return",
                1..=12 => "view",
                _ => "purchase",
            };
            let product = scramble(order * 7 + luck % 5) % 300;
            let (day, second) = (1 + order % 28, order % 60);
            format!(
                "{row},u{},o{order},p{product},{kind},{}.0,{}.25,2024-05-{day:02}T10:00:{second:02}Z",
                order % 500,
                1 + luck % 3,
                product % 50,
            )
        })
        .collect()
}

fn catalogue() -> String {
    (0..280).fold("id,title,category,brand,price\n".to_owned(), |mut text, n| {
        writeln!(
            text,
            "p{n},\"Product, no. {n}\",c{},b{},{}.5",
            n % 9,
            n % 4,
            1 + n % 50
        )
        .unwrap();
        text
    })
}

fn file(rows: &[String]) -> String {
    format!("{EVENTS}{}\n", rows.join("\n"))
}

#[test]
fn a_small_history_becomes_edges() {
    let folder = Folder::new();
    folder.write("products.csv", PRODUCTS);
    let order = |n: u32| {
        format!(
            "{n}1,u,o{n},a,purchase,1,1,2024-05-01T10:00:00Z\n{n}2,u,o{n},b,purchase,1,2,2024-05-01T10:00:00Z\n"
        )
    };
    let rows: String = (1..4).map(order).collect();
    folder.write(
        "events.csv",
        format!("{EVENTS}{rows}43,v,o9,c,purchase,1,3,2024-05-02T10:00:00Z\n"),
    );
    let edges = folder.edges(
        "events.csv",
        "edges.csv",
        &["--relations", "together", "--no-tune"],
    );
    let edges = String::from_utf8(edges).unwrap();
    let lines: Vec<&str> = edges.lines().collect();
    assert_eq!(
        lines[0],
        "anchor,companion,relation,rank,score,basket_score,support,lift,llr,source,generation"
    );
    assert_eq!(lines.len(), 3, "{edges}");
    assert!(
        lines[1].starts_with("a,b,together,1,") && lines[1].ends_with(",learned,0"),
        "{edges}"
    );
    assert!(lines[2].starts_with("b,a,together,1,"), "{edges}");
    assert_eq!(folder.names(), ["edges.csv", "events.csv", "products.csv"]);
}

#[test]
fn threads_and_the_order_of_rows_leave_no_trace() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    let mut rows = history();
    folder.write("events.csv", file(&rows));
    rows.sort_by_key(|row| scramble(row.split(',').next().unwrap().parse().unwrap()));
    folder.write("shuffled.csv", file(&rows));
    for end in ["csv", "parquet"] {
        let out = format!("edges.{end}");
        let one = folder.edges("events.csv", &out, &["--threads", "1"]);
        assert!(one.len() > 10_000);
        for threads in ["2", "4"] {
            assert!(
                folder.edges("events.csv", &out, &["--threads", threads]) == one,
                "{threads} {end}"
            );
        }
        assert!(
            folder.edges("shuffled.csv", &out, &["--threads", "2"]) == one,
            "{end}"
        );
    }
}

#[test]
fn a_relation_asked_for_alone_is_as_it_is_among_all() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    folder.write("events.csv", file(&history()));
    let all = String::from_utf8(folder.edges("events.csv", "all.csv", &[])).unwrap();
    for relation in [
        "together",
        "also_viewed",
        "complement",
        "substitute",
        "upsell",
        "series",
    ] {
        let own = folder.edges("events.csv", "own.csv", &["--relations", relation]);
        let own = String::from_utf8(own).unwrap();
        let among: Vec<&str> = all
            .lines()
            .filter(|line| line.contains(&format!(",{relation},")))
            .collect();
        assert!(!among.is_empty(), "{relation}");
        assert!(own.lines().skip(1).eq(among.iter().copied()), "{relation}");
    }
}

#[test]
fn frozen_parameters_come_back_as_they_were_written() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    folder.write("events.csv", file(&history()));
    let chosen = folder.edges("events.csv", "a.csv", &["--params-out", "params.json"]);
    assert!(folder.edges("events.csv", "b.csv", &["--params", "params.json"]) == chosen);
    folder.write("params.json", r#"{"togehter": {}}"#);
    let refused = folder.build("events.csv", "c.csv", &["--params", "params.json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("params.json") && stderr(&refused).contains("togehter"));
}

#[test]
fn a_build_under_the_record_of_another_makes_its_bytes_again() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    folder.write("events.csv", file(&history()));
    let record = ["--record-out", "epoch.json", "--params-out", "params.json"];
    let first = folder.edges("events.csv", "a.csv", &record);
    let under = ["--params", "epoch.json", "--record-out", "again.json"];
    assert!(folder.edges("events.csv", "b.csv", &under) == first);
    assert!(folder.read("again.json") == folder.read("epoch.json"));

    // The half of the history under the frozen statistics of all of it: not what the half's own would make.
    folder.write("half.csv", file(&history()[..15_000]));
    let frozen = folder.edges("half.csv", "c.csv", &["--params", "epoch.json"]);
    assert!(frozen != folder.edges("half.csv", "d.csv", &["--params", "params.json"]));
    assert!(frozen == folder.edges("half.csv", "e.csv", &["--params", "epoch.json", "--threads", "1"]));
}

#[test]
fn a_record_that_no_build_could_have_written_is_refused_by_its_field() {
    let folder = Folder::new();
    folder.write("products.csv", PRODUCTS);
    folder.write(
        "events.csv",
        "product_id,event_type,session_or_order_id\na,purchase,1\nb,purchase,1\n",
    );
    folder.edges(
        "events.csv",
        "a.csv",
        &["--no-tune", "--record-out", "epoch.json"],
    );
    let good: Value = serde_json::from_slice(&folder.read("epoch.json")).unwrap();
    for (pointer, value, said) in [
        (
            "/purchases/counts/0",
            serde_json::json!(99),
            "purchases.counts: 99 is more than 1",
        ),
        (
            "/recent",
            serde_json::json!([]),
            "recent: it has 0 rows instead of 3",
        ),
        (
            "/params/together/beta",
            serde_json::json!(-1),
            "params.together.beta: -1 is not between 0 and 4",
        ),
        ("/windows/view_cap", serde_json::json!("x"), "invalid type"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        folder.write("bad.json", bad.to_string());
        let refused = folder.build("events.csv", "b.csv", &["--params", "bad.json"]);
        assert_eq!(refused.status.code(), Some(1), "{pointer}");
        let told = stderr(&refused);
        assert!(
            told.contains("bad.json") && told.contains(said),
            "no {said:?} in {told}"
        );
        assert!(!folder.path().join("b.csv").exists());
    }
}

#[test]
fn what_makes_no_sense_is_counted() {
    let folder = Folder::new();
    folder.write(
        "products.csv",
        "id,title,price\na,,-3\nb,Bee,NaN\nb,Bee again,1\n",
    );
    let rows = "9,u,o1,a,purchase,1,NaN,2024-05-09T10:00:00Z\n\
        2,u,o1,b,purchase,1,-11062.06,2024-05-01T10:00:00Z\n\
        2,u,o1,b,purchase,1,-11062.06,2024-05-01T10:00:00Z\n\
        3,u,o1,new,purchase,1,1e300,2024-04-01T10:00:00Z\n\
        4,u,o2,b,return,0,1,2024-05-03T10:00:00Z\n";
    folder.write("events.csv", format!("{EVENTS}{rows}"));
    let report = folder.report("events.csv");
    assert_eq!(report["repeated_events"], 1, "{report}");
    let facts = &report["facts"];
    assert_eq!(facts["events"], 4, "{report}");
    assert_eq!(facts["absurd_rows"], 1, "{report}");
    // Two of the catalogue, three of the events.
    assert_eq!(facts["absurd_prices"], 5, "{report}");
    assert_eq!(facts["unknown_products"], 1, "{report}");
    assert_eq!(facts["duplicate_products"], 1, "{report}");
}

#[test]
fn bad_rows_are_told_by_line_and_column_and_nothing_is_written() {
    let good = "1,u,o1,a,purchase,1,1,2024-05-01T10:00:00Z\n";
    for (row, said) in [
        (
            "2,u,o1,,purchase,1,1,2024-05-01T10:00:00Z",
            ", column product_id: a value is required",
        ),
        (
            "2,u,o1,b,bought,1,1,2024-05-01T10:00:00Z",
            ", column event_type: \"bought\" is no event type",
        ),
        (
            "2,u,o1,b,purchase,-2,1,2024-05-01T10:00:00Z",
            ", column quantity: \"-2\" is no whole number",
        ),
        (
            "2,u,o1,b,purchase,1,cheap,2024-05-01T10:00:00Z",
            ", column unit_price: \"cheap\"",
        ),
        (
            "2,u,o1,b,purchase,1,1,yesterday",
            ", column ts: \"yesterday\" is no time",
        ),
        ("2,u,o1,b,purchase,1,1,1924-05-01T10:00:00Z", ", column ts:"),
        (
            "2,u,o1,b,purchase,1,1",
            ": the row has 7 fields where the header has 8",
        ),
    ] {
        let folder = Folder::new();
        folder.write("products.csv", PRODUCTS);
        // A line break inside quotes: the file's lines are counted, not its rows.
        let quoted = "0,\"u\nu\",o1,a,purchase,1,1,2024-05-01T10:00:00Z\n";
        for (rows, line) in [(format!("{good}{row}\n"), 3), (format!("{quoted}{row}\n"), 4)] {
            folder.write("events.csv", format!("{EVENTS}{rows}"));
            let refused = folder.build("events.csv", "edges.csv", &[]);
            assert_eq!(refused.status.code(), Some(1), "{row}");
            let said = format!("line {line}{said}");
            assert!(
                stderr(&refused).contains(&said),
                "no {said:?} in {}",
                stderr(&refused)
            );
            assert!(stderr(&refused).contains("events.csv: nothing was written"));
            assert_eq!(folder.names(), ["events.csv", "products.csv"]);
        }
    }
}

#[test]
fn faults_on_any_page_are_told_the_same_whatever_the_threads() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    let bad = |line: usize| line.is_multiple_of(700);
    let row = |(at, row): (usize, String)| if bad(at + 2) { format!("{at}") } else { row };
    let many = || history().into_iter().enumerate().map(row).collect();
    let mut one = history();
    one[25_000] = "x,,,,,,,".into();
    let mut torn = history();
    torn.push(format!("\"{}", "y".repeat(1 << 21)));
    let cases: [(Vec<String>, &str, &str); 3] = [
        (
            one,
            "line 25002, column event_type: a value is required",
            "is required\n",
        ),
        (
            torn,
            "line 30002: the row is longer than 1048576 bytes",
            "does this\n",
        ),
        (
            many(),
            "line 700: the row has 1 field",
            "\nstopped after 20 errors; there may be more\n",
        ),
    ];
    for (rows, first, last) in cases {
        folder.write("events.csv", EVENTS.to_owned() + &rows.join("\n"));
        let told = |threads: &str| {
            let refused = folder.build("events.csv", "edges.csv", &["--threads", threads]);
            assert_eq!(refused.status.code(), Some(1), "{first}");
            stderr(&refused)
        };
        let said = told("1");
        assert!(said.contains(first) && said.contains(last), "{said}");
        assert!(said.lines().count() <= 22, "{said}");
        for threads in ["2", "4"] {
            assert_eq!(told(threads), said, "{threads} threads");
        }
        assert_eq!(folder.names(), ["events.csv", "products.csv"]);
    }
}

#[test]
fn attributes_that_nothing_reads_are_looked_at_for_faults() {
    let folder = Folder::new();
    folder.write("events.csv", EVENTS);
    for (row, column) in [
        ("a,Ant,x\u{1},Acme,1,s,0.5,colour=red", "category"),
        ("a,Ant,x,Acme,cheap,s,0.5,colour=red", "price"),
        ("a,Ant,x,Acme,1,s\u{1},0.5,colour=red", "series"),
        ("a,Ant,x,Acme,1,s,1.5,colour=red", "quality"),
        ("a,Ant,x,Acme,1,s,0.5,red", "tags"),
    ] {
        let header = "id,title,category,brand,price,series,quality,tags";
        folder.write("products.csv", format!("{header}\n{row}\n"));
        let told = |relation: &str| {
            let refused = folder.build("events.csv", "edges.csv", &["--relations", relation]);
            assert_eq!(refused.status.code(), Some(1), "{row:?}");
            stderr(&refused)
        };
        let said = told("together");
        assert!(said.contains(&format!("line 2, column {column}: ")), "{said}");
        assert_eq!(told("complement"), said);
    }
}

#[test]
fn a_file_that_is_no_utf8_lacks_a_column_or_is_empty_is_refused() {
    let folder = Folder::new();
    folder.write("products.csv", PRODUCTS);
    let cases: [(&[u8], &str); 4] = [
        (
            b"product_id,event_type\na\xff,view\n",
            "line 2, column product_id: byte 1 is not UTF-8",
        ),
        (
            b"event_type,ts\n",
            "column product_id: the column is missing; the header has event_type,ts",
        ),
        (b"product_id,event_type,product_id\n", "the column appears twice"),
        (b"", "the file is empty"),
    ];
    for (content, said) in cases {
        folder.write("events.csv", content);
        let refused = folder.build("events.csv", "edges.csv", &[]);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(
            stderr(&refused).contains(said),
            "no {said:?} in {}",
            stderr(&refused)
        );
    }
}

#[test]
fn the_fewest_columns_and_no_rows_at_all_are_enough() {
    let folder = Folder::new();
    folder.write("products.csv", "id\n");
    folder.write(
        "events.csv",
        "\u{feff}product_id,event_type,session_or_order_id,mood\r\na,purchase,1,good\r\nb,purchase,1,\r\n",
    );
    let output = folder.build("events.csv", "edges.csv", &["--no-tune"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("events.csv: nothing reads mood"));
    folder.write("events.csv", "product_id,event_type\n");
    assert_eq!(
        folder
            .edges("events.csv", "edges.csv", &["--no-tune"])
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        1
    );
}

#[test]
fn what_came_from_a_list_of_ours_counts_half() {
    let folder = Folder::new();
    folder.write("products.csv", PRODUCTS);
    let (mut rows, mut columns) = (String::new(), (Vec::new(), Vec::new(), Vec::new()));
    for order in 0..4 {
        for (product, attributed) in [("a", false), ("b", true), ("c", false)] {
            writeln!(rows, "{order},{product},purchase,{attributed}").unwrap();
            columns.0.push(order.to_string());
            columns.1.push(product);
            columns.2.push(attributed);
        }
    }
    const HEADER: &str = "session_or_order_id,product_id,event_type";
    folder.write("events.csv", format!("{HEADER},attributed\n{rows}"));
    let kinds = columns.1.iter().map(|_| "purchase");
    folder.write_parquet(
        "events.parquet",
        vec![
            ("session_or_order_id", Arc::new(StringArray::from(columns.0))),
            ("event_type", Arc::new(StringArray::from_iter_values(kinds))),
            ("product_id", Arc::new(StringArray::from(columns.1))),
            ("attributed", Arc::new(BooleanArray::from(columns.2))),
        ],
    );
    let more = ["--no-tune", "--relations", "together"];
    let halved = folder.edges("events.csv", "a.csv", &more);
    assert!(folder.edges("events.parquet", "b.csv", &more) == halved);
    let first_of_a = |edges: &[u8]| {
        let edges = String::from_utf8(edges.to_vec()).unwrap();
        edges.lines().nth(1).unwrap()[..4].to_owned()
    };
    assert_eq!(first_of_a(&halved), "a,c,", "level but for what came from us");
    // Without the column nothing came from us, and the ids decide.
    let plain: String = rows.replace(",true", "").replace(",false", "");
    folder.write("events.csv", format!("{HEADER}\n{plain}"));
    assert_eq!(first_of_a(&folder.edges("events.csv", "c.csv", &more)), "a,b,");
    folder.write("events.csv", format!("{HEADER},attributed\n1,a,purchase,maybe\n"));
    let refused = folder.build("events.csv", "d.csv", &more);
    assert!(stderr(&refused).contains("line 2, column attributed: \"maybe\" is neither true nor false"));
}

#[test]
fn a_short_look_counts_less() {
    let folder = Folder::new();
    folder.write("products.csv", PRODUCTS);
    let mut rows = String::new();
    for session in 0..4 {
        for (step, (product, dwell_ms)) in (0..).zip([("b", "2999"), ("a", ""), ("c", "10000.0")]) {
            writeln!(
                rows,
                "{session},{product},view,{},{dwell_ms}",
                1_700_000_000 + step
            )
            .unwrap();
        }
        // The other way round in as many sessions, so that only the length of looks tells b from c.
        for (step, (product, dwell_ms)) in (0..).zip([("c", "10000.0"), ("a", ""), ("b", "2999")]) {
            writeln!(
                rows,
                "r{session},{product},view,{},{dwell_ms}",
                1_700_000_000 + step
            )
            .unwrap();
        }
    }
    const HEADER: &str = "session_or_order_id,product_id,event_type,ts";
    let more = ["--no-tune", "--relations", "also_viewed"];
    let scores = |edges: Vec<u8>| -> Vec<(String, f64)> {
        let edges = String::from_utf8(edges).unwrap();
        let of_a = edges.lines().filter(|row| row.starts_with("a,"));
        of_a.map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            (fields[1].to_owned(), fields[4].parse().unwrap())
        })
        .collect()
    };
    folder.write("events.csv", format!("{HEADER},dwell_ms\n{rows}"));
    let short = scores(folder.edges("events.csv", "a.csv", &more));
    let names: Vec<&str> = short.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["c", "b"], "level but for how long they were looked at");
    assert!(short[1].1 < 0.5 * short[0].1, "{short:?}");
    // Without the column nobody measured, and the ids decide.
    let plain: String = rows
        .replace(",2999", "")
        .replace(",10000.0", "")
        .replace(",\n", "\n");
    folder.write("events.csv", format!("{HEADER}\n{plain}"));
    let whole = scores(folder.edges("events.csv", "b.csv", &more));
    assert_eq!(whole[0].0, "b");
    assert!((whole[0].1 - whole[1].1).abs() < 1e-9, "{whole:?}");
    folder.write(
        "events.csv",
        format!("{HEADER},dwell_ms\n1,a,view,1700000000,-5\n"),
    );
    let refused = folder.build("events.csv", "d.csv", &more);
    assert!(stderr(&refused).contains(
        "line 2, column dwell_ms: \"-5\" is no number of milliseconds from 0 to a day; leave it empty where nobody measured"
    ));
}

#[test]
fn parquet_reads_as_csv_does() {
    let folder = Folder::new();
    folder.write("products.csv", catalogue());
    let rows = history();
    folder.write("events.csv", file(&rows));
    let split: Vec<Vec<&str>> = rows.iter().map(|row| row.split(',').collect()).collect();
    let texts =
        |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(split.iter().map(|row| row[at]))) };
    let floats = |at: usize| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(
            split.iter().map(|row| row[at].parse().unwrap()),
        ))
    };
    let ids = Int64Array::from_iter_values(split.iter().map(|row| row[0].parse().unwrap()));
    let ms = |row: &Vec<&str>| row[7].parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let times = TimestampMillisecondArray::from_iter_values(split.iter().map(ms)).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ts", Arc::new(times)),
        ("event_id", Arc::new(ids)),
        ("user_id", texts(1)),
        ("session_or_order_id", texts(2)),
        ("product_id", texts(3)),
        ("event_type", texts(4)),
        ("quantity", floats(5)),
        ("unit_price", floats(6)),
    ];
    folder.write_parquet("events.parquet", columns);
    let from_csv = folder.edges("events.csv", "a.csv", &["--threads", "2"]);
    assert!(folder.edges("events.parquet", "b.csv", &["--threads", "2"]) == from_csv);
}
