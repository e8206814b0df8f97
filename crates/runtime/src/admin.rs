//! The admin endpoint: `/healthz`, `/readyz` and `/metrics` over plain HTTP on a port of its own.

use std::collections::BTreeMap;
use std::io;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::readiness::{Readiness, Report};
use crate::telemetry::Metrics;

/// Answers until dropped.
///
/// * `/healthz`: 200 while the process answers at all;
/// * `/readyz`: 200 or 503 with the named checks as JSON;
/// * `/metrics`: Prometheus text.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, readiness: Readiness, metrics: Metrics) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(render).with_state(metrics));
    axum::serve(listener, router).await
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let report = readiness.report();
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body =
        serde_json::to_string(&Answer::from(&report)).expect("text and booleans can be written as JSON");
    (status, [(header::CONTENT_TYPE, "application/json")], body)
}

async fn render(State(metrics): State<Metrics>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics.render(),
    )
}

#[derive(Serialize)]
struct Answer<'a> {
    ready: bool,
    draining: bool,
    checks: BTreeMap<&'a str, CheckAnswer<'a>>,
}

#[derive(Serialize)]
struct CheckAnswer<'a> {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> From<&'a Report> for Answer<'a> {
    fn from(report: &'a Report) -> Self {
        let checks = report.checks.iter().map(|(name, reason)| {
            (
                name.as_str(),
                CheckAnswer {
                    ready: reason.is_none(),
                    reason: reason.as_deref(),
                },
            )
        });
        Self {
            ready: report.is_ready(),
            draining: report.draining,
            checks: checks.collect(),
        }
    }
}
