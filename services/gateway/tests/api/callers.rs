//! Callers who show tokens: how much they may ask for, and whose products they see.

use std::sync::Arc;
use std::time::Duration;

use tandem_cache::codec::encode_anchor;
use tandem_cache::memory::MemoryCache;
use tandem_cache::port::Cache;
use tandem_domain::catalog::ProductCard;
use tandem_domain::clock::ManualClock;
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::MarketplaceId;
use tandem_domain::stock::Pool;
use tandem_gateway::Config;
use tandem_gateway::config::LAYOUT;
use tandem_proto::v1 as pb;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_runtime::config::{ConfigArgs, RuntimeConfig, ServerConfig, load};
use tandem_runtime::lifecycle::{Access, Shell, Shutdown, bind};
use tandem_runtime::readiness::{Readiness, Report};
use tandem_runtime::tasks::Tasks;
use tandem_testing::{Signing, TokenKey, jwks, wait_until};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::shop::{self, NOW, STORE_EPOCH};
use crate::shown::reason;
use crate::world::{LONG, keys};

/// What is listed for `phone` in the other marketplace.
const OTHER_LIST: [&str; 2] = ["film", "lamp"];

fn other() -> MarketplaceId {
    MarketplaceId::new("other").expect("an id")
}

/// A gateway that serves two marketplaces with products of the same ids.
struct Mall {
    cache: Arc<dyn Cache>,
    related: RelatedProductsClient<Channel>,
    channel: Channel,
    key: TokenKey,
    shutdown: Shutdown,
    _folder: TempDir,
}

impl Drop for Mall {
    fn drop(&mut self) {
        self.shutdown.abort("the test is over");
    }
}

impl Mall {
    async fn open(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = TokenKey::new("k", Signing::EdDsa).unwrap();
        let place = folder.path().join("jwks.json");
        std::fs::write(&place, jwks(&[&key])).unwrap();
        let mut server = RuntimeConfig::default().server;
        server.auth.issuer = Some("https://issuer.test".to_owned());
        server.auth.jwks = Some(place.display().to_string());
        change(&mut server);

        let cache: Arc<dyn Cache> = Arc::new(MemoryCache::new());
        shop::fill(&*cache, 1, "epoch 1").await;
        fill_other(&*cache).await;
        let (shutdown, readiness) = (Shutdown::new(), Readiness::new());
        let tasks = Tasks::new(shutdown.clone());
        let listener = bind("server", Some("127.0.0.1:0".parse().unwrap()))
            .await
            .unwrap();
        let shell = Shell::new(
            server,
            listener,
            Access::Tokens,
            shutdown.clone(),
            tasks.clone(),
            readiness.clone(),
        );
        let url = format!("http://{}", shell.address().unwrap());
        let clock = Arc::new(ManualClock::at(NOW));
        tasks.spawn_critical(
            "gateway",
            tandem_gateway::serve(Arc::clone(&cache) as _, clock, config(), shell),
        );
        let ready = readiness.watch().wait_for(Report::is_ready).await.map(drop);
        ready.expect("the gateway lives");
        let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
        Self {
            cache,
            related: RelatedProductsClient::new(channel.clone()),
            channel,
            key,
            shutdown,
            _folder: folder,
        }
    }

    /// A token of `caller` in `marketplace`, good for so many seconds from now on.
    fn token(&self, caller: &str, marketplace: &MarketplaceId, seconds: i64) -> String {
        self.key.token(&serde_json::json!({
            "iss": "https://issuer.test", "aud": ["tandem"], "exp": NOW.as_ms() / 1_000 + seconds,
            "sub": caller, "marketplace": marketplace.as_str(), "scope": "reco.read",
        }))
    }

    async fn ask(&self, token: &str, request: pb::ListRelatedProductsRequest) -> Result<Answer, Status> {
        let mut request = Request::new(request);
        let value = format!("Bearer {token}").parse().expect("plain text");
        request.metadata_mut().insert("authorization", value);
        let answer = self.related.clone().list_related_products(request).await;
        answer.map(tonic::Response::into_inner)
    }
}

type Answer = pb::ListRelatedProductsResponse;

fn config() -> Config {
    let two = r#"marketplaces=[{id = "default", currency = "GBP", exponent = 2}, {id = "other", currency = "JPY", exponent = 0}]"#;
    let args = ConfigArgs {
        set: vec![two.to_owned()],
        ..ConfigArgs::default()
    };
    let mut config = load::<Config>(&LAYOUT, &args, [])
        .expect("two marketplaces")
        .config;
    config.attribution.keys = keys();
    config.reflection.enabled = true;
    config
}

