//! The binary as a process: what it refuses to start with, and how it ends.

#[path = "api/shop.rs"]
mod shop;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prost::Message as _;
use tandem_cache::port::Projects as _;
use tandem_cache::redis::RedisCache;
use tandem_proto::v1::ListRelatedProductsRequest;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_testing::{
    Authority, Process, RedisServer, Signing, TokenKey, free_port, jwks, never_begun, wait_until,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, IntoRequest as _};
use tonic_types::StatusExt as _;

const LONG: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_tandem-gateway");

fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    Process::spawn(BINARY, arguments, environment.iter().copied()).expect("the binary starts")
}

/// A gateway over a Redis that holds the shop, with signs of life.
struct Running {
    process: Process,
    channel: Channel,
    address: String,
    admin: String,
    beats: JoinSet<()>,
    _redis: RedisServer,
}

impl Running {
    async fn start() -> Self {
        Self::with(&["--insecure"], plain).await
    }

    /// Started with these arguments, and reached through an endpoint that was made ready for it.
    async fn with(arguments: &[&str], reach: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        let redis = RedisServer::start().await.expect("a Redis");
        let cache = RedisCache::connect(&redis.url())
            .await
            .expect("a Redis that suits");
        shop::fill(&cache, 1, "epoch 1").await;
        let mut beats = JoinSet::new();
        beats.spawn(async move {
            let mut beat = interval(Duration::from_millis(50));
            for counter in 1.. {
                beat.tick().await;
                let _ = cache.beat(&shop::marketplace(), shop::STORE_EPOCH, counter).await;
            }
        });
        let listen = format!("127.0.0.1:{}", free_port());
        let admin = format!("127.0.0.1:{}", free_port());
        let environment = [
            ("TANDEM_REDIS_URL", redis.url()),
            ("TANDEM__SERVER__LISTEN", listen.clone()),
            ("TANDEM__ADMIN__LISTEN", admin.clone()),
        ];
        let process = Process::spawn(BINARY, arguments, environment).expect("the binary starts");
        let endpoint = reach(Endpoint::from_shared(format!("https://{listen}")).expect("an address"));
        let running = Self {
            process,
            channel: endpoint.connect_lazy(),
            address: listen,
            admin,
            beats,
            _redis: redis,
        };
        let ready = async || {
            running
                .get("/readyz")
                .await
                .is_some_and(|page| page.starts_with("HTTP/1.1 200"))
        };
        wait_until(LONG, "the gateway", ready)
            .await
            .unwrap_or_else(|error| panic!("{error}: {}", running.process.stderr()));
        running
    }

    fn client(&self) -> RelatedProductsClient<Channel> {
        RelatedProductsClient::new(self.channel.clone())
    }

    /// A page of the admin endpoint, headers included.
    async fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.admin).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await.ok()?;
        Some(page)
    }
}

fn plain(endpoint: Endpoint) -> Endpoint {
    let plain = endpoint.uri().to_string().replacen("https", "http", 1);
    Endpoint::from_shared(plain).expect("an address")
}

