//! The demonstration, from the orders that the binary carries to the last stock flip.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use serde_json::{Map, Value};
use tandem_testing::Process;

/// Many times what it takes on a slow machine without optimization.
const PATIENCE: Duration = Duration::from_secs(500);
const FLIPS: u64 = 200;

#[tokio::test]
async fn the_demo_shows_a_companion_that_sells_out_leave_list_and_set() {
    let flips = FLIPS.to_string();
    let args = ["demo", "--once", "--json", "--flips", &flips];
    let binary = env!("CARGO_BIN_EXE_tandem");
    let mut demo = Process::spawn(binary, args, [("RUST_BACKTRACE", "0")]).unwrap();
    let status = demo.wait(PATIENCE).await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", demo.stderr());

    let report: Map<String, Value> = serde_json::from_str(&demo.stdout()).expect("one JSON document");
    has_the_documented_fields(&report);
    loses_the_dropped_companion(&report);
    let latency = |name: &str| number(&report["stock_to_gone_us"], name);
    assert_eq!(latency("n"), FLIPS);
    assert!(0 < latency("p50") && latency("p50") <= latency("p99"));
    assert!(number(&report["import"], "lines") >= 50_000);
    for name in ["anchors", "edges", "peak_rss_bytes"] {
        assert!(number(&report["build"], name) > 0, "{name}");
    }
    let drawn = ["\r", "\u{1b}", "importing", "building", "stock flips"];
    let said = demo.stderr();
    assert!(
        !drawn.iter().any(|mark| said.contains(mark)),
        "a pipe gets no progress: {said:?}"
    );
}

fn has_the_documented_fields(report: &Map<String, Value>) {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut fields: Vec<&str> = report.keys().map(String::as_str).collect();
    fields.sort_unstable();
    let documented = [
        "after",
        "anchor",
        "before",
        "build",
        "bundle_after",
        "bundle_before",
        "dropped",
        "import",
        "stock_to_gone_us",
    ];
    assert_eq!(fields, documented);
    assert_eq!(sorted(names(&report["stock_to_gone_us"])), ["n", "p50", "p99"]);
    assert_eq!(sorted(names(&report["import"])), ["lines", "seconds"]);
    assert_eq!(
        sorted(names(&report["build"])),
        ["anchors", "edges", "peak_rss_bytes", "seconds"]
    );
}

fn loses_the_dropped_companion(report: &Map<String, Value>) {
    let dropped = text(&report["dropped"]);
    let [before, after, bundle_before, bundle_after] =
        ["before", "after", "bundle_before", "bundle_after"].map(|name| ids(&report[name]));
    assert!(
        before.contains(&dropped) && bundle_before.contains(&dropped),
        "{report:?}"
    );
    assert!(
        !after.contains(&dropped) && !bundle_after.contains(&dropped),
        "{report:?}"
    );
    assert_eq!(
        after.len(),
        before.len(),
        "the list is filled up again: {report:?}"
    );
    let anchor = text(&report["anchor"]);
    assert!(
        !before.contains(&anchor) && !after.contains(&anchor),
        "{report:?}"
    );
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap()
}
