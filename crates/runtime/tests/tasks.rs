//! Tracked tasks, shutdown in two steps, and patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::channel::mpsc;
use tandem_runtime::backoff::{chain, retry_connect};
use tandem_runtime::lifecycle::Shutdown;
use tandem_runtime::tasks::Tasks;
use tokio::time::{Instant, timeout};

const LONG: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

fn error(text: &str) -> std::io::Error {
    std::io::Error::other(text.to_owned())
}

#[tokio::test]
async fn a_failing_critical_task_stops_the_process_and_names_itself() {
    let tasks = Tasks::new(Shutdown::new());
    let shutdown = Shutdown::new();
    let failing = Tasks::new(shutdown.clone());
    failing.spawn_critical("relay", async { Err(error("the stream is gone")) });
    timeout(LONG, shutdown.soft()).await.unwrap();
    timeout(LONG, failing.finished()).await.unwrap();
    assert_eq!(
        failing.failure().unwrap().to_string(),
        "task relay failed: the stream is gone"
    );
    assert!(tasks.failure().is_none(), "another set is not concerned");
}

#[tokio::test]
async fn a_panicking_critical_task_stops_the_process() {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    tasks.spawn_critical("relay", async {
        panic!("out of luck") as Result<(), std::io::Error>
    });
    timeout(LONG, shutdown.soft()).await.unwrap();
    timeout(LONG, tasks.finished()).await.unwrap();
    assert_eq!(tasks.failure().unwrap().cause, "panicked: out of luck");
}

#[tokio::test]
async fn other_tasks_may_panic_and_finished_ones_stop_nothing() {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    tasks.spawn("report", async { panic!("out of luck") });
    tasks.spawn_critical("import", async { Ok::<_, std::io::Error>(()) });
    timeout(LONG, tasks.finished()).await.unwrap();
    assert!(!shutdown.is_soft() && tasks.failure().is_none());
}

#[tokio::test]
async fn finished_waits_for_every_task() {
    let shutdown = Shutdown::new();
    let tasks = Tasks::new(shutdown.clone());
    let ended = Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let (shutdown, ended) = (shutdown.clone(), Arc::clone(&ended));
        tasks.spawn("waits", async move {
            shutdown.soft().await;
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    assert_eq!(tasks.running(), 3);
    assert!(
        timeout(Duration::from_millis(20), tasks.finished())
            .await
            .is_err()
    );
    shutdown.request("test");
    timeout(LONG, tasks.finished()).await.unwrap();
    assert_eq!(ended.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_is_soft_and_the_second_hard() {
    let shutdown = Shutdown::new();
    let (sender, signals) = mpsc::unbounded();
    let drive = shutdown.clone().drive(HOUR, signals);
    let steps = async {
        assert!(!shutdown.is_soft());
        sender.unbounded_send("SIGTERM").unwrap();
        shutdown.soft().await;
        assert!(!shutdown.is_hard());
        sender.unbounded_send("SIGINT").unwrap();
        shutdown.hard().await;
    };
    let started = Instant::now();
    tokio::join!(drive, steps);
    assert_eq!(shutdown.reason(), Some("SIGTERM"));
    assert!(started.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn the_drain_deadline_is_hard_whoever_asked_for_the_soft_step() {
    let shutdown = Shutdown::new();
    let (_sender, signals) = mpsc::unbounded();
    let drive = shutdown.clone().drive(HOUR, signals);
    let started = Instant::now();
    tokio::join!(drive, async { shutdown.request("a test") });
    assert!(shutdown.is_hard());
    assert_eq!((started.elapsed(), shutdown.reason()), (HOUR, Some("a test")));
}

#[tokio::test(start_paused = true)]
async fn a_connect_is_tried_until_it_succeeds() {
    let mut tries = 0;
    let connected = retry_connect("redis", HOUR, || {
        tries += 1;
        let outcome = if tries < 20 {
            Err(error("refused"))
        } else {
            Ok(tries)
        };
        async move { outcome }
    });
    assert_eq!(connected.await.unwrap(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_fails_to_the_end_says_what_and_why() {
    let started = Instant::now();
    let failed = retry_connect("redis", Duration::from_secs(60), async || {
        Err::<(), _>(error("refused"))
    })
    .await;
    assert!(started.elapsed() <= Duration::from_secs(60));
    assert_eq!(
        chain(&failed.unwrap_err()),
        "redis cannot be reached (60s long tried): refused"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_hangs_is_given_up() {
    let hang = || std::future::pending::<Result<(), std::io::Error>>();
    let failed = retry_connect("redis", Duration::from_secs(60), hang)
        .await
        .unwrap_err();
    assert!(failed.source.is_none());
}
