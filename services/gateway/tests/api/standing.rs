//! What stands around the API: health, reflection, methods that do not exist.

use std::sync::Arc;
use std::time::Duration;

use tandem_cache::redis::RedisCache;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::{BatchGetStockRequest, ListRelatedProductsRequest};
use tandem_runtime::config::{RuntimeConfig, ServerConfig};
use tandem_testing::RedisServer;
use tonic::Code;
use tonic::codegen::tokio_stream;
use tonic::codegen::tokio_stream::StreamExt as _;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::shown::reason;
use crate::world::{Place, World};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_per_service() {
    let world = World::in_memory().await;
    let mut health = HealthClient::new(world.channel.clone());
    for service in ["", "tandem.v1.RelatedProducts", "tandem.v1.Bundles"] {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_shows_our_services_and_no_private_record() {
    let world = World::in_memory().await;
    let mut client = ServerReflectionClient::new(world.channel.clone());
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::iter([list]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(services)) = answer else {
        panic!("{answer:?}")
    };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "tandem.v1.Bundles",
            "tandem.v1.RelatedProducts"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_other_processes_are_not_served_here() {
    let world = World::in_memory().await;
    let mut stock = StockClient::new(world.channel.clone());
    let status = stock
        .batch_get_stock(BatchGetStockRequest::default())
        .await
        .unwrap_err();
    assert_eq!(reason(&status), (Code::Unimplemented, "UNIMPLEMENTED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_over_says_so() {
    let server = RedisServer::start().await.unwrap();
    let cache = Arc::new(RedisCache::connect(&server.url()).await.unwrap());
    let limits = ServerConfig {
        request_timeout: Duration::from_millis(300),
        ..RuntimeConfig::default().server
    };
    let world = World::with_limits(Place::Redis(Box::new(server)), cache, limits)
        .await
        .filled()
        .await;
    let Place::Redis(server) = &world.place else {
        unreachable!("a world on Redis")
    };
    server.pause().unwrap();
    // Nobody has asked for it yet, so that the answer has to be read.
    let request = ListRelatedProductsRequest {
        product_id: "case".into(),
        ..Default::default()
    };
    let status = world
        .related
        .clone()
        .list_related_products(request)
        .await
        .unwrap_err();
    server.resume().unwrap();
    assert_eq!(
        reason(&status),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned())
    );
}
