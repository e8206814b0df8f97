//! TLS: certificates that are good, expired, foreign, changed under load; clients that must show one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tandem_runtime::backoff::chain;
use tandem_runtime::config::RuntimeConfig;
use tandem_testing::{Authority, Certificate, wait_until};
use tokio::task::JoinSet;
use tonic::transport::{Certificate as Trusted, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use super::hand::Client;
use super::server::{LONG, TestServer};

fn authority(name: &str) -> Authority {
    Authority::new(name).expect("randomness")
}

/// A server under this certificate, whose files are looked at all the time, on lanes that shake hands by themselves.
async fn serving(folder: &Path, certificate: &Certificate, client_ca: Option<&Authority>) -> TestServer {
    let (cert, key) = certificate.write(folder, "server").expect("files");
    let client_ca = client_ca.map(|authority| {
        let path = folder.join("clients.pem");
        std::fs::write(&path, authority.pem()).expect("a file");
        path
    });
    TestServer::with(|server| {
        server.lanes = "2".parse().ok();
        server.tls.cert = Some(cert);
        server.tls.key = Some(key);
        server.tls.client_ca = client_ca;
        server.tls.reload_interval = Duration::from_millis(10);
    })
    .await
}

/// Connects as one who trusts `authority` and shows `identity`.
async fn connect(
    server: &TestServer,
    authority: &Authority,
    identity: Option<&Certificate>,
) -> Result<Channel, Error> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Trusted::from_pem(authority.pem()))
        .domain_name("localhost");
    if let Some(identity) = identity {
        tls = tls.identity(Identity::from_pem(&identity.cert, &identity.key));
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", server.address)).expect("an address");
    endpoint.tls_config(tls)?.connect().await
}

/// Whether a call gets through. Under TLS 1.3 a client learns only then that its certificate was refused.
async fn calls(server: &TestServer, authority: &Authority, identity: Option<&Certificate>) -> bool {
    match connect(server, authority, identity).await {
        Ok(channel) => Client::new(channel, &server.address).call("Fine").await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_through_and_no_other() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let folder = tempfile::tempdir().unwrap();
    let server = serving(folder.path(), &ours.sign().unwrap(), None).await;
    assert!(calls(&server, &ours, None).await);
    assert!(!calls(&server, &theirs, None).await);
    let plain = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let plain = async {
        let channel = plain.connect().await.ok()?;
        Client::new(channel, &server.address).call("Fine").await.ok()
    };
    assert!(plain.await.is_none(), "plain text is not served");
    assert!(calls(&server, &ours, None).await);
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted() {
    let ours = authority("ours");
    let folder = tempfile::tempdir().unwrap();
    let server = serving(folder.path(), &ours.sign_expired().unwrap(), None).await;
    assert!(!calls(&server, &ours, None).await);
}

#[tokio::test]
async fn clients_must_show_a_certificate_of_the_named_authority() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let folder = tempfile::tempdir().unwrap();
    let server = serving(folder.path(), &ours.sign().unwrap(), Some(&ours)).await;
    let (good, foreign, expired) = (
        ours.sign().unwrap(),
        theirs.sign().unwrap(),
        ours.sign_expired().unwrap(),
    );
    assert!(calls(&server, &ours, Some(&good)).await);
    assert!(!calls(&server, &ours, None).await);
    assert!(!calls(&server, &ours, Some(&foreign)).await);
    assert!(!calls(&server, &ours, Some(&expired)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_changed_while_calls_go_on_and_none_fails() {
    let (old, new) = (authority("old"), authority("new"));
    let folder = tempfile::tempdir().unwrap();
    let server = serving(folder.path(), &old.sign().unwrap(), None).await;
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let channel = connect(&server, &old, None).await.unwrap();
        let mut client = Client::new(channel, &server.address);
        let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
        callers.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                client.call("Fine").await.expect("no call fails");
                answered.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    // One file after the other: between the two they do not fit, and the old pair stays.
    let changed = new.sign().unwrap();
    std::fs::write(folder.path().join("server.pem"), &changed.cert).unwrap();
    for _ in 0..20 {
        assert!(calls(&server, &old, None).await, "half a change changes nothing");
    }
    std::fs::write(folder.path().join("server.key"), &changed.key).unwrap();
    wait_until(LONG, "the new certificate", async || {
        calls(&server, &new, None).await
    })
    .await
    .unwrap();
    assert!(
        !calls(&server, &old, None).await,
        "new connections are under the new one"
    );
    let before = answered.load(Ordering::SeqCst);
    let go_on = async || answered.load(Ordering::SeqCst) > before + 100;
    wait_until(LONG, "calls after the change", go_on).await.unwrap();
    over.store(true, Ordering::SeqCst);
    callers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_shake_hands_hold_up_nobody() {
    let ours = authority("ours");
    let folder = tempfile::tempdir().unwrap();
    let server = serving(folder.path(), &ours.sign().unwrap(), None).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(tokio::net::TcpStream::connect(&server.address).await.unwrap());
    }
    let served = tokio::time::timeout(Duration::from_secs(4), calls(&server, &ours, None));
    assert!(served.await.expect("before the silent are given up"));
    drop(silent);
    server.shutdown.request("done");
    server.shutdown.abort("at once");
    server.ended().await;
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_their_names() {
    let (ours, folder) = (authority("ours"), tempfile::tempdir().unwrap());
    let place = |name: &str| folder.path().join(name);
    ours.sign().unwrap().write(folder.path(), "a").unwrap();
    ours.sign().unwrap().write(folder.path(), "b").unwrap();
    std::fs::write(place("empty"), "").unwrap();
    let cases = [
        ("a.pem", "", "", "`server.tls.key` is not set"),
        ("", "a.key", "", "`server.tls.cert` is not set"),
        ("", "", "a.pem", "`server.tls.cert` is not set"),
        ("a.pem", "b.key", "", "is not that of the certificate in"),
        ("none.pem", "a.key", "", "cannot read"),
        ("a.pem", "none.key", "", "none.key"),
        ("empty", "a.key", "", "holds no certificate"),
        ("a.pem", "a.pem", "", "holds no private key"),
        ("a.pem", "a.key", "empty", "holds no certificate"),
    ];
    for (cert, key, client_ca, problem) in cases {
        let given = |name: &str| (!name.is_empty()).then(|| place(name));
        let mut tls = RuntimeConfig::default().server.tls;
        (tls.cert, tls.key, tls.client_ca) = (given(cert), given(key), given(client_ca));
        let error = chain(&tls.check().unwrap_err());
        assert!(error.contains(problem), "{cert} {key} {client_ca}: {error}");
    }
}