/// The same ids with other cards, other lists, and stock of their own.
async fn fill_other(cache: &dyn Cache) {
    let market = other();
    let ids = ["phone", "case", "film", "lamp"];
    let cards = ids.map(|id| ProductCard {
        title: format!("The other {id}"),
        ..shop::card(id, "things", 77)
    });
    cache.put_cards(&market, STORE_EPOCH, &cards).await.unwrap();
    let stock = ids.map(|id| shop::stock(id, &format!("{id}-sku"), Pool::Normal, 3, 1));
    cache.put_stock(&market, STORE_EPOCH, &stock).await.unwrap();
    let records = encode_anchor(&shop::anchor("phone", &[("film", 2.0), ("lamp", 1.0)]));
    // The number of the segment, too, is the same.
    cache.put_records(&market, 1, &records).await.unwrap();
    let manifest = Manifest {
        generation: GenerationNo(7),
        segments: vec![SegmentRef {
            id: 1,
            path: "segment-1".into(),
            checksum: String::new(),
            bytes: 0,
            records: records.len() as u64,
        }],
        codec: tandem_cache::codec::CODEC,
    };
    cache.publish_manifest(&market, 1, &manifest).await.unwrap();
    cache.mark_rebuilt(&market, "epoch 1").await.unwrap();
}

fn of_phone() -> pb::ListRelatedProductsRequest {
    pb::ListRelatedProductsRequest {
        product_id: "phone".into(),
        relations: vec![pb::Relation::Together.into()],
        ..Default::default()
    }
}

fn full() -> pb::ListRelatedProductsRequest {
    pb::ListRelatedProductsRequest {
        view: pb::View::Full.into(),
        ..of_phone()
    }
}

