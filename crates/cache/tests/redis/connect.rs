//! Which servers are taken.

use tandem_cache::error::CacheError;
use tandem_cache::port::Reads as _;
use tandem_cache::redis::RedisCache;
use tandem_testing::{RedisServer, free_port};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::server::{raw, unavailable};

async fn refused(url: &str) -> String {
    match RedisCache::connect(url).await {
        Err(CacheError::Misconfigured(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_evicts_is_refused() {
    let server = RedisServer::start().await.unwrap();
    raw(&server, "CONFIG SET maxmemory-policy allkeys-lru").await;
    assert!(
        refused(&server.url())
            .await
            .contains("maxmemory-policy to noeviction, not allkeys-lru")
    );
    raw(&server, "CONFIG SET maxmemory-policy noeviction").await;
    RedisCache::connect(&server.url())
        .await
        .unwrap()
        .ping()
        .await
        .unwrap();
}

/// A stand-in that says what an old server says.
#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let old = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        let mut greeted = 0;
        loop {
            let mut piece = [0; 4096];
            let read = client.read(&mut piece).await.unwrap();
            seen.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&seen).into_owned();
            let greetings = text.matches("SETINFO").count();
            for _ in greeted..greetings {
                client.write_all(b"-ERR unknown subcommand\r\n").await.unwrap();
            }
            greeted = greetings;
            if text.contains("INFO\r\n") && text.rfind("INFO\r\n") > text.rfind("SETINFO") {
                let info = "redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\n";
                let answer = format!("${}\r\n{info}\r\n", info.len());
                client.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    };
    let why = tokio::select! {
        why = refused(&url) => why,
        () = old => unreachable!("it serves for ever"),
    };
    assert!(why.contains("6.2.14 is too old"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    unavailable(RedisCache::connect(&format!("redis://127.0.0.1:{}/", free_port())).await);
}

#[tokio::test]
async fn no_refusal_tells_the_password() {
    for url in ["redis://:s3cret@[", "http://:s3cret@localhost/", "s3cret"] {
        assert!(!refused(url).await.contains("s3cret"));
    }
    let server = RedisServer::start().await.unwrap();
    let with_password = server.url().replace("redis://", "redis://:s3cret@");
    let why = refused(&with_password).await;
    assert!(why.contains("credentials") && !why.contains("s3cret"), "{why}");
}

#[tokio::test]
async fn a_password_is_used() {
    let server = RedisServer::start().await.unwrap();
    raw(&server, "CONFIG SET requirepass s3cret").await;
    assert!(refused(&server.url()).await.contains("forbids"));
    let with_password = server.url().replace("redis://", "redis://:s3cret@");
    RedisCache::connect(&with_password)
        .await
        .unwrap()
        .ping()
        .await
        .unwrap();
}
