//! One trace, from the stock report to the gateway that stops showing the product.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/serving.rs"]
mod serving;
#[path = "support/shop.rs"]
mod shop;
#[path = "support/tandem.rs"]
mod tandem;

use serving::{Dev, PATIENCE};
use shop::Shop;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::stock_report::Quantity;
use tandem_proto::v1::{ReportStockRequest, StockReport, StockSet};
use tandem_testing::otlp::{Collector, SentSpan};
use tandem_testing::wait_for;
use tonic::Request;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn one_trace_covers_a_stock_report_until_the_gateway_drops_the_product() {
    let collector = Collector::start().await.unwrap();
    let shop = Shop::new();
    let dev = Dev::start(&shop.data(), &["--otlp", &collector.endpoint()]).await;
    shop.import();
    shown(&shop, &dev).await;

    sell_out(&dev, "cup-roses").await;

    let wanted = [
        "tandem.v1.Stock/ReportStock",
        "inventory.project",
        "gateway.availability.apply",
    ];
    let [report, project, apply] = wait_for(PATIENCE, "the trace", async || {
        let spans = trace(&collector);
        let find = |name: &str| spans.iter().find(|span| span.name == name).cloned();
        Some([find(wanted[0])?, find(wanted[1])?, find(wanted[2])?])
    })
    .await
    .unwrap_or_else(|error| panic!("{error:#}: {:#?}", trace(&collector)));
    assert_eq!(
        report.parent_span_id, CALLER,
        "the call continues the caller's trace"
    );
    assert!(
        descends(&collector, &project, &report),
        "{:#?}",
        trace(&collector)
    );
    assert_eq!(apply.parent_span_id, project.span_id, "{:#?}", trace(&collector));
    assert_eq!(apply.attributes["product.id"], "cup-roses");
    dev.stop().await;
}

/// The spans of the caller's trace.
fn trace(collector: &Collector) -> Vec<SentSpan> {
    collector
        .spans()
        .into_iter()
        .filter(|span| span.trace_id == TRACE)
        .collect()
}

/// Whether `span` stands below `ancestor`, however deep.
fn descends(collector: &Collector, span: &SentSpan, ancestor: &SentSpan) -> bool {
    let spans = trace(collector);
    let mut parent = &span.parent_span_id;
    while *parent != ancestor.span_id {
        match spans.iter().find(|span| span.span_id == *parent) {
            Some(found) => parent = &found.parent_span_id,
            None => return false,
        }
    }
    true
}

/// Waits until the gateway has heard of the stock.
async fn shown(shop: &Shop, dev: &Dev) {
    shop.ask(dev, &["build"]);
    wait_for(PATIENCE, "companions", async || {
        let answer = shop.ask(dev, &["query", "related", "saucer-roses"]);
        let mut items = answer["items"].as_array()?.iter();
        items.any(|item| item["product_id"] == "cup-roses").then_some(())
    })
    .await
    .unwrap();
}

async fn sell_out(dev: &Dev, sku: &str) {
    let mut stock = StockClient::connect(dev.control.clone()).await.unwrap();
    let report = StockReport {
        sku_id: sku.to_owned(),
        source: "wms".to_owned(),
        quantity: Some(Quantity::Set(StockSet {
            available: 0,
            source_version: 2,
        })),
        ..StockReport::default()
    };
    let mut request = Request::new(ReportStockRequest {
        reports: vec![report],
        request_id: String::new(),
    });
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    request
        .metadata_mut()
        .insert("traceparent", traceparent.parse().unwrap());
    let answer = stock.report_stock(request).await.unwrap().into_inner();
    assert!(answer.outcomes[0].applied, "{answer:?}");
}
