//! The binary: killed, paused and told to stop.

use std::time::Duration;

use tandem_runtime::lifecycle::Exit;
use tandem_testing::{Process, free_port, wait_until};

use crate::ground::{Ground, LONG};

const BINARY: &str = env!("CARGO_BIN_EXE_tandem-inventory-worker");

fn start(ground: &mut Ground, set: &[&str]) -> (Process, String) {
    let admin = format!("127.0.0.1:{}", free_port());
    let mut args = vec![
        format!("--set=admin.listen={admin}"),
        "--set=log.format=json".to_owned(),
        // Far beyond the test: what it heals must not be what these tests look at.
        "--set=reconcile.every=1h".to_owned(),
    ];
    args.extend(set.iter().map(|set| format!("--set={set}")));
    let environment = [
        ("TANDEM_DATABASE_URL", ground.database_url.clone()),
        ("TANDEM_REDIS_URL", ground.redis().url()),
        (
            "TANDEM_SEGMENTS_PATH",
            ground.folder.path().join("segments").display().to_string(),
        ),
    ];
    (Process::spawn(BINARY, args, environment).unwrap(), admin)
}

async fn ready(process: &mut Process) {
    process.wait_for_output("\"listening\"", LONG).await.unwrap();
}

/// Whether `GET /readyz` says so.
async fn is_ready(admin: &str) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::TcpStream::connect(admin).await else {
        return false;
    };
    let request = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).await.is_ok()
        && stream.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

async fn becomes_ready(admin: &str) {
    wait_until(LONG, "/readyz", async || is_ready(admin).await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_many_points_under_a_stream_of_reports_it_loses_nothing() {
    const SKUS: u32 = 12;
    const KILLS: u64 = 15;
    let mut ground = Ground::servers().await;
    ground.catalogue(SKUS).await;
    let (mut process, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    let mut version = 0;
    for kill in 1..=KILLS {
        // A different number of reports each time, so that the kill falls into different moments of the path:
        // while it starts, between outbox and stream, between stream and cache, before the acknowledgement.
        for _ in 0..=(kill * 7 % 11) {
            version += 1;
            let n = u32::try_from(version % u64::from(SKUS)).unwrap();
            ground.report(n, i64::try_from(version).unwrap(), version).await;
        }
        process.kill9().unwrap();
        process.wait(LONG).await.unwrap();
        version += 1;
        ground.report(0, i64::try_from(version).unwrap(), version).await;
        process = start(&mut ground, &[]).0;
        if kill % 3 == 0 {
            ready(&mut process).await;
        }
        if kill % 5 == 0 {
            ground.cached_becomes(0, i64::try_from(version).unwrap()).await;
        }
    }
    ground.cache_equals_sql(SKUS).await;
    let cache = ground.deps.cache.clone();
    let settled = async || {
        cache
            .backlog(&ground.marketplace)
            .await
            .is_ok_and(|backlog| backlog <= 2)
    };
    wait_until(LONG, "what the dead workers held to be settled", settled)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_paused_worker_holds_is_taken_over() {
    let mut ground = Ground::servers().await;
    ground.catalogue(6).await;
    let (paused, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    let (_other, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    paused.signal("STOP").unwrap();
    for round in 1..=10 {
        for n in 0..6 {
            ground.report(n, round, u64::try_from(round).unwrap()).await;
        }
    }
    ground.cache_equals_sql(6).await;
    // Its late writes are older than what stands there by now.
    for n in 0..6 {
        ground.report(n, 77, 20).await;
    }
    ground.cache_equals_sql(6).await;
    paused.signal("CONT").unwrap();
    becomes_ready(&admin).await;
    ground.report(0, 78, 21).await;
    ground.cached_becomes(0, 78).await;
    ground.cache_equals_sql(6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_in_order() {
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let (mut process, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    ground.report(0, 9, 1).await;
    ground.cached_becomes(0, 9).await;
    process.terminate().unwrap();
    let status = process.wait(LONG).await.unwrap();
    assert_eq!(
        status.code(),
        Some(Exit::Clean.code().into()),
        "{}",
        process.stderr()
    );
    assert!(process.stderr().contains("\"stopped\""), "{}", process.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_away_makes_it_not_ready_and_back_makes_it_ready() {
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let (_process, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    ground.redis().kill();
    wait_until(LONG, "503", async || !is_ready(&admin).await)
        .await
        .unwrap();
    ground.report(0, 3, 1).await;
    ground.redis().restart_empty().await.unwrap();
    ground.cached_becomes(0, 3).await;
    becomes_ready(&admin).await;
}

#[tokio::test]
async fn a_bad_setting_ends_it_with_2_before_it_listens() {
    let nothing: [(&str, &str); 0] = [];
    let mut process = Process::spawn(BINARY, ["--set=heartbeat.evry=1s"], nothing).unwrap();
    let status = process.wait(Duration::from_secs(30)).await.unwrap();
    assert_eq!(status.code(), Some(Exit::BadConfig.code().into()));
    assert!(
        process.stderr().contains("heartbeat.every"),
        "{}",
        process.stderr()
    );
}
