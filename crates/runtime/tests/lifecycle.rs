//! Whole processes: configuration, signals, drain, exit codes.

#[path = "lifecycle/http.rs"]
mod http;
#[path = "lifecycle/process.rs"]
mod process;

use http::get;
use process::{LONG, address, exit_code, log, start};
use tandem_testing::{Process, free_port, wait_until};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Not a test: the process that the others start.
#[test]
#[ignore = "started by the other tests"]
fn a_process() {
    process::be();
}

async fn ready(process: &Process) -> String {
    let admin = address(process, "admin").await;
    wait_until(LONG, "readiness", async || {
        get(&admin, "/readyz")
            .await
            .is_ok_and(|answer| answer.status == 200)
    })
    .await
    .expect("it becomes ready");
    admin
}

/// A call that goes on until the server ends it.
async fn open_call(process: &Process) -> tonic::Streaming<tonic_health::pb::HealthCheckResponse> {
    let server = format!("http://{}", address(process, "server").await);
    let channel = Endpoint::from_shared(server)
        .expect("an address")
        .connect()
        .await
        .expect("it listens");
    let watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await
        .expect("health is there");
    let mut stream = watch.into_inner();
    stream.message().await.expect("a first state");
    stream
}

#[tokio::test]
async fn sigterm_and_sigint_end_an_idle_process_with_0() {
    for signal in ["TERM", "INT"] {
        let mut process = start(&[], &[]);
        ready(&process).await;
        process.signal(signal).unwrap();
        assert_eq!(exit_code(&mut process).await, 0, "{}", process.stderr());
        let reason = format!("SIG{signal}");
        assert!(
            log(&process)
                .iter()
                .any(|line| line["shutdown.reason"] == reason.as_str()),
            "{}",
            process.stderr()
        );
    }
}

