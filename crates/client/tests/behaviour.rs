//! A server that answers as it is told, and what the client makes of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use tandem_client::{ConnectError, Connection, Settings, Token};
use tandem_proto::v1 as pb;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::stock_server::{Stock, StockServer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::util::MapResponseLayer;

/// What the server saw of one call.
#[derive(Debug, Clone)]
struct Seen {
    token: Option<String>,
    timeout: Option<String>,
}

enum Answer {
    Well,
    Refuse(Status),
    Late(Duration),
    /// HTTP's own after the delay, as a proxy answers for a server that it cannot reach.
    Bare(Duration, StatusCode),
}

/// Which HTTP status stands in the place of an answer.
const BARE: &str = "bare";

/// Takes everything of gRPC's own off an answer that says so.
fn bared(answer: http::Response<Body>) -> http::Response<Body> {
    let Some(code) = answer.headers().get(BARE) else {
        return answer;
    };
    let mut bare = http::Response::new(Body::empty());
    *bare.status_mut() = StatusCode::from_bytes(code.as_bytes()).expect("a status");
    bare
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    fn note<T>(&self, request: &Request<T>) -> Answer {
        let text = |name| {
            let value = request.metadata().get(name)?;
            Some(value.to_str().expect("plain text").to_owned())
        };
        self.seen.lock().unwrap().push(Seen {
            token: text("authorization"),
            timeout: text("grpc-timeout"),
        });
        self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Well)
    }

    async fn act<T: Default>(&self, answer: Answer) -> Result<Response<T>, Status> {
        match answer {
            Answer::Well => {}
            Answer::Refuse(status) => return Err(status),
            Answer::Late(delay) => tokio::time::sleep(delay).await,
            Answer::Bare(delay, code) => {
                tokio::time::sleep(delay).await;
                let mut status = Status::unavailable("taken off");
                status.metadata_mut().insert(BARE, code.as_str().parse().unwrap());
                return Err(status);
            }
        }
        Ok(Response::new(T::default()))
    }
}

#[tonic::async_trait]
impl Stock for Script {
    async fn report_stock(
        &self,
        request: Request<pb::ReportStockRequest>,
    ) -> Result<Response<pb::ReportStockResponse>, Status> {
        self.act(self.note(&request)).await
    }

    async fn batch_get_stock(
        &self,
        request: Request<pb::BatchGetStockRequest>,
    ) -> Result<Response<pb::BatchGetStockResponse>, Status> {
        self.act(self.note(&request)).await
    }

    async fn get_stock_policy(
        &self,
        request: Request<pb::GetStockPolicyRequest>,
    ) -> Result<Response<pb::ShopStockPolicy>, Status> {
        self.act(self.note(&request)).await
    }

    async fn update_stock_policy(
        &self,
        request: Request<pb::UpdateStockPolicyRequest>,
    ) -> Result<Response<pb::ShopStockPolicy>, Status> {
        self.act(self.note(&request)).await
    }
}

struct World {
    script: Script,
    client: StockClient<Connection>,
    _served: JoinSet<()>,
}

impl World {
    async fn with(settings: Settings, answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .layer(MapResponseLayer::new(bared))
            .add_service(StockServer::new(script.clone()));
        let mut served = JoinSet::new();
        served.spawn(async move {
            server
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .unwrap();
        });
        let connection = Connection::open(&url, &settings).await.unwrap();
        Self {
            script,
            client: StockClient::new(connection),
            _served: served,
        }
    }

    async fn read(&mut self) -> Result<(), Status> {
        let request = pb::BatchGetStockRequest::default();
        self.client.batch_get_stock(request).await.map(|_| ())
    }

    fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }
}

fn away() -> Answer {
    Answer::Refuse(Status::unavailable("away"))
}

fn away_for(delay: Duration) -> Answer {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(delay));
    Answer::Refuse(Status::with_error_details(Code::Unavailable, "away", details))
}

#[tokio::test]
async fn a_read_is_tried_again_while_the_server_is_unavailable() {
    let mut world = World::with(Settings::default(), [away(), away()]).await;
    world.read().await.unwrap();
    assert_eq!(world.seen().len(), 3);
}

