//! Requests that say nothing sensible: refused with everything that is wrong at once.

use tandem_proto::v1 as pb;
use tonic::codegen::Service as _;
use tonic::{Code, Response, Status};

use crate::shown::{case, reason};
use crate::world::World;

fn shown<T>(name: &str, answer: Result<Response<T>, Status>) -> String {
    match answer {
        Ok(_) => format!("{name}\n  was answered\n"),
        Err(status) => case(name, &status),
    }
}

/// Sends each case and shows what came back.
macro_rules! refusals {
    ($client:expr, $method:ident, $($name:literal => $request:expr;)+) => {{
        let mut text = String::new();
        $(text += &shown($name, $client.clone().$method($request).await);)+
        text
    }};
}

fn list(product_id: &str) -> pb::ListRelatedProductsRequest {
    pb::ListRelatedProductsRequest {
        product_id: product_id.into(),
        ..Default::default()
    }
}

fn filtered(filter: pb::ProductFilter) -> pb::ListRelatedProductsRequest {
    pb::ListRelatedProductsRequest {
        filter: Some(filter),
        ..list("phone")
    }
}

fn shopped(shopper: pb::Shopper) -> pb::ListRelatedProductsRequest {
    pb::ListRelatedProductsRequest {
        shopper: Some(shopper),
        ..list("phone")
    }
}

