//! Processes to be run by the tests: this test binary, asked to be something else.

use std::io;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tandem_runtime::BoxError;
use tandem_runtime::config::Layout;
use tandem_runtime::grpc::Services;
use tandem_runtime::lifecycle::{Access, Kind, Service, Shell, run_with};
use tandem_testing::{Process, wait_for};

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The arguments of the process, one per line.
const ARGUMENTS: &str = "TEST_ARGUMENTS";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    test: Test,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    body: String,
}

const DEFAULTS: &str = r#"
[server]
listen = "127.0.0.1:0"
[server.auth]
issuer = "https://issuer.test"
jwks = "https://issuer.test/jwks"
[admin]
listen = "127.0.0.1:0"
[log]
format = "json"
[test]
body = "serve"
"#;

pub(crate) const SERVICE: Service = Service {
    name: "tandem-test",
    about: "Is looked at by tests",
    version: "1.2.3",
    kind: Kind::Server,
    layout: Layout {
        defaults: DEFAULTS,
        aliases: &[("TANDEM_TEST_BODY", "test.body")],
    },
};

/// What the process does, as `test.body` says.
async fn body(config: Config, shell: Shell) -> Result<(), BoxError> {
    match config.test.body.as_str() {
        "serve" => shell.serve(Services::new()).await?,
        "finish" => {}
        "fail" => return Err("the body's own error".into()),
        "panic" => panic!("the body's own panic"),
        "deaf" => std::future::pending().await,
        "unreachable" => {
            shell
                .connect("peer", async || Err::<(), _>(io::Error::other("away")))
                .await?
        }
        "task" => {
            let work = async { Err(io::Error::other("the task's own error")) };
            shell.tasks().spawn_critical("fragile", work);
            shell.serve(Services::new()).await?;
        }
        "slow task" => {
            let shutdown = shell.shutdown().clone();
            shell.tasks().spawn("slow", async move {
                shutdown.soft().await;
                tokio::time::sleep(Duration::from_millis(100)).await;
                tracing::info!("the task has ended");
            });
        }
        "access" => tracing::info!(insecure = shell.access() == Access::Insecure, "access"),
        other => return Err(format!("no body {other:?}").into()),
    }
    Ok(())
}

/// The process itself; called by the ignored test that the processes are.
pub(crate) fn be() -> ! {
    let arguments = std::env::var(ARGUMENTS).expect("only started by other tests");
    let arguments = ["tandem-test"]
        .into_iter()
        .chain(arguments.lines())
        .map(Into::into);
    let exit = run_with(&SERVICE, arguments, std::env::vars(), body);
    std::process::exit(exit.code().into())
}

pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Process {
    let arguments = arguments.join("\n");
    let environment = [(ARGUMENTS, arguments.as_str())]
        .into_iter()
        .chain(environment.iter().copied());
    let this = std::env::current_exe().expect("this binary");
    Process::spawn(
        this,
        ["--exact", "a_process", "--ignored", "--nocapture"],
        environment,
    )
    .expect("it starts")
}

/// Waits for the process's end and returns its exit code.
pub(crate) async fn exit_code(process: &mut Process) -> i32 {
    process
        .wait(LONG)
        .await
        .expect("it ends")
        .code()
        .expect("by itself")
}

/// Its log lines so far.
pub(crate) fn log(process: &Process) -> Vec<Value> {
    process
        .stderr()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Where it listens, once it says so.
pub(crate) async fn address(process: &Process, section: &str) -> String {
    let what = format!("the address of {section}");
    let address = wait_for(LONG, &what, async || {
        let lines = log(process);
        let line = lines
            .iter()
            .find(|line| line["message"] == "listening" && line["server.section"] == section)?;
        Some(line["server.address"].as_str()?.to_owned())
    });
    address
        .await
        .unwrap_or_else(|error| panic!("{error:#}: {}", process.stderr()))
}