#[tokio::test]
async fn a_read_is_given_up_after_its_last_attempt_and_other_refusals_are_not_repeated() {
    let mut world = World::with(Settings::default(), (0..9).map(|_| away())).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(world.seen().len(), 4);
    let refusal = Answer::Refuse(Status::not_found("gone"));
    let mut world = World::with(Settings::default(), [refusal]).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::NotFound);
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn a_write_is_never_repeated_by_itself() {
    let mut world = World::with(Settings::default(), [away()]).await;
    let request = pb::ReportStockRequest::default();
    let status = world.client.report_stock(request).await.unwrap_err();
    assert_eq!((status.code(), world.seen().len()), (Code::Unavailable, 1));
}

#[tokio::test]
async fn the_servers_own_delay_is_kept() {
    let delay = Duration::from_millis(300);
    let mut world = World::with(Settings::default(), [away_for(delay)]).await;
    let began = Instant::now();
    world.read().await.unwrap();
    assert!(began.elapsed() >= delay, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_delay_beyond_the_deadline_is_not_waited_for() {
    let settings = Settings {
        deadline: Some(Duration::from_secs(20)),
        ..Settings::default()
    };
    let mut world = World::with(settings, [away_for(Duration::from_secs(3600))]).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn every_call_has_a_deadline_and_an_attempt_the_rest_of_it() {
    let mut world = World::with(Settings::default(), [away()]).await;
    world.read().await.unwrap();
    let micros = |seen: &Seen| -> u64 {
        let text = seen.timeout.clone().expect("a deadline");
        text.trim_end_matches('u').parse().expect("microseconds")
    };
    let seen = world.seen();
    assert!(
        micros(&seen[1]) < micros(&seen[0]) && micros(&seen[0]) <= 10_000_000,
        "{seen:?}"
    );

    let settings = Settings {
        deadline: Some(Duration::from_millis(100)),
        ..Settings::default()
    };
    let mut world = World::with(settings, [Answer::Late(Duration::from_secs(60))]).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::DeadlineExceeded);
    let mut own = Request::new(pb::BatchGetStockRequest::default());
    own.set_timeout(Duration::from_secs(60));
    world.client.batch_get_stock(own).await.unwrap();
}

#[tokio::test]
async fn hedging_is_off_unless_it_is_asked_for_and_then_the_first_answer_counts() {
    let slow = || Answer::Late(Duration::from_secs(60));
    let settings = Settings {
        hedge_after: Some(Duration::from_millis(20)),
        ..Settings::default()
    };
    let mut world = World::with(settings, [slow()]).await;
    world.read().await.unwrap();
    assert_eq!(world.seen().len(), 2);

    let mut world = World::with(Settings::default(), [Answer::Late(Duration::from_millis(200))]).await;
    world.read().await.unwrap();
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn a_read_is_tried_again_while_a_proxy_cannot_reach_the_server() {
    for code in [
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ] {
        let mut world = World::with(Settings::default(), [Answer::Bare(Duration::ZERO, code)]).await;
        world.read().await.unwrap();
        assert_eq!(world.seen().len(), 2, "{code}");
    }
    let forbidden = Answer::Bare(Duration::ZERO, StatusCode::FORBIDDEN);
    let mut world = World::with(Settings::default(), [forbidden]).await;
    assert_eq!(world.read().await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(world.seen().len(), 1);
}

/// While the second answer is there and the first is not, what a proxy says is not taken for one.
#[tokio::test]
async fn what_a_proxy_says_of_a_hedged_read_is_no_answer_to_it() {
    let settings = Settings {
        hedge_after: Some(Duration::from_millis(20)),
        ..Settings::default()
    };
    let slow = Answer::Late(Duration::from_millis(300));
    let bare = Answer::Bare(Duration::ZERO, StatusCode::BAD_GATEWAY);
    let mut world = World::with(settings, [slow, bare]).await;
    world.read().await.unwrap();
    assert_eq!(world.seen().len(), 2, "the first answer was waited for");
}

#[tokio::test]
async fn reads_of_a_connection_share_what_repetitions_may_cost() {
    const CALLS: usize = 80;
    let world = World::with(Settings::default(), (0..9 * CALLS).map(|_| away())).await;
    let reads = (0..CALLS).map(|_| {
        let mut client = world.client.clone();
        async move { client.batch_get_stock(pb::BatchGetStockRequest::default()).await }
    });
    for outcome in futures::future::join_all(reads).await {
        assert_eq!(outcome.unwrap_err().code(), Code::Unavailable);
    }
    let attempts = world.seen().len();
    assert!(attempts < CALLS + 50, "{attempts} attempts for {CALLS} calls");
    // Another connection has a budget of its own.
    let mut other = World::with(Settings::default(), [away()]).await;
    other.read().await.unwrap();
}

#[tokio::test]
async fn the_token_goes_along_and_what_cannot_be_one_is_said_before_connecting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "abc.def.ghi\n").unwrap();
    let of = |token| Settings {
        token,
        ..Settings::default()
    };
    let mut world = World::with(of(Token::File(file)), []).await;
    world.read().await.unwrap();
    assert_eq!(world.seen()[0].token.as_deref(), Some("Bearer abc.def.ghi"));
    let missing = Connection::lazy("http://127.0.0.1:1", &of(Token::File("/no/such".into())));
    assert!(matches!(missing, Err(ConnectError::Unreadable { .. })));
    let nothing = folder.path().join("nothing");
    std::fs::write(&nothing, " \n").unwrap();
    let empty = Connection::lazy("http://127.0.0.1:1", &of(Token::File(nothing.clone()))).unwrap_err();
    assert_eq!(
        empty.to_string(),
        format!("the token file {} is empty", nothing.display())
    );
    let broken = Connection::lazy("http://127.0.0.1:1", &of(Token::Text("a\nb".to_owned())));
    assert!(matches!(broken, Err(ConnectError::Token)));
    let empty = Connection::lazy("http://127.0.0.1:1", &of(Token::Text(" \n".to_owned())));
    assert!(matches!(empty, Err(ConnectError::NoToken)));
    for url in ["nonsense", "ftp://host", "127.0.0.1:50051"] {
        let error = Connection::lazy(url, &Settings::default()).unwrap_err();
        assert!(matches!(error, ConnectError::Address(_)), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_token_stays_on_this_machine_or_goes_out_under_tls() {
    let mut settings = Settings {
        token: Token::Text("abc".to_owned()),
        ..Settings::default()
    };
    for near in [
        "http://localhost:1",
        "http://127.0.0.9:1",
        "http://[::1]:1",
        "https://shop.example:1",
    ] {
        assert!(Connection::lazy(near, &settings).is_ok(), "{near}");
    }
    let far = "http://gateway.shop.example:50051";
    let refused = Connection::lazy(far, &settings).unwrap_err();
    assert!(matches!(refused, ConnectError::PlainText(_)), "{refused}");
    assert!(refused.to_string().contains("--plain-text-token"), "{refused}");
    settings.plain_text_token = true;
    assert!(Connection::lazy(far, &settings).is_ok());
    settings = Settings::default();
    assert!(
        Connection::lazy(far, &settings).is_ok(),
        "without a token nothing is shown"
    );
}

#[tokio::test]
async fn a_deadline_without_an_end_is_no_trouble() {
    let settings = Settings {
        deadline: Some(Duration::MAX),
        ..Settings::default()
    };
    World::with(settings, []).await.read().await.unwrap();
}

/// A server that answers with these bytes, whatever it is asked.
async fn stuck_after(frames: &'static [u8], servers: &mut JoinSet<()>) -> Connection {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    servers.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(frames).await.unwrap();
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).await.unwrap();
    });
    let settings = Settings {
        deadline: Some(Duration::from_millis(300)),
        ..Settings::default()
    };
    Connection::lazy(&format!("http://{address}"), &settings).unwrap()
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_ends_at_the_deadline() {
    // SETTINGS, and the headers `:status: 200` of stream 1; no data ever comes.
    const FRAMES: &[u8] = &[
        0, 0, 0, 4, 0, 0, 0, 0, 0, //
        0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88,
    ];
    let mut servers = JoinSet::new();
    let connection = stuck_after(FRAMES, &mut servers).await;
    let mut client = StockClient::new(connection);
    let read = client.batch_get_stock(pb::BatchGetStockRequest::default());
    let outcome = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
    assert_eq!(outcome.unwrap_err().code(), Code::DeadlineExceeded);
}
