//! A server behind a door, and an issuer whose keys it reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use tandem_runtime::auth::{AuthConfig, Callers, Halt, QuotaConfig};
use tandem_runtime::backoff::chain;
use tandem_runtime::config::{RuntimeConfig, ServerConfig};
use tandem_runtime::grpc::{Guard, Guarded, Services};
use tandem_runtime::lifecycle::{Access, Shell, Shutdown};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest as Ask;
use tonic_types::StatusExt as _;

use super::hand::{Client, Hand};

const ISSUER: &str = "https://issuer.test";
pub(crate) const AUDIENCE: &str = "tandem";
/// The time at which the house stands, until it is told otherwise.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Claims that are good for a minute.
pub(crate) fn claims(caller: &str) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": caller, "exp": NOW + 60 })
}

pub(crate) fn code_and_reason(status: &Status) -> (Code, String) {
    let info = status
        .get_details_error_info()
        .expect("every error says its reason");
    (status.code(), info.reason)
}

/// Where an issuer publishes its keys.
pub(crate) enum Keys {
    File(tempfile::TempDir),
    Url(
        Arc<Page>,
        String,
        #[expect(dead_code, reason = "serves until it goes")] JoinSet<()>,
    ),
}

pub(crate) struct Page {
    text: std::sync::Mutex<String>,
    reads: AtomicUsize,
}

impl Keys {
    pub(crate) fn file(text: &str) -> Self {
        let keys = Self::File(tempfile::tempdir().expect("a folder"));
        keys.publish(text);
        keys
    }

    /// Plain HTTP on loopback.
    pub(crate) async fn url(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}/jwks", listener.local_addr().expect("bound"));
        let page = Arc::new(Page {
            text: std::sync::Mutex::new(text.to_owned()),
            reads: AtomicUsize::new(0),
        });
        let mut served = JoinSet::new();
        let shown = Arc::clone(&page);
        served.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 2048];
                let _ = stream.read(&mut request).await;
                shown.reads.fetch_add(1, Ordering::SeqCst);
                let text = shown.text.lock().expect("whole").clone();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    text.len()
                );
                let _ = stream.write_all((head + &text).as_bytes()).await;
            }
        });
        Self::Url(page, url, served)
    }

    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(folder) => folder.path().join("jwks.json").display().to_string(),
            Self::Url(_, url, _) => url.clone(),
        }
    }

    pub(crate) fn publish(&self, text: &str) {
        match self {
            Self::File(_) => {
                // Whole or not at all, as whoever rotates keys does it.
                let (place, new) = (PathBuf::from(self.place()), self.place() + ".new");
                std::fs::write(&new, text).expect("a file");
                std::fs::rename(new, place).expect("a file");
            }
            Self::Url(page, ..) => text.clone_into(&mut page.text.lock().expect("whole")),
        }
    }

    pub(crate) fn reads(&self) -> usize {
        match self {
            Self::File(_) => 0,
            Self::Url(page, ..) => page.reads.load(Ordering::SeqCst),
        }
    }
}

/// What the configuration's check says of keys at this place.
pub(crate) fn checked(place: &str) -> Result<(), String> {
    let auth = config(place);
    auth.check().map_err(|error| chain(&error))
}

fn config(place: &str) -> AuthConfig {
    let mut auth = RuntimeConfig::default().server.auth;
    auth.issuer = Some(ISSUER.to_owned());
    auth.jwks = Some(place.to_owned());
    auth
}

#[derive(Debug, serde::Deserialize)]
struct Caller {
    sub: String,
}

#[derive(Clone)]
struct Door(Callers<Caller>);

impl Guard for Door {
    fn admit(&self, _: &str, headers: &HeaderMap, extensions: &mut Extensions) -> Result<(), Halt> {
        let caller = self.0.recognise(headers)?;
        assert!(!caller.sub.is_empty());
        extensions.insert(caller);
        Ok(())
    }
}

/// A server that takes tokens.
pub(crate) struct House {
    pub(crate) keys: Keys,
    now: Arc<AtomicI64>,
    client: Mutex<Client<Channel>>,
    shutdown: Shutdown,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.abort("the test is over");
    }
}

impl House {
    pub(crate) async fn over(keys: Keys, change: impl FnOnce(&mut AuthConfig)) -> Self {
        Self::start(keys, |server| change(&mut server.auth)).await
    }

    pub(crate) async fn with_quota(keys: Keys, change: impl FnOnce(&mut QuotaConfig)) -> Self {
        Self::start(keys, |server| change(&mut server.quota)).await
    }

    async fn start(keys: Keys, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut server = RuntimeConfig::default().server;
        server.auth = config(&keys.place());
        change(&mut server);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let shutdown = Shutdown::new();
        let tasks = Tasks::new(shutdown.clone());
        let shell = Shell::new(
            server,
            Some(listener),
            Access::Tokens,
            shutdown.clone(),
            tasks.clone(),
            Readiness::new(),
        );
        let now = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&now);
        let anyone = Caller { sub: String::new() };
        let callers = shell
            .callers(anyone, Arc::new(move || clock.load(Ordering::SeqCst)))
            .await
            .expect("keys");
        let services = Services::new().with(Guarded::new(Hand::default(), Door(callers)));
        tasks.spawn_critical("serve", shell.serve(services));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect().await.expect("it listens");
        Self {
            keys,
            now,
            client: Mutex::new(Client::new(channel, &address)),
            shutdown,
        }
    }

    /// Moves the time of day on.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) async fn call(&self, token: &str) -> Result<(), Status> {
        self.call_with(Some(&format!("Bearer {token}"))).await
    }

    pub(crate) async fn call_with(&self, authorization: Option<&str>) -> Result<(), Status> {
        let mut request = Request::new(Ask::default());
        if let Some(value) = authorization {
            let value = value.parse().expect("plain text");
            request.metadata_mut().insert("authorization", value);
        }
        self.client
            .lock()
            .await
            .request("Fine", request)
            .await
            .map(|_| ())
    }
}
