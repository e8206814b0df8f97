//! From the acknowledged stock report to the first answer without the companion, many times.

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::Talk;
use super::scene::Scene;
use crate::progress;

/// Microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    p50: u64,
    p99: u64,
    n: u64,
}

/// Flips the stock of the companion `flips` times and back. The time is that of a shopper who asks again and again for
/// list and set: it ends with the first pair of answers without the companion.
pub(super) async fn measure(scene: &mut Scene, flips: u32, talk: &Talk) -> Result<Latency> {
    let bar = progress::bar(u64::from(flips), "stock flips");
    let mut gone = Histogram::<u64>::new(3)?;
    for _ in 0..flips {
        let took = scene.sell_out().await?;
        gone.record(u64::try_from(took.as_micros())?)?;
        scene.restock().await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let latency = Latency {
        p50: gone.value_at_quantile(0.5),
        p99: gone.value_at_quantile(0.99),
        n: gone.len(),
    };
    talk.say(format!(
        "5. Acknowledged → gone from list and set: p50 {:.1} ms, p99 {:.1} ms over {} flips through the API.",
        latency.p50 as f64 / 1e3,
        latency.p99 as f64 / 1e3,
        latency.n
    ));
    Ok(latency)
}
