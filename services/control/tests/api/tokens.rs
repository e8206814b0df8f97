//! Callers with tokens: the shop comes from the token, and the scope decides.

use serde_json::{Value, json};
use tandem_proto::v1 as pb;
use tandem_testing::{Signing, TokenKey, jwks};
use tonic::{Code, Request};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::house::{House, NOW, on_both};
use crate::samples::{products, reports, set, stock_up};
use crate::shown::reason;

pub(crate) const ISSUER: &str = "https://issuer.test";

pub(crate) fn by<T>(message: T, key: &TokenKey, claims: &Value) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {}", key.token(claims));
    request
        .metadata_mut()
        .insert("authorization", value.parse().expect("plain text"));
    request
}

pub(crate) fn claims(shop: Option<&str>, scope: &str) -> Value {
    let exp = NOW.as_ms() / 1_000 + 60;
    json!({
        "iss": ISSUER, "aud": "tandem", "sub": "merchant-app", "exp": exp,
        "marketplace": "default", "shop": shop, "scope": scope,
    })
}

on_both! {
    async fn the_shop_and_the_rights_are_those_of_the_token(house: House) {
        let folder = tempfile::tempdir().unwrap();
        let (keys, key) = (folder.path().join("jwks.json"), TokenKey::new("k", Signing::Es256).unwrap());
        std::fs::write(&keys, jwks(&[&key])).unwrap();
        stock_up(&house.control_of("theirs").await, &["foreign"]).await;
        let control = house.control_by_tokens(ISSUER, &keys).await;
        let (mut catalog, mut stock) = (control.catalog.clone(), control.stock.clone());

        let merchant = claims(Some("default"), "catalog.write stock.write");
        catalog.batch_upsert_products(by(products(&["mine"]), &key, &merchant)).await.unwrap();
        let foreign = products(&["foreign"]);
        let refused = catalog.batch_upsert_products(by(foreign.clone(), &key, &merchant)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "FOREIGN_SHOP".to_owned()));
        let owner = claims(Some("theirs"), "catalog.write");
        catalog.batch_upsert_products(by(foreign.clone(), &key, &owner)).await.unwrap();

        let report = reports(vec![set("s", 1, 1)]);
        let refused = stock.report_stock(by(report.clone(), &key, &owner)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "SCOPE_MISSING".to_owned()));
        assert!(refused.message().contains("stock.write"), "{refused:?}");
        let platform = claims(None, "catalog.write");
        let refused = catalog.batch_upsert_products(by(foreign, &key, &platform)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::PermissionDenied, "SHOP_REQUIRED".to_owned()));
        let refused = stock.report_stock(report).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::Unauthenticated, "TOKEN_MISSING".to_owned()));
        let read = by(pb::GetProductRequest { product_id: "mine".to_owned() }, &key, &platform);
        let read = catalog.get_product(read).await.unwrap().into_inner();
        assert_eq!(read.product_id, "mine", "a platform caller reads across shops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_shown_to_callers_who_are_known_and_to_no_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, key) = (
        folder.path().join("jwks.json"),
        TokenKey::new("k", Signing::Es256).unwrap(),
    );
    std::fs::write(&keys, jwks(&[&key])).unwrap();
    let house = House::sqlite().await;
    let control = house.control_by_tokens(ISSUER, &keys).await;
    let mut reflection = ServerReflectionClient::new(control.channel);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asked = futures::stream::iter([ask.clone()]);
    let refused = reflection.server_reflection_info(asked).await.unwrap_err();
    assert_eq!(
        reason(&refused),
        (Code::Unauthenticated, "TOKEN_MISSING".to_owned())
    );
    let nobody_in_particular = claims(None, "");
    let asked = by(futures::stream::iter([ask]), &key, &nobody_in_particular);
    let mut answers = reflection
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.message().await.unwrap().is_some());
}
