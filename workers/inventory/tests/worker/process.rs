//! The binary: killed, paused and told to stop.

use std::collections::BTreeMap;
use std::time::Duration;

use tandem_runtime::lifecycle::Exit;
use tandem_testing::{Fault, FaultProxy, Process, free_port, wait_until};

use crate::ground::{Ground, LONG};

const BINARY: &str = env!("CARGO_BIN_EXE_tandem-inventory-worker");

pub(crate) fn start(ground: &mut Ground, set: &[&str]) -> (Process, String) {
    let redis = ground.redis().url();
    start_at(ground, &redis, set)
}

/// Starts the binary, which finds Redis at `redis`; returns it with the address of its admin endpoint.
fn start_at(ground: &Ground, redis: &str, set: &[&str]) -> (Process, String) {
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
        ("TANDEM_REDIS_URL", redis.to_owned()),
        (
            "TANDEM_SEGMENTS_PATH",
            ground.folder.path().join("segments").display().to_string(),
        ),
    ];
    (Process::spawn(BINARY, args, environment).unwrap(), admin)
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

pub(crate) async fn becomes_ready(admin: &str) {
    wait_until(LONG, "/readyz", async || is_ready(admin).await)
        .await
        .unwrap();
}

/// Waits until some relay holds rows of the outbox: a row that cannot be locked is held.
async fn claimed_rows_appear(ground: &Ground) {
    let held = async || {
        let count = "SELECT (SELECT count(*) FROM outbox) - \
                     (SELECT count(*) FROM (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) AS free)";
        ground.psql(count).await.parse::<i64>().is_ok_and(|held| held > 0)
    };
    wait_until(LONG, "a claim on the outbox", held).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_many_points_under_a_stream_of_reports_it_loses_nothing() {
    const SKUS: u32 = 12;
    const KILLS: u64 = 24;
    let mut ground = Ground::servers().await;
    ground.catalogue(SKUS).await;
    let (mut process, mut admin) = start(&mut ground, &[]);
    let mut acknowledged = BTreeMap::new();
    let mut version = 0;
    for kill in 1..=KILLS {
        // Some are killed while they start, most in the middle of their work.
        if kill % 4 != 0 {
            becomes_ready(&admin).await;
        }
        // A different number of reports each time, so that the kill falls into different moments of the path:
        // between commit and outbox, outbox and stream, stream and cache, cache and acknowledgement.
        for _ in 0..=(kill * 7 % 11) {
            version += 1;
            let n = u32::try_from(version % u64::from(SKUS)).unwrap();
            let available = i64::try_from(version).unwrap();
            ground.report(n, available, version).await;
            acknowledged.insert(n, available);
        }
        process.kill9().unwrap();
        process.wait(LONG).await.unwrap();
        (process, admin) = start(&mut ground, &[]);
    }
    for (n, available) in acknowledged {
        ground.cached_becomes(n, available).await;
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
async fn what_a_relay_that_hangs_has_claimed_is_relayed_by_another() {
    let mut ground = Ground::servers().await;
    ground.catalogue(1).await;
    let proxy = FaultProxy::start(ground.redis().address()).await.unwrap();
    let (hanging, admin) = start_at(&ground, &format!("redis://{}/", proxy.address()), &[]);
    becomes_ready(&admin).await;
    proxy.set(Fault::BlackHole);
    ground.report(0, 5, 1).await;
    // Of the rows that the report left, some are claimed by now; the claim lasts as long as the process hangs.
    claimed_rows_appear(&ground).await;
    hanging.signal("STOP").unwrap();
    let (_other, admin) = start(&mut ground, &[]);
    becomes_ready(&admin).await;
    ground.cached_becomes(0, 5).await;
    hanging.signal("CONT").unwrap();
    proxy.set(Fault::Pass);
    ground.report(0, 6, 2).await;
    ground.cached_becomes(0, 6).await;
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
