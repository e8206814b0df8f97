//! One trace covers a stock report from control to the gateway's drop.

use std::sync::Mutex;

use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tandem_domain::stock::Pool;
use tandem_testing::wait_for;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::shop::{self, STORE_EPOCH, marketplace};
use crate::world::{LONG, World};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

static SPANS: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Kept;

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        SPANS.lock().expect("no panic").extend(batch);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drop_stands_in_the_trace_of_the_stock_report() {
    let provider = SdkTracerProvider::builder().with_simple_exporter(Kept).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing_subscriber::registry().with(layer).try_init().unwrap();
    let world = World::in_memory().await;
    let mut change = shop::stock("case", "case-sku", Pool::Normal, 0, world.next_version());
    change.traceparent = format!("00-{TRACE}-{SPAN}-01");
    world
        .cache
        .put_stock(&marketplace(), STORE_EPOCH, &[change])
        .await
        .unwrap();
    world
        .until_companions(
            "phone",
            &["charger", "film", "case-b", "stand", "phone-b", "phone-pro"],
        )
        .await;
    let apply = wait_for(LONG, "the span", async || {
        let spans = SPANS.lock().expect("no panic");
        spans
            .iter()
            .find(|span| span.name == "gateway.availability.apply")
            .cloned()
    });
    let apply = apply.await.unwrap();
    assert_eq!(apply.span_context.trace_id(), TraceId::from_hex(TRACE).unwrap());
    assert_eq!(apply.parent_span_id, SpanId::from_hex(SPAN).unwrap());
}
