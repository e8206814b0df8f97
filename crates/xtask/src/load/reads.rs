//! ListRelatedProducts beside an echo of the same size: server on one core, an independent client on the other, in turn.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use prost::Message;
use tandem_proto::v1::ListRelatedProductsRequest;
use tandem_proto::v1::related_products_client::RelatedProductsClient;

use super::figures::Figures;
use super::shape::{Shape, binaries};

const METHOD: &str = "tandem.v1.RelatedProducts/ListRelatedProducts";
const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";

/// One repeat.
#[derive(Debug, Clone, Copy)]
struct Sample {
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    cpu_us: f64,
}

struct Echo(Child);

impl Drop for Echo {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Adds requests per second, latency and CPU of gateway and echo, and the medians of their paired ratios.
pub(super) async fn measure(
    shape: &Shape,
    repeats: usize,
    requests: u32,
    figures: &mut Figures,
) -> Result<()> {
    let request = ListRelatedProductsRequest {
        product_id: figures.anchor.clone(),
        ..Default::default()
    };
    let gateway = shape.variable("TANDEM_GATEWAY")?.to_owned();
    let mut client = RelatedProductsClient::connect(gateway.clone()).await?;
    let response = client.list_related_products(request.clone()).await?.into_inner();
    figures.add("reads: response", response.encoded_len() as f64, "bytes");
    let body = shape.file("request.bin");
    fs::write(&body, framed(&request))?;
    let answer = shape.file("response.bin");
    fs::write(&answer, response.encode_to_vec())?;
    let (echo, echo_address) = start_echo(&answer).await?;
    let gateway_process = shape.process("gateway")?;
    pin(gateway_process, SERVER_CORE)?;
    pin(echo.0.id(), SERVER_CORE)?;

    let run = Run {
        body: &body,
        log: shape.file("log.tsv"),
        requests,
        expected: response.encoded_len() as f64,
    };
    let mut pairs = Vec::new();
    for _ in 0..repeats {
        let ours = run.against(&gateway, gateway_process)?;
        let echoed = run.against(&echo_address, echo.0.id())?;
        pairs.push((ours, echoed));
    }
    report(&pairs, figures);
    Ok(())
}

fn report(pairs: &[(Sample, Sample)], figures: &mut Figures) {
    let of = |pick: fn(&(Sample, Sample)) -> f64| median(pairs.iter().map(pick).collect());
    figures.add(
        "reads: gateway",
        of(|(ours, _)| ours.requests_per_second),
        "requests/s",
    );
    figures.add(
        "reads: echo",
        of(|(_, echo)| echo.requests_per_second),
        "requests/s",
    );
    let ratio = of(|(ours, echo)| ours.requests_per_second / echo.requests_per_second);
    figures.add("reads: gateway ÷ echo, requests/s", ratio, "×");
    figures.add(
        "reads: gateway ÷ echo, CPU per request",
        of(|(ours, echo)| ours.cpu_us / echo.cpu_us),
        "×",
    );
    figures.add("reads: gateway, p50", of(|(ours, _)| ours.p50_us) / 1e3, "ms");
    figures.add("reads: gateway, p99", of(|(ours, _)| ours.p99_us) / 1e3, "ms");
    figures.add("reads: echo, p50", of(|(_, echo)| echo.p50_us) / 1e3, "ms");
    figures.add("reads: echo, p99", of(|(_, echo)| echo.p99_us) / 1e3, "ms");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One byte of flags, four of length, the message.
fn framed(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0], length.as_slice(), bytes.as_slice()].concat()
}

async fn start_echo(answer: &Path) -> Result<(Echo, String)> {
    let port = tandem_testing::free_port();
    let child = Command::new(binaries().join("xtask"))
        .args(["echo", "--listen", &format!("127.0.0.1:{port}"), "--response"])
        .arg(answer)
        .stdin(Stdio::null())
        .spawn()
        .context("the echo cannot be started")?;
    let echo = Echo(child);
    let address = format!("http://127.0.0.1:{port}");
    tandem_testing::wait_until(Duration::from_secs(10), "the echo answers", || {
        let address = address.clone();
        async move { RelatedProductsClient::connect(address).await.is_ok() }
    })
    .await?;
    Ok((echo, address))
}

fn pin(process: u32, core: &str) -> Result<()> {
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", core, &process.to_string()])
        .output()?;
    if !pinned.status.success() {
        bail!(
            "process {process} cannot be pinned: {}",
            String::from_utf8_lossy(&pinned.stderr)
        );
    }
    Ok(())
}

struct Run<'a> {
    body: &'a Path,
    log: std::path::PathBuf,
    requests: u32,
    expected: f64,
}

impl Run<'_> {
    fn against(&self, address: &str, server: u32) -> Result<Sample> {
        // h2load adds to the file.
        let _ = fs::remove_file(&self.log);
        let before = cpu_ns(server)?;
        let output = Command::new("taskset")
            .args([
                "-c",
                CLIENT_CORE,
                "h2load",
                "-c",
                "8",
                "-m",
                "32",
                "-t",
                "1",
                "-n",
                &self.requests.to_string(),
            ])
            .arg(format!("--log-file={}", self.log.display()))
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers", "-d"])
            .arg(self.body)
            .arg(format!("{address}/{METHOD}"))
            .output()
            .context("h2load cannot be started")?;
        let cpu = cpu_ns(server)? - before;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let requests = f64::from(self.requests);
        // An error of gRPC is a success of HTTP: the bytes tell.
        let bytes = number_before(&text, ") data").context("h2load did not tell the bytes")?;
        if bytes < requests * self.expected {
            bail!(
                "{address} answered {bytes} bytes instead of {requests} × {}",
                self.expected
            );
        }
        let mut times = self.latencies()?;
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        Ok(Sample {
            requests_per_second: number_before(&text, " req/s").context("h2load did not tell the rate")?,
            p50_us: at(0.5),
            p99_us: at(0.99),
            cpu_us: cpu / 1e3 / requests,
        })
    }

    /// The third column: microseconds.
    fn latencies(&self) -> Result<Vec<f64>> {
        let log = fs::read_to_string(&self.log)?;
        let times: Vec<f64> = log
            .lines()
            .filter_map(|line| line.split('\t').nth(2)?.parse().ok())
            .collect();
        if times.is_empty() {
            bail!("h2load wrote no log")
        } else {
            Ok(times)
        }
    }
}

/// The number that stands right before `marker`, in digits.
fn number_before(text: &str, marker: &str) -> Option<f64> {
    let before = &text[..text.find(marker)?];
    let digits = before
        .rsplit(|c: char| !(c.is_ascii_digit() || c == '.'))
        .next()?;
    digits.parse().ok()
}

/// Processor time of all threads of a process.
fn cpu_ns(process: u32) -> Result<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        sum += schedstat
            .split(' ')
            .next()
            .and_then(|first| first.parse::<f64>().ok())
            .unwrap_or(0.0);
    }
    Ok(sum)
}