fn price(amount_minor: i64) -> Option<pb::Money> {
    Some(pb::Money {
        currency_code: "GBP".into(),
        amount_minor,
    })
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|no| format!("p{no}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists() {
    let world = World::in_memory().await;
    let token = {
        let request = pb::ListRelatedProductsRequest {
            page_size: 2,
            ..list("phone")
        };
        world
            .related
            .clone()
            .list_related_products(request)
            .await
            .unwrap()
            .into_inner()
            .next_page_token
    };
    let text = refusals! { world.related, list_related_products,
        "no product" => list("");
        "a long product" => list(&"x".repeat(129));
        "a control character" => list("a\nb");
        "a product that nobody knows" => list("nobody");
        "an unknown relation" => pb::ListRelatedProductsRequest { relations: vec![3, 99], ..list("phone") };
        "no relation" => pb::ListRelatedProductsRequest { relations: vec![0], ..list("phone") };
        "a relation twice" => pb::ListRelatedProductsRequest { relations: vec![3, 3], ..list("phone") };
        "a negative page" => pb::ListRelatedProductsRequest { page_size: -1, ..list("phone") };
        "an unknown view" => pb::ListRelatedProductsRequest { view: 7, ..list("phone") };
        "an unknown surface" => pb::ListRelatedProductsRequest { surface_id: "cellar".into(), ..list("phone") };
        "a surface that is no id" => pb::ListRelatedProductsRequest { surface_id: "a\u{0}".into(), ..list("phone") };
        "a forged page token" => pb::ListRelatedProductsRequest { page_token: "next please".into(), ..list("phone") };
        "the page token of another product" => pb::ListRelatedProductsRequest { page_token: token.clone(), page_size: 2, ..list("case") };
        "the page token of another page size" => pb::ListRelatedProductsRequest { page_token: token.clone(), page_size: 3, ..list("phone") };
        "an excluded id that is none" => pb::ListRelatedProductsRequest { exclude_product_ids: vec!["a".into(), String::new()], ..list("phone") };
        "too many exclusions" => pb::ListRelatedProductsRequest { exclude_product_ids: many(501), ..list("phone") };
        "a filter of ids that are none" => filtered(pb::ProductFilter { category_ids: vec![String::new()], shop_ids: vec!["\u{1}".into()], brands: vec![String::new(), "b".repeat(201), "a\tb".into()], ..Default::default() });
        "a filter that names too much" => filtered(pb::ProductFilter { category_ids: many(51), shop_ids: many(51), brands: many(51), ..Default::default() });
        "prices below nothing" => filtered(pb::ProductFilter { min_price: price(-1), max_price: price(i64::MAX), ..Default::default() });
        "a range upside down" => filtered(pb::ProductFilter { min_price: price(20), max_price: price(10), ..Default::default() });
        "a shopper who saw and bought too much" => shopped(pb::Shopper { recent_product_ids: many(21), bought_product_ids: many(201), ..Default::default() });
        "a shopper who saw what is no product" => shopped(pb::Shopper { recent_product_ids: vec![String::new()], bought_product_ids: vec!["x".repeat(129)], ..Default::default() });
        "a segment that likes nonsense" => shopped(pb::Shopper { segment: Some(pb::ShopperSegment { category_ids: vec![String::new()], brands: many(51), usual_price: price(-5) }), ..Default::default() });
        "everything at once" => pb::ListRelatedProductsRequest { page_size: -5, view: -1, relations: vec![-3], surface_id: "\u{7}".into(), ..list("") };
    };
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_baskets() {
    let world = World::in_memory().await;
    let batch = |product_ids: Vec<String>| pb::BatchListRelatedProductsRequest {
        product_ids,
        ..Default::default()
    };
    let basket = |product_ids: Vec<String>| pb::ListBasketCompanionsRequest {
        product_ids,
        ..Default::default()
    };
    let mut text = refusals! { world.related, batch_list_related_products,
        "an empty batch" => batch(Vec::new());
        "a batch over its limit" => batch(many(101));
        "a product twice" => batch(vec!["phone".into(), "case".into(), "phone".into()]);
        "ids that are none" => batch(vec!["phone".into(), "\u{1}".into()]);
        "nobody known is no error" => batch(many(100));
    };
    text += &refusals! { world.related, list_basket_companions,
        "an empty basket" => basket(Vec::new());
        "a basket over its limit" => basket(many(51));
        "a basket of ids that are none" => basket(vec![String::new()]);
        "a full basket that nobody knows is no error" => basket(many(50));
    };
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons() {
    let world = World::in_memory().await;
    let explain = |product: &str, companion: &str| pb::ExplainRelatedProductRequest {
        product_id: product.into(),
        companion_product_id: companion.into(),
        surface_id: String::new(),
        pool: String::new(),
    };
    let text = refusals! { world.related, explain_related_product,
        "neither" => explain("", "");
        "itself" => explain("phone", "phone");
        "an anchor that nobody knows" => explain("nobody", "phone");
        "a companion that nobody knows" => explain("phone", "nobody");
    };
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles() {
    let world = World::in_memory().await;
    let sets = |product_id: &str| pb::ListBundleSetsRequest {
        product_id: product_id.into(),
        ..Default::default()
    };
    let item = |id: &str, quantity| pb::QuoteItem {
        product_id: id.into(),
        quantity,
        ..Default::default()
    };
    let quote = |items, pool: &str| pb::QuoteBundleRequest {
        items,
        pool: pool.into(),
    };
    let mut text = refusals! { world.bundles, list_bundle_sets,
        "sets of no product" => sets("");
        "sets of a product that nobody knows" => sets("nobody");
        "a negative page of sets" => pb::ListBundleSetsRequest { page_size: -1, ..sets("phone") };
        "a forged page token of sets" => pb::ListBundleSetsRequest { page_token: "00".repeat(21), ..sets("phone") };
        "sets on an unknown surface" => pb::ListBundleSetsRequest { surface_id: "cellar".into(), ..sets("phone") };
    };
    text += &refusals! { world.bundles, quote_bundle,
        "a quote of one part" => quote(vec![item("phone", 1)], "");
        "a quote of too many parts" => quote(many(11).iter().map(|id| item(id, 1)).collect(), "");
        "a part twice" => quote(vec![item("phone", 1), item("phone", 2)], "");
        "too many units" => quote(vec![item("phone", 1_001), item("case", 1)], "");
        "a part that nobody knows" => quote(vec![item("phone", 1), item("nobody", 1)], "");
        "an unknown pool" => quote(vec![item("phone", 1), item("case", 1)], "cellar");
        "the pool that is held back" => quote(vec![item("phone", 1), item("case", 1)], "held");
        "everything wrong with a quote" => quote(vec![item("", 5_000), item("", 1)], "room:");
    };
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_pages_are_clamped() {
    let world = World::in_memory().await;
    let request = pb::ListRelatedProductsRequest {
        page_size: i32::MAX,
        ..list("phone")
    };
    assert!(world.related.clone().list_related_products(request).await.is_ok());
    let request = pb::ListBundleSetsRequest {
        product_id: "phone".into(),
        page_size: i32::MAX,
        ..Default::default()
    };
    assert!(world.bundles.clone().list_bundle_sets(request).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_refused_with_a_reason() {
    let world = World::in_memory().await;
    let status = world
        .related
        .clone()
        .list_related_products(list(&"x".repeat(300_000)))
        .await
        .unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned())
    );
}

/// Calls every RPC with these bytes in the place of a message; the codes and reasons, and the encodings that would be taken.
async fn raw(world: &World, encoding: Option<&str>, body: &'static [u8]) -> Vec<(Code, String, String)> {
    let mut outcomes = Vec::new();
    for path in [
        "/tandem.v1.RelatedProducts/ListRelatedProducts",
        "/tandem.v1.RelatedProducts/BatchListRelatedProducts",
        "/tandem.v1.RelatedProducts/ListBasketCompanions",
        "/tandem.v1.RelatedProducts/ExplainRelatedProduct",
        "/tandem.v1.Bundles/ListBundleSets",
        "/tandem.v1.Bundles/QuoteBundle",
    ] {
        let mut request = http::Request::post(path).header("content-type", "application/grpc");
        if let Some(encoding) = encoding {
            request = request.header("grpc-encoding", encoding);
        }
        let body = tonic::body::Body::new(http_body_util::Full::new(bytes::Bytes::from_static(body)));
        let mut channel = world.channel.clone();
        std::future::poll_fn(|context| channel.poll_ready(context))
            .await
            .unwrap();
        let answer = channel.call(request.body(body).unwrap()).await.unwrap();
        let status = Status::from_header_map(answer.headers()).expect("a refusal");
        let (code, reason) = reason(&status);
        let accepted = answer.headers().get("grpc-accept-encoding");
        let accepted = accepted.map(|value| value.to_str().unwrap().to_owned());
        outcomes.push((code, reason, accepted.unwrap_or_default()));
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_is_not_supported_and_what_would_be_is_told() {
    let world = World::in_memory().await;
    for refused in raw(&world, Some("gzip"), &[1, 0, 0, 0, 1, 0]).await {
        let expected = (Code::Unimplemented, "COMPRESSION_UNSUPPORTED", "identity");
        assert_eq!((refused.0, refused.1.as_str(), refused.2.as_str()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_compressed_in_no_way_that_is_named_is_a_fault_of_the_protocol() {
    let world = World::in_memory().await;
    for encoding in [None, Some("identity")] {
        for (code, reason, _) in raw(&world, encoding, &[1, 0, 0, 0, 1, 0]).await {
            assert_eq!(
                (code, reason.as_str()),
                (Code::Internal, "INTERNAL"),
                "{encoding:?}"
            );
        }
    }
    for (code, ..) in raw(&world, Some("gzip"), &[2, 0, 0, 0, 0])
        .await
        .into_iter()
        .take(3)
    {
        assert_eq!(code, Code::Internal);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_invalid() {
    let world = World::in_memory().await;
    // A field of a type that protobuf does not have.
    for (code, reason, _) in raw(&world, None, &[0, 0, 0, 0, 1, 0x0f]).await {
        assert_eq!(
            (code, reason.as_str()),
            (Code::InvalidArgument, "MESSAGE_INVALID")
        );
    }
}
