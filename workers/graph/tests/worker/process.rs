//! The binary: killed, paused and told to stop, with something between it and its stores.

use std::time::Duration;

use tandem_domain::generation::GenerationState;
use tandem_graph_worker::Collapse;
use tandem_runtime::lifecycle::Exit;
use tandem_store::{BuildScope, Job, JobKind, JobState};
use tandem_testing::{Fault, FaultProxy, Process, free_port, wait_until};

use crate::ground::{Ground, LONG};

const BINARY: &str = env!("CARGO_BIN_EXE_tandem-graph-worker");

struct Worker {
    process: Process,
    admin: String,
}

/// Starts the binary; `redis` is where it finds Redis.
fn start(ground: &Ground, redis: &str) -> Worker {
    let admin = format!("127.0.0.1:{}", free_port());
    let args = [
        format!("--set=admin.listen={admin}"),
        "--set=log.format=json".to_owned(),
        "--set=build.every=0s".to_owned(),
        "--set=increments.every=0s".to_owned(),
        "--set=jobs.lease=2s".to_owned(),
        "--set=jobs.idle=200ms".to_owned(),
        "--set=pointer.check_every=200ms".to_owned(),
    ];
    let environment = [
        ("TANDEM_DATABASE_URL", ground.database.as_ref().unwrap().url()),
        ("TANDEM_REDIS_URL", redis.to_owned()),
        (
            "TANDEM_SEGMENTS_PATH",
            ground.folder.path().join("segments").display().to_string(),
        ),
    ];
    Worker {
        process: Process::spawn(BINARY, args, environment).unwrap(),
        admin,
    }
}

impl Worker {
    async fn ready(&self) {
        wait_until(LONG, "/readyz", async || is_ready(&self.admin).await)
            .await
            .unwrap();
    }
}

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

async fn enqueue(ground: &Ground) -> Job {
    let kind = JobKind::build(BuildScope::Full);
    ground
        .deps
        .store
        .enqueue_job(&ground.context(), kind)
        .await
        .unwrap()
}

async fn becomes(ground: &Ground, job: &Job, state: JobState) -> Job {
    let read = async || {
        ground
            .deps
            .store
            .job(&ground.marketplace, &job.id)
            .await
            .unwrap()
            .unwrap()
    };
    wait_until(LONG, "the job's state", async || read().await.state == state)
        .await
        .unwrap();
    read().await
}

/// A proxy in front of Redis, and the URL by which a worker goes through it.
async fn before_redis(ground: &Ground) -> (FaultProxy, String) {
    let proxy = FaultProxy::start(ground.redis.as_ref().unwrap().address())
        .await
        .unwrap();
    let url = format!("redis://{}/", proxy.address());
    (proxy, url)
}

fn redis_url(ground: &Ground) -> String {
    ground.redis.as_ref().unwrap().url()
}

