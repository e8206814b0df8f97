//! The private Redis.

use std::time::Duration;

use tandem_testing::{RedisServer, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(20);

async fn ask(address: &str, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.replace("\r\n", " "))
}

#[tokio::test]
async fn every_start_is_a_server_of_its_own_that_never_evicts() {
    let (one, other) = (
        RedisServer::start().await.unwrap(),
        RedisServer::start().await.unwrap(),
    );
    assert_ne!(one.url(), other.url());
    assert!(
        ask(&one.address(), "SET here 1")
            .await
            .unwrap()
            .starts_with("+OK")
    );
    assert!(
        ask(&other.address(), "GET here")
            .await
            .unwrap()
            .starts_with("$-1")
    );
    assert!(
        ask(&one.address(), "CONFIG GET maxmemory-policy")
            .await
            .unwrap()
            .contains("noeviction")
    );
}

#[tokio::test]
async fn a_restart_keeps_the_port_and_loses_the_data() {
    let mut redis = RedisServer::start().await.unwrap();
    let url = redis.url();
    ask(&redis.address(), "SET here 1").await.unwrap();
    redis.kill();
    assert!(TcpStream::connect(redis.address()).await.is_err());
    redis.restart_empty().await.unwrap();
    assert_eq!(redis.url(), url);
    assert!(
        ask(&redis.address(), "GET here")
            .await
            .unwrap()
            .starts_with("$-1")
    );
}

#[tokio::test]
async fn a_paused_server_is_silent_until_resumed() {
    let redis = RedisServer::start().await.unwrap();
    redis.pause().unwrap();
    assert!(
        timeout(Duration::from_millis(100), ask(&redis.address(), "PING"))
            .await
            .is_err()
    );
    redis.resume().unwrap();
    assert!(
        timeout(LONG, ask(&redis.address(), "PING"))
            .await
            .unwrap()
            .unwrap()
            .starts_with("+PONG")
    );
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let redis = RedisServer::start().await.unwrap();
    let address = redis.address();
    drop(redis);
    wait_until(LONG, "the port to refuse", async || {
        TcpStream::connect(&address).await.is_err()
    })
    .await
    .unwrap();
}
