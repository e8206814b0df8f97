//! The trace of a request goes with what it changed.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tandem_domain::change::{Change, Envelope};
use tokio::sync::mpsc;
use tonic::Request;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::house::{NOW, on_both};
use crate::samples::{reports, set, stock_up};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// Records spans as a process with a collector does. The first test that comes sets it up for all.
fn record_spans() {
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

on_both! {
    async fn the_outbox_carries_the_trace_of_the_report(house: House) {
        record_spans();
        let control = house.control().await;
        stock_up(&control, &["p"]).await;
        let mut request = Request::new(reports(vec![set("p-s", 3, 1)]));
        let traceparent = format!("00-{TRACE}-{SPAN}-01");
        request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
        control.stock.clone().report_stock(request).await.unwrap();

        let (sender, mut relayed) = mpsc::unbounded_channel::<Vec<Envelope>>();
        let publish = |envelopes| async move { sender.send(envelopes) };
        house.store.relay_outbox(1_000, NOW, publish).await.unwrap();
        let envelopes = relayed.recv().await.unwrap();
        let stock = envelopes.iter().find(|envelope| {
            matches!(&envelope.change, Change::Stock(change) if change.available == 3)
        });
        let carried = &stock.expect("the report is in the outbox").traceparent;
        assert!(carried.starts_with(&format!("00-{TRACE}-")), "{carried}");
        assert!(!carried.contains(SPAN), "the change belongs to a span of ours: {carried}");
    }
}