/// Waits until a build's segment file lies whole on storage: it is about to fill the cache.
async fn segment_appears(ground: &Ground, name: &str) {
    let there = async || ground.files().iter().any(|file| file == name);
    wait_until(LONG, "a segment file", there).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_publishing_it_leaves_the_old_graph_and_another_makes_the_new_one() {
    let ground = Ground::servers().await;
    ground.orders(0, 200).await;
    let old = ground.build(Collapse::Refuse).await.unwrap();
    let (proxy, url) = before_redis(&ground).await;
    let mut doomed = start(&ground, &url);
    doomed.ready().await;
    proxy.set(Fault::BlackHole);
    ground.orders(200, 400).await;
    let job = enqueue(&ground).await;
    segment_appears(&ground, "2.segment").await;
    doomed.process.kill9().unwrap();
    doomed.process.wait(LONG).await.unwrap();
    assert_eq!(ground.serving().await.unwrap().no, old.generation);
    assert_eq!(ground.cached().await, Some(old.generation.0));
    assert!(ground.lists_are_served().await);

    let other = start(&ground, &redis_url(&ground));
    other.ready().await;
    let job = becomes(&ground, &job, JobState::Succeeded).await;
    let new = job.generation.unwrap();
    assert!(new > old.generation);
    assert_eq!(ground.serving().await.unwrap().no, new);
    ground.cached_becomes(new.0).await;
    assert!(ground.lists_are_served().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_past_its_lease_it_publishes_nothing_when_it_goes_on() {
    let ground = Ground::servers().await;
    ground.orders(0, 200).await;
    let (proxy, url) = before_redis(&ground).await;
    let mut paused = start(&ground, &url);
    paused.ready().await;
    proxy.set(Fault::BlackHole);
    let job = enqueue(&ground).await;
    segment_appears(&ground, "1.segment").await;
    paused.process.signal("STOP").unwrap();
    proxy.set(Fault::Pass);

    let other = start(&ground, &redis_url(&ground));
    other.ready().await;
    let done = becomes(&ground, &job, JobState::Succeeded)
        .await
        .generation
        .unwrap();
    ground.cached_becomes(done.0).await;
    paused.process.signal("CONT").unwrap();
    paused
        .process
        .wait_for_output("lease is lost", LONG)
        .await
        .unwrap();
    paused.ready().await;
    assert_eq!(ground.serving().await.unwrap().no, done);
    assert_eq!(ground.cached().await, Some(done.0));
    let published = ground.generations().await;
    let published = published
        .iter()
        .filter(|it| it.state == GenerationState::Published)
        .count();
    assert_eq!(published, 1, "one generation for one job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_make_one_generation_per_job() {
    let ground = Ground::servers().await;
    ground.orders(0, 100).await;
    let workers = [
        start(&ground, &redis_url(&ground)),
        start(&ground, &redis_url(&ground)),
    ];
    for worker in &workers {
        worker.ready().await;
    }
    for _ in 0..4 {
        let job = enqueue(&ground).await;
        becomes(&ground, &job, JobState::Succeeded).await;
    }
    assert_eq!(ground.generations().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_hands_a_build_back_and_ends_in_order() {
    let ground = Ground::servers().await;
    ground.orders(0, 100).await;
    let (proxy, url) = before_redis(&ground).await;
    let mut worker = start(&ground, &url);
    worker.ready().await;
    proxy.set(Fault::BlackHole);
    let job = enqueue(&ground).await;
    segment_appears(&ground, "1.segment").await;
    worker.process.terminate().unwrap();
    let status = worker.process.wait(LONG).await.unwrap();
    assert_eq!(
        status.code(),
        Some(Exit::Clean.code().into()),
        "{}",
        worker.process.stderr()
    );

    let other = start(&ground, &redis_url(&ground));
    becomes(&ground, &job, JobState::Succeeded).await;
    other.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_an_idle_worker_with_0() {
    let ground = Ground::servers().await;
    let mut worker = start(&ground, &redis_url(&ground));
    worker.ready().await;
    worker.process.terminate().unwrap();
    let status = worker.process.wait(LONG).await.unwrap();
    assert_eq!(
        status.code(),
        Some(Exit::Clean.code().into()),
        "{}",
        worker.process.stderr()
    );
}

#[tokio::test]
async fn a_bad_setting_ends_it_with_2_before_it_listens() {
    let nothing: [(&str, &str); 0] = [];
    let mut process = Process::spawn(BINARY, ["--set=build.evry=1s"], nothing).unwrap();
    let status = process.wait(Duration::from_secs(30)).await.unwrap();
    assert_eq!(status.code(), Some(Exit::BadConfig.code().into()));
    assert!(process.stderr().contains("build.every"), "{}", process.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_no_formula_can_use_end_it_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("params.json");
    std::fs::write(&path, r#"{"diversity":{"lambda":7.0}}"#).unwrap();
    let nothing: [(&str, String); 0] = [];
    let args = [format!("--set=build.params={}", path.display())];
    let mut process = Process::spawn(BINARY, args, nothing).unwrap();
    let status = process.wait(LONG).await.unwrap();
    assert_eq!(status.code(), Some(2));
    let said = process.stderr();
    assert!(
        said.contains("build.params") && said.contains("diversity.lambda"),
        "{said}"
    );
}
