//! From an event to the edge that it changes, in the production shape as it is configured.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::figures::{Bar, Figures};
use super::shape::Shape;
use super::{number, text};

/// Orders that are placed one after the other, each once the one before shows in the graph.
const ORDERS: usize = 5;
/// What an edge may take.
const MOST_SECONDS: f64 = 300.0;
/// How often the graph on serve is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A moment of the last day that the imported orders know: a later one would age them all.
const TIME: &str = "2011-12-09T12:00:00Z";

/// Places orders of a product and its best companion, and waits for each until the support of that edge has risen.
pub(super) fn measure(shape: &Shape, figures: &mut Figures, anchor: &str) -> Result<()> {
    eprintln!("▸ event to changed edge");
    let folder = tempfile::tempdir()?;
    let companion = text(&edge(shape, anchor, None)?, "product_id")?;
    let mut seconds = Vec::new();
    let mut last = json!({});
    for order in 0..ORDERS {
        let before = support(&edge(shape, anchor, Some(&companion))?)?;
        let path = folder.path().join(format!("{order}.jsonl"));
        let mut file = std::fs::File::create(&path)?;
        for product in [anchor, &companion] {
            let line = json!({
                "event_id": format!("measured-{order}-{product}"),
                "session_or_order_id": format!("measured-{order}"),
                "product_id": product,
                "event_type": "purchase",
                "quantity": 1,
                "ts": TIME,
            });
            writeln!(file, "{line}")?;
        }
        let path = path.to_str().context("the path is no UTF-8")?;
        shape.tandem(&["import", "events", "--json", path])?;
        let stored = Instant::now();
        while support(&edge(shape, anchor, Some(&companion))?)? <= before {
            if stored.elapsed().as_secs_f64() > 2.0 * MOST_SECONDS {
                bail!("order {order} does not show in the graph");
            }
            std::thread::sleep(LOOK_EVERY);
        }
        seconds.push(stored.elapsed().as_secs_f64());
        last = shape.tandem(&["generations", "show", "--json"])?;
    }
    seconds.sort_by(f64::total_cmp);
    let most = seconds[seconds.len() - 1];
    figures.add(
        "event stored → changed edge, p50",
        seconds[seconds.len() / 2],
        "s",
    );
    figures.add("event stored → changed edge, max", most, "s");
    figures.bar("event stored → changed edge", most, Bar::AtMost(MOST_SECONDS));
    let stats = &last["stats"];
    for (name, key, unit) in [
        ("last increment: rows computed", "rows", "rows"),
        ("last increment: rows changed", "changed_rows", "rows"),
        ("last increment: reading SQL", "read_seconds", "s"),
        ("last increment: computing", "compute_seconds", "s"),
        ("last increment: publishing", "publish_seconds", "s"),
    ] {
        figures.add(name, number(stats, key), unit);
    }
    let share = number(stats, "row_pairs") / number(stats, "pairs");
    figures.add("last increment: share of the pair work", share * 100.0, "%");
    Ok(())
}

/// An edge of the anchor, bought together: to a companion, or the best.
fn edge(shape: &Shape, anchor: &str, companion: Option<&str>) -> Result<Value> {
    let answer = shape.quiet(&["query", "related", anchor, "--relation", "together", "--json"])?;
    let items = answer["items"].as_array().context("the answer has no items")?;
    let found = items
        .iter()
        .find(|item| companion.is_none_or(|companion| item["product_id"] == companion));
    found
        .cloned()
        .with_context(|| format!("{anchor} has no such companion"))
}

fn support(edge: &Value) -> Result<u64> {
    edge["evidence"]["support"]
        .as_u64()
        .context("the edge has no evidence")
}