#[tokio::test]
async fn while_it_drains_it_is_alive_and_not_ready() {
    let mut process = start(&["--set", "shutdown.drain=1h"], &[]);
    let admin = ready(&process).await;
    let stream = open_call(&process).await;
    process.terminate().unwrap();
    let draining = async || {
        get(&admin, "/readyz")
            .await
            .is_ok_and(|answer| answer.status == 503)
    };
    wait_until(LONG, "not ready", draining).await.unwrap();
    assert!(
        get(&admin, "/readyz")
            .await
            .unwrap()
            .body
            .contains(r#""draining":true"#)
    );
    assert_eq!(get(&admin, "/healthz").await.unwrap().status, 200);
    drop(stream);
    assert_eq!(exit_code(&mut process).await, 0, "{}", process.stderr());
}

#[tokio::test]
async fn the_drain_deadline_cuts_off_what_is_in_progress_and_ends_with_1() {
    let mut process = start(&["--set", "shutdown.drain=200ms"], &[]);
    let mut stream = open_call(&process).await;
    process.terminate().unwrap();
    while let Ok(message) = stream.message().await {
        assert!(message.is_some(), "a cut stream does not end cleanly");
    }
    assert_eq!(exit_code(&mut process).await, 1, "{}", process.stderr());
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_the_drain() {
    let mut process = start(&["--set", "shutdown.drain=1h"], &[]);
    let admin = ready(&process).await;
    let _stream = open_call(&process).await;
    process.terminate().unwrap();
    let draining = async || {
        get(&admin, "/readyz")
            .await
            .is_ok_and(|answer| answer.status == 503)
    };
    wait_until(LONG, "not ready", draining).await.unwrap();
    process.terminate().unwrap();
    assert_eq!(exit_code(&mut process).await, 1, "{}", process.stderr());
}

#[tokio::test]
async fn a_body_that_does_not_listen_is_left_behind_at_the_hard_stop() {
    let mut process = start(&["--set", "test.body=deaf", "--set", "shutdown.drain=50ms"], &[]);
    address(&process, "admin").await;
    process.terminate().unwrap();
    assert_eq!(exit_code(&mut process).await, 1, "{}", process.stderr());
}

#[tokio::test]
async fn a_body_that_ends_ends_the_process_after_its_tasks() {
    let mut process = start(&[], &[("TANDEM_TEST_BODY", "slow task")]);
    assert_eq!(exit_code(&mut process).await, 0);
    assert!(
        process.stderr().contains("the task has ended"),
        "{}",
        process.stderr()
    );
    let mut process = start(&[], &[("TANDEM_TEST_BODY", "finish")]);
    assert_eq!(exit_code(&mut process).await, 0);
}

#[tokio::test]
async fn failures_end_the_process_with_1_and_stand_in_the_log() {
    for (body, cause) in [
        ("fail", "the body's own error"),
        ("panic", "panicked: the body's own panic"),
        ("task", "task fragile failed: the task's own error"),
    ] {
        let mut process = start(&[], &[("TANDEM_TEST_BODY", body)]);
        assert_eq!(exit_code(&mut process).await, 1, "{body}");
        let last = log(&process).pop().expect("a log");
        assert_eq!(
            (last["level"].as_str(), last["error"].as_str()),
            (Some("ERROR"), Some(cause)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn told_to_stop_while_connecting_is_an_end_in_order() {
    let mut process = start(&["--set", "test.body=unreachable"], &[]);
    let admin = address(&process, "admin").await;
    let connecting = async || {
        get(&admin, "/readyz")
            .await
            .is_ok_and(|answer| answer.body.contains("connecting to peer"))
    };
    wait_until(LONG, "the check to say so", connecting).await.unwrap();
    process.terminate().unwrap();
    assert_eq!(exit_code(&mut process).await, 0, "{}", process.stderr());
}

#[tokio::test]
async fn a_bad_configuration_ends_with_2_before_listening() {
    for (arguments, message) in [
        (vec!["--set", "log.levle=info"], "did you mean `log.level`?"),
        (vec!["--set", "shutdown.drain=soon"], "is not a duration"),
        (vec!["--set", "log.level=loud=er="], "`log.level`"),
        (
            vec!["--set", "telemetry.otlp_endpoint=:::"],
            "`telemetry.otlp_endpoint`",
        ),
        (vec!["--set", "server.listen="], "`server.listen` is not set"),
        (vec!["--config", "/no/such.toml"], "/no/such.toml"),
        (
            vec!["--insecure", "--set", "server.listen=0.0.0.0:0"],
            "loopback only",
        ),
        (vec!["--insecurr"], "--insecure"),
        (
            vec!["--set", "server.listen=0.0.0.0:0"],
            "`server.tls.cert` is not set",
        ),
        (
            vec!["--set", "server.auth.issuer="],
            "`server.auth.issuer` is not set",
        ),
        (vec!["--set", "server.auth.jwks=/no/such.json"], "/no/such.json"),
        (
            vec!["--set", "server.auth.jwks=http://issuer.test/"],
            "on loopback",
        ),
        (vec!["--set", "server.auth.leeway=6m"], "`server.auth.leeway`"),
        (
            vec!["--set", "server.tls.cert=/no/such.pem"],
            "`server.tls.key` is not set",
        ),
        (
            vec![
                "--set",
                "server.tls.cert=/no/such.pem",
                "--set",
                "server.tls.key=/no/such.key",
            ],
            "cannot read /no/such.pem",
        ),
    ] {
        let mut process = start(&arguments, &[]);
        assert_eq!(
            exit_code(&mut process).await,
            2,
            "{arguments:?}: {}",
            process.stderr()
        );
        assert!(
            process.stderr().contains(message),
            "{arguments:?}: {}",
            process.stderr()
        );
        assert!(
            !process.stderr().contains("listening"),
            "{arguments:?}: {}",
            process.stderr()
        );
    }
}

#[tokio::test]
async fn a_port_that_is_taken_ends_with_1_and_is_named() {
    let listen = format!("127.0.0.1:{}", free_port());
    let _taken = std::net::TcpListener::bind(&listen).unwrap();
    let mut process = start(&["--set", &format!("server.listen={listen}")], &[]);
    assert_eq!(exit_code(&mut process).await, 1);
    assert!(process.stderr().contains(&listen), "{}", process.stderr());
}

#[tokio::test]
async fn insecure_is_handed_to_the_body() {
    for (arguments, insecure) in [(vec!["--insecure"], true), (vec![], false)] {
        let mut process = start(&arguments, &[("TANDEM_TEST_BODY", "access")]);
        assert_eq!(exit_code(&mut process).await, 0);
        let lines = log(&process);
        let line = lines
            .iter()
            .find(|line| line["message"] == "access")
            .expect("it says so");
        assert_eq!(line["insecure"], insecure);
    }
}

#[tokio::test]
async fn help_version_and_dump_go_to_standard_output_and_end_with_0() {
    for (argument, text) in [
        ("--help", "Is looked at by tests"),
        ("--version", "1.2.3"),
        ("--dump-config", "body = \"serve\""),
    ] {
        let mut process = start(&[argument], &[]);
        assert_eq!(exit_code(&mut process).await, 0);
        assert!(
            process.stdout().contains(text),
            "{argument}: {}",
            process.stdout()
        );
    }
}
