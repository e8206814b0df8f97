//! The fault proxy, in front of an echo.

use std::time::Duration;

use tandem_testing::{Fault, FaultProxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

struct Echo {
    proxy: FaultProxy,
    _task: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback works");
        let proxy = FaultProxy::start(listener.local_addr().expect("loopback works").to_string())
            .await
            .expect("loopback works");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut reads, mut writes) = stream.into_split();
                    tokio::io::copy(&mut reads, &mut writes).await
                });
            }
        });
        Self { proxy, _task: task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address())
            .await
            .expect("loopback works")
    }
}

async fn round_trip(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer).expect("text"))
}

#[tokio::test]
async fn bytes_pass_and_a_half_close_is_handed_on() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    assert_eq!(round_trip(&mut stream, "hello").await.unwrap(), "hello");
    stream.shutdown().await.unwrap();
    assert_eq!(timeout(LONG, stream.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
    assert_eq!(echo.proxy.accepted(), 1);
}

#[tokio::test]
async fn a_slice_breaks_messages_into_pieces() {
    let echo = Echo::start().await;
    echo.proxy.set(Fault::Slice {
        bytes: 3,
        pause: Duration::from_millis(20),
    });
    let mut stream = echo.connect().await;
    stream.write_all(b"hello, world").await.unwrap();
    let mut first = [0; 64];
    let read = stream.read(&mut first).await.unwrap();
    assert!(read < 12, "{read} bytes arrived at once");
    let mut rest = vec![0; 12 - read];
    timeout(LONG, stream.read_exact(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert_eq!([&first[..read], &rest].concat(), b"hello, world");
}

#[tokio::test]
async fn a_delay_holds_bytes_back() {
    let echo = Echo::start().await;
    echo.proxy.set(Fault::Delay(SHORT));
    let started = tokio::time::Instant::now();
    assert_eq!(
        round_trip(&mut echo.connect().await, "hello").await.unwrap(),
        "hello"
    );
    assert!(started.elapsed() >= 2 * SHORT, "once there and once back");
}

#[tokio::test]
async fn a_cut_closes_open_and_new_connections_even_if_lifted_at_once() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    round_trip(&mut stream, "hello").await.unwrap();
    echo.proxy.set(Fault::Cut);
    let new = timeout(LONG, round_trip(&mut echo.connect().await, "hello"))
        .await
        .unwrap();
    assert!(new.is_err());
    echo.proxy.set(Fault::Pass);
    assert!(
        timeout(LONG, round_trip(&mut stream, "hello"))
            .await
            .unwrap()
            .is_err()
    );

    let mut stream = echo.connect().await;
    round_trip(&mut stream, "hello").await.unwrap();
    echo.proxy.set(Fault::Cut);
    echo.proxy.set(Fault::Pass);
    assert!(
        timeout(LONG, round_trip(&mut stream, "hello"))
            .await
            .unwrap()
            .is_err()
    );
}

#[tokio::test]
async fn a_black_hole_holds_everything_until_it_heals() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    round_trip(&mut stream, "hello").await.unwrap();
    echo.proxy.set(Fault::BlackHole);
    stream.write_all(b"later").await.unwrap();
    let mut answer = [0; 5];
    assert!(timeout(SHORT, stream.read_exact(&mut answer)).await.is_err());
    assert!(
        timeout(SHORT, round_trip(&mut echo.connect().await, "hello"))
            .await
            .is_err()
    );
    echo.proxy.set(Fault::Pass);
    timeout(LONG, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"later");
}

#[tokio::test]
async fn a_deaf_client_is_heard_and_hears_nothing_until_it_heals() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    round_trip(&mut stream, "hello").await.unwrap();
    echo.proxy.set(Fault::Deaf);
    stream.write_all(b"later").await.unwrap();
    let mut answer = [0; 5];
    assert!(timeout(SHORT, stream.read_exact(&mut answer)).await.is_err());
    echo.proxy.set(Fault::Pass);
    timeout(LONG, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"later");
}
