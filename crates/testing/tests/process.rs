//! Processes under test, and servers that must not outlive them.

use std::fs;
use std::future::pending;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use tandem_testing::{Process, RedisServer, free_port, postgres, wait_for, wait_until};
use tokio::net::TcpStream;

const LONG: Duration = Duration::from_secs(60);
const NOTHING: [(&str, &str); 0] = [];

fn shell(script: &str) -> Process {
    Process::spawn("/bin/sh", ["-c", script], [("GREETING", "hello")]).expect("a shell starts")
}

#[tokio::test]
async fn output_and_exit_code_are_kept() {
    let mut process = shell("echo $GREETING; echo oops >&2; exit 3");
    let status = process.wait(LONG).await.unwrap();
    assert_eq!(status.code(), Some(3));
    assert_eq!(
        (process.stdout().as_str(), process.stderr().as_str()),
        ("hello\n", "oops\n")
    );
    assert!(process.terminate().is_err(), "it has ended");
}

#[tokio::test]
async fn sigterm_can_be_handled_and_sigkill_cannot() {
    let script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let mut process = shell(script);
    process.wait_for_output("ready", LONG).await.unwrap();
    process.terminate().unwrap();
    assert!(process.wait(LONG).await.unwrap().success());
    assert!(process.stdout().ends_with("bye\n"));

    let mut process = shell(script);
    process.wait_for_output("ready", LONG).await.unwrap();
    process.kill9().unwrap();
    assert_eq!(process.wait(LONG).await.unwrap().signal(), Some(9));
}

#[tokio::test]
async fn a_wait_in_vain_shows_what_was_written() {
    let mut process = shell("echo stuck >&2; exec sleep 60");
    process.wait_for_output("stuck", LONG).await.unwrap();
    let error = process.wait(Duration::from_millis(50)).await.unwrap_err();
    assert!(format!("{error:#}").contains("stuck"), "{error:#}");
    let error = shell("echo other")
        .wait_for_output("ready", LONG)
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("ended without"), "{error:#}");
}

#[tokio::test]
async fn an_ended_wait_says_what_it_waited_for() {
    let error = wait_until(Duration::from_millis(20), "godot", async || false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("godot"));
}

#[test]
fn free_ports_differ() {
    let ports: std::collections::HashSet<u16> = (0..100).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 100);
}

/// Not a test: what the next test runs as a process of its own.
#[tokio::test]
#[ignore = "runs for ever; started by servers_die_with_a_killed_test"]
async fn hold_servers() {
    let redis = RedisServer::start().await.unwrap();
    let postgres = postgres().await;
    println!("HELD {} {}", redis.address(), postgres.address().unwrap());
    pending::<()>().await;
}

#[tokio::test]
async fn servers_die_with_a_killed_test() {
    let temporary = tempfile::tempdir().unwrap();
    // The PostgreSQL server may run as another user, who must get through.
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["--exact", "hold_servers", "--ignored", "--nocapture"];
    let environment = [("TMPDIR", temporary.path())];
    let mut holder = Process::spawn(std::env::current_exe().unwrap(), arguments, environment).unwrap();
    let held = wait_for(LONG, "both servers", async || {
        holder
            .stdout()
            .lines()
            .find_map(|line| Some(line.split_once("HELD ")?.1.trim().to_owned()))
    });
    let held = held.await.unwrap();
    let addresses: Vec<&str> = held.split(' ').collect();
    for address in &addresses {
        TcpStream::connect(address).await.unwrap();
    }

    holder.kill9().unwrap();
    holder.wait(LONG).await.unwrap();

    for address in &addresses {
        wait_until(LONG, address, async || TcpStream::connect(address).await.is_err())
            .await
            .unwrap();
    }
    wait_until(LONG, "the folders to go", async || {
        fs::read_dir(temporary.path()).unwrap().next().is_none()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = Process::spawn("/no/such/program", [""], NOTHING).unwrap_err();
    assert!(format!("{error:#}").contains("/no/such/program"));
}
