//! What a server is asked about itself.

use std::time::Duration;

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use tandem_proto::v1 as pb;
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_testing::wait_until;

use crate::house::{House, LONG};
use crate::samples::{events, view};
use crate::shown::reason;

#[tokio::test(flavor = "multi_thread")]
async fn health_speaks_for_every_service() {
    let house = House::sqlite().await;
    let control = house.control().await;
    let health = HealthClient::new(control.channel);
    for service in [
        "",
        "tandem.v1.Events",
        "tandem.v1.Stock",
        "tandem.v1.Catalog",
        "tandem.v1.Links",
        "tandem.v1.FixedBundles",
        "tandem.v1.Operations",
    ] {
        let serving = async || {
            let request = HealthCheckRequest {
                service: service.to_owned(),
            };
            let answer = health.clone().check(request).await.expect("health answers");
            answer.into_inner().status() == ServingStatus::Serving
        };
        wait_until(LONG, service, serving).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_what_is_served_here() {
    let house = House::sqlite().await;
    let control = house.control().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = futures::stream::iter([request]);
    let answers = ServerReflectionClient::new(control.channel)
        .server_reflection_info(requests)
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("another answer: {answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    insta::assert_snapshot!("reflection", names.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_others_are_not_here() {
    let house = House::sqlite().await;
    let control = house.control().await;
    let request = pb::QuoteBundleRequest::default();
    let refused = BundlesClient::new(control.channel)
        .quote_bundle(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_over_is_told_as_such() {
    let house = House::sqlite().await;
    let control = house.impatient_control(Duration::from_millis(50)).await;
    let refused = control
        .events
        .clone()
        .report_events(events(vec![view("e", "p")]))
        .await
        .unwrap_err();
    assert_eq!(
        reason(&refused),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned())
    );
}