fn shown(answer: &Answer) -> Vec<&str> {
    answer.items.iter().map(|item| item.product_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_marketplaces_of_one_gateway_are_never_mixed() {
    let mall = Mall::open(|_| {}).await;
    let (ours, theirs) = (
        mall.token("shop", &shop::marketplace(), 60),
        mall.token("shop", &other(), 60),
    );
    // In turns, kept and read anew.
    for _ in 0..5 {
        let answer = mall.ask(&ours, of_phone()).await.unwrap();
        assert_eq!((shown(&answer), answer.generation), (vec!["charger", "stand"], 1));
        let answer = mall.ask(&theirs, of_phone()).await.unwrap();
        assert_eq!((shown(&answer), answer.generation), (OTHER_LIST.to_vec(), 7));
        for (token, title, currency) in [(&ours, "The ", "GBP"), (&theirs, "The other ", "JPY")] {
            for item in mall.ask(token, full()).await.unwrap().items {
                let card = item.card.expect("the full view");
                assert_eq!(card.title, format!("{title}{}", item.product_id));
                assert_eq!(card.price.expect("a price").currency_code, currency);
            }
        }
    }
    // Stock of the same SKU.
    let sold_out = shop::stock("film", "film-sku", Pool::Normal, 0, 2);
    mall.cache
        .put_stock(&other(), STORE_EPOCH, &[sold_out])
        .await
        .unwrap();
    let gone = async || shown(&mall.ask(&theirs, of_phone()).await.unwrap()) == ["lamp"];
    wait_until(LONG, "the film to go", gone).await.unwrap();
    let case = pb::ListRelatedProductsRequest {
        product_id: "case".into(),
        ..of_phone()
    };
    assert_eq!(
        shown(&mall.ask(&ours, case.clone()).await.unwrap()),
        ["film", "phone", "stand"]
    );
    assert!(mall.ask(&theirs, case).await.unwrap().items.is_empty());
    // What one hands out is worth nothing in the other.
    let first = pb::ListRelatedProductsRequest {
        page_size: 1,
        ..of_phone()
    };
    let page_token = mall.ask(&ours, first.clone()).await.unwrap().next_page_token;
    let next = pb::ListRelatedProductsRequest { page_token, ..first };
    assert_eq!(shown(&mall.ask(&ours, next.clone()).await.unwrap()), ["stand"]);
    let status = mall.ask(&theirs, next).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::InvalidArgument, "PAGE_TOKEN_INVALID".to_owned())
    );
    let signed = mall.ask(&ours, of_phone()).await.unwrap().attribution_token;
    assert!(keys().verify(&shop::marketplace(), &signed).is_ok());
    assert!(keys().verify(&other(), &signed).is_err());
    // And a product of one of them is unknown in the other.
    let lamp = pb::ListRelatedProductsRequest {
        product_id: "lamp".into(),
        ..of_phone()
    };
    assert!(mall.ask(&theirs, lamp.clone()).await.is_ok());
    let status = mall.ask(&ours, lamp).await.unwrap_err();
    assert_eq!(reason(&status), (Code::NotFound, "PRODUCT_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_beyond_its_quota_is_told_when_to_come_again_and_others_are_served() {
    let mall = Mall::open(|server| {
        server.quota.rate = 1;
        server.quota.burst = 3;
    })
    .await;
    let token = mall.token("greedy", &shop::marketplace(), 60);
    let mut answered = 0;
    let status = loop {
        match mall.ask(&token, of_phone()).await {
            Ok(_) => answered += 1,
            Err(status) => break status,
        }
        assert!(answered < 100, "there is no limit");
    };
    assert!(answered >= 3, "{answered}");
    assert_eq!(
        reason(&status),
        (Code::ResourceExhausted, "QUOTA_EXCEEDED".to_owned())
    );
    let details = status.get_error_details();
    let delay = details
        .retry_info()
        .and_then(|info| info.retry_delay)
        .expect("when");
    assert!(
        delay > Duration::ZERO && delay <= Duration::from_secs(1),
        "{delay:?}"
    );
    let violations = &details.quota_failure().expect("which quota").violations;
    assert_eq!(violations[0].subject, "caller:greedy");
    assert_eq!(violations[0].description, "1 calls per second");
    // Another token of the same caller is the same caller; another caller is not.
    let again = mall.token("greedy", &other(), 90);
    assert_eq!(
        mall.ask(&again, of_phone()).await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    let patient = mall.token("patient", &shop::marketplace(), 60);
    mall.ask(&patient, of_phone()).await.unwrap();
    let served = async || mall.ask(&token, of_phone()).await.is_ok();
    wait_until(LONG, "the quota to fill again", served).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_expired_is_no_longer_taken() {
    let mall = Mall::open(|_| {}).await;
    let expired = mall.token("shop", &shop::marketplace(), -3_600);
    let status = mall.ask(&expired, of_phone()).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned())
    );
    let fresh = mall.token("shop", &shop::marketplace(), 60);
    mall.ask(&fresh, of_phone()).await.unwrap();
}

/// The services that either version of reflection lists, for a caller with this token.
async fn listed(channel: &Channel, token: Option<&str>) -> [Result<usize, Status>; 2] {
    macro_rules! list {
        ($version:ident) => {
            async {
                use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
                use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
                use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
                let list = tonic_reflection::pb::$version::ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(MessageRequest::ListServices(String::new())),
                };
                let mut request = Request::new(futures::stream::iter([list]));
                if let Some(token) = token {
                    let value = format!("Bearer {token}").parse().expect("plain text");
                    request.metadata_mut().insert("authorization", value);
                }
                let mut client = ServerReflectionClient::new(channel.clone());
                let answers = client.server_reflection_info(request).await?;
                let answer = answers.into_inner().message().await?;
                match answer.and_then(|answer| answer.message_response) {
                    Some(MessageResponse::ListServicesResponse(list)) => Ok(list.service.len()),
                    other => panic!("{other:?}"),
                }
            }
        };
    }
    [list!(v1).await, list!(v1alpha).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_shown_to_callers_who_are_known_whatever_their_scopes() {
    let mall = Mall::open(|_| {}).await;
    let token = mall.key.token(&serde_json::json!({
        "iss": "https://issuer.test", "aud": "tandem", "exp": NOW.as_ms() / 1_000 + 60,
        "sub": "shop", "marketplace": "default",
    }));
    let refused = mall.ask(&token, of_phone()).await.unwrap_err();
    assert_eq!(reason(&refused).1, "SCOPE_MISSING");
    for services in listed(&mall.channel, Some(&token)).await {
        assert_eq!(services.unwrap(), 4);
    }
    let expired = mall.token("shop", &shop::marketplace(), -3_600);
    for (token, expected) in [(None, "TOKEN_MISSING"), (Some(expired.as_str()), "TOKEN_EXPIRED")] {
        for services in listed(&mall.channel, token).await {
            let refused = services.unwrap_err();
            assert_eq!(reason(&refused), (Code::Unauthenticated, expected.to_owned()));
        }
    }
}