fn of_phone() -> ListRelatedProductsRequest {
    ListRelatedProductsRequest {
        product_id: "phone".into(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_be_started_with_ends_it_with_code_2() {
    let cases: [(&[&str], &str); 5] = [
        (&[], "`server.auth.issuer` is not set"),
        (&["--insecure", "--set", "server.listen=0.0.0.0:0"], "loopback"),
        (
            &["--insecure", "--set", "feed.silense=5s"],
            "did you mean `feed.silence`?",
        ),
        (
            &["--insecure", "--set", "marketplaces=[]"],
            "at least one marketplace",
        ),
        (&["--frobnicate"], "--frobnicate"),
    ];
    for (arguments, problem) in cases {
        let mut process = start(arguments, &[]);
        let status = process.wait(LONG).await.unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
        assert!(
            process.stderr().contains(problem),
            "{arguments:?}: {}",
            process.stderr()
        );
    }
}

fn with_token<T>(message: T, token: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let value = format!("Bearer {token}").parse().expect("plain text");
    request.metadata_mut().insert("authorization", value);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_served_under_tls_by_what_their_tokens_say() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("ours").unwrap());
    let (cert, private) = authority.sign().unwrap().write(folder.path(), "server").unwrap();
    let (key, keys) = (
        TokenKey::new("k", Signing::EdDsa).unwrap(),
        folder.path().join("jwks.json"),
    );
    std::fs::write(&keys, jwks(&[&key])).unwrap();
    let sets = [
        format!("server.tls.cert={}", cert.display()),
        format!("server.tls.key={}", private.display()),
        format!("server.auth.jwks={}", keys.display()),
        "server.auth.issuer=https://issuer.test".to_owned(),
    ];
    let arguments: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).collect();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost");
    let running = Running::with(&arguments, |endpoint| endpoint.tls_config(tls).unwrap()).await;
    let mut client = running.client();

    let token = |marketplace: &str, scope: &str| {
        key.token(&serde_json::json!({
            "iss": "https://issuer.test", "aud": ["tandem"], "exp": 4_000_000_000_u64,
            "sub": "mall", "marketplace": marketplace, "scope": scope,
        }))
    };
    let market = shop::marketplace();
    let good = with_token(of_phone(), &token(market.as_str(), "reco.read"));
    let answer = client.list_related_products(good).await.unwrap().into_inner();
    assert!(!answer.items.is_empty());

    let refusals = [
        (of_phone().into_request(), Code::Unauthenticated, "TOKEN_MISSING"),
        (
            with_token(of_phone(), "x"),
            Code::Unauthenticated,
            "TOKEN_INVALID",
        ),
        (
            with_token(of_phone(), &token(market.as_str(), "stock.write ops.admin")),
            Code::PermissionDenied,
            "SCOPE_MISSING",
        ),
        (
            with_token(of_phone(), &token("elsewhere", "reco.read")),
            Code::PermissionDenied,
            "MARKETPLACE_NOT_SERVED",
        ),
    ];
    for (request, code, reason) in refusals {
        let status = client.list_related_products(request).await.unwrap_err();
        let info = status.get_details_error_info().expect("a reason");
        assert_eq!(
            (status.code(), info.reason.as_str()),
            (code, reason),
            "{status:?}"
        );
    }
    let metrics = running.get("/metrics").await.unwrap();
    assert!(
        metrics.contains("tandem_auth_tokens_total{outcome=\"verified\""),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_effective_configuration_can_be_shown_without_its_secrets() {
    let mut process = start(
        &["--dump-config"],
        &[("TANDEM_REDIS_URL", "redis://me:hush@cache:6379/")],
    );
    assert_eq!(process.wait(LONG).await.unwrap().code(), Some(0));
    assert!(
        process.stdout().contains("redis://me:***@cache:6379/"),
        "{}",
        process.stdout()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_counted_by_outcome() {
    let running = Running::start().await;
    let mut client = running.client();
    let answered = async || {
        let answer = client
            .list_related_products(of_phone())
            .await
            .expect("an answer")
            .into_inner();
        !answer.freshness.expect("freshness").stale
    };
    wait_until(LONG, "a fresh answer", answered).await.unwrap();
    let unknown = ListRelatedProductsRequest {
        product_id: "nobody".into(),
        ..of_phone()
    };
    client.list_related_products(unknown).await.unwrap_err();
    let page = running.get("/metrics").await.unwrap();
    for line in [
        r#"tandem_gateway_answers_total{method="ListRelatedProducts",outcome="answered"}"#,
        r#"tandem_gateway_answers_total{method="ListRelatedProducts",outcome="refused"} 1"#,
        r#"tandem_gateway_stock_products{marketplace="default"} 12"#,
        r#"tandem_gateway_generation{marketplace="default"} 1"#,
        r#"tandem_gateway_stock_age_seconds{marketplace="default"}"#,
        r#"tandem_gateway_cache_duration_seconds_count{read="anchors"}"#,
        r#"tandem_gateway_dropped_total{reason="duplicate"}"#,
    ] {
        assert!(page.contains(line), "{line} is not in {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_gets_the_message_and_the_trailers_behind_it() {
    let origins = ["--insecure", "--set", "server.web.origins=http://page.test"];
    let running = Running::with(&origins, plain).await;
    let message = of_phone().encode_to_vec();
    let head = format!(
        "POST /tandem.v1.RelatedProducts/ListRelatedProducts HTTP/1.1\r\nHost: gateway\r\nOrigin: http://page.test\r\n\
         Content-Type: application/grpc-web+proto\r\nContent-Length: {}\r\nConnection: close\r\n\r\n\0",
        message.len() + 5
    );
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let request = [head.as_bytes(), &length, &message].concat();
    let mut stream = TcpStream::connect(&running.address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{text}");
    assert!(body.contains("case"), "the list stands in it: {text}");
    assert!(body.contains("grpc-status:0"), "it says how it ended: {text}");
}

/// Calls for ever; a call fails only when it could not be begun, because the gateway had gone.
async fn call(mut client: RelatedProductsClient<Channel>, answers: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    loop {
        match client.list_related_products(of_phone()).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                assert_eq!(answer.items.len(), 7, "{answer:?}");
                assert!(!answer.freshness.expect("freshness").suppressed);
                answers.fetch_add(1, Ordering::SeqCst);
            }
            Err(status) => {
                assert!(stop.load(Ordering::SeqCst), "failed before the end: {status:?}");
                assert!(never_begun(&status), "a call in progress failed: {status:?}");
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_fails_no_call_in_progress() {
    let mut running = Running::start().await;
    let (answers, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        callers.spawn(call(running.client(), Arc::clone(&answers), Arc::clone(&stop)));
    }
    // A connection that is open and quiet must not hold up the end.
    let quiet = Endpoint::from_shared(format!("http://{}", address(&running.process))).expect("an address");
    let quiet = quiet.connect().await.expect("it listens");
    RelatedProductsClient::new(quiet.clone())
        .list_related_products(of_phone())
        .await
        .expect("an answer");
    let busy = async || answers.load(Ordering::SeqCst) > 200;
    wait_until(LONG, "load", busy).await.unwrap();

    stop.store(true, Ordering::SeqCst);
    running.process.terminate().unwrap();
    let status = running.process.wait(LONG).await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", running.process.stderr());
    while let Some(caller) = callers.join_next().await {
        caller.expect("no call in progress failed");
    }
    drop(quiet);
    running.beats.shutdown().await;
}

/// Where the log says that it listens.
fn address(process: &Process) -> String {
    let log = process.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("listening") && line.contains("\"server\""));
    let line = line.unwrap_or_else(|| panic!("no address in {log}"));
    let text = line
        .split("server.address=")
        .nth(1)
        .expect("the address follows its name");
    text.split_whitespace().next().expect("an address").to_owned()
}
