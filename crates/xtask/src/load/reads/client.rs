//! A client that costs little: HTTP/2 frames written by hand, so that the server is what is measured. Answers are told
//! apart by their frames; headers are not looked at, since an error of gRPC has no data.

use std::iter::Cycle;
use std::net::SocketAddr;
use std::slice::Iter;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connections, and calls in progress on each.
pub(super) const CONNECTIONS: usize = 8;
const STREAMS: usize = 32;
/// The gateway takes so many calls on one connection.
const OPEN_AT_MOST: usize = 100;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// Received bytes after which the server may send as many again.
const RENEW: u32 = 1 << 24;

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Of each call, in the order in which they ended.
    pub(super) latencies: Vec<Duration>,
    /// Bytes of all answers, the five before each message included.
    pub(super) bytes: u64,
    /// Calls without an answer.
    pub(super) failed: u64,
    /// Of each call, in the same order, whether it has one.
    answered: Vec<bool>,
}

/// Where calls go.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) address: SocketAddr,
    /// `/package.Service/Method`
    pub(super) path: String,
    /// Who calls: calls on a connection show these tokens in turn.
    pub(super) tokens: Vec<String>,
}

/// Sends `requests` in turn, encoded messages, to one method; 256 calls are in progress at any moment.
pub(super) async fn run(aim: &Aim, requests: &[Vec<u8>]) -> Result<Tally> {
    let (address, headers) = (aim.address, headers(aim, &[]));
    let share = requests.len().div_ceil(CONNECTIONS);
    let runs = requests
        .chunks(share)
        .map(|requests| connection(address, &headers, requests));
    let mut whole = Tally::default();
    for tally in futures::future::try_join_all(runs).await? {
        whole.latencies.extend(tally.latencies);
        whole.bytes += tally.bytes;
        whole.failed += tally.failed;
    }
    Ok(whole)
}

/// How calls are offered: at a steady pace, whatever becomes of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) per_second: f64,
    /// Goes along with each call.
    pub(super) deadline: Duration,
}

/// What came of calls that were offered.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Answered before the deadline, counted from the moment at which each call was due.
    pub(super) in_time: u64,
    /// Answered after it.
    pub(super) late: u64,
    /// Answered with an error.
    pub(super) refused: u64,
    /// Due while the connection could take no more calls.
    pub(super) unsent: u64,
    /// Of each answered call, from the moment at which it was due, so that a server that stands still is not spared the
    /// calls that had to wait meanwhile.
    pub(super) latencies: Vec<Duration>,
    pub(super) took: Duration,
}

/// Offers `requests` to one method, and waits until the last one is answered.
pub(super) async fn offer(aim: &Aim, requests: &[&[u8]], pace: Pace) -> Result<Outcome> {
    let timeout = format!("{}m", pace.deadline.as_millis());
    let (address, headers) = (aim.address, headers(aim, &[("grpc-timeout", &timeout)]));
    let began = Instant::now();
    let gap = Duration::from_secs_f64(1.0 / pace.per_second);
    let runs = (0..CONNECTIONS).map(|at| {
        let own: Vec<(Instant, &[u8])> = requests
            .iter()
            .enumerate()
            .skip(at)
            .step_by(CONNECTIONS)
            .map(|(no, request)| (began + gap.mul_f64(no as f64), *request))
            .collect();
        let headers = &headers;
        async move { offered(address, headers, &own, pace.deadline).await }
    });
    let mut whole = Outcome::default();
    for outcome in futures::future::try_join_all(runs).await? {
        whole.in_time += outcome.in_time;
        whole.late += outcome.late;
        whole.refused += outcome.refused;
        whole.unsent += outcome.unsent;
        whole.latencies.extend(outcome.latencies);
    }
    whole.took = began.elapsed();
    Ok(whole)
}

/// One connection's share of the calls, each with the moment at which it is due.
async fn offered(
    address: SocketAddr,
    headers: &[Vec<u8>],
    due: &[(Instant, &[u8])],
    deadline: Duration,
) -> Result<Outcome> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut reading, mut writing) = stream.split();
    let mut connection = Connection::new(headers, &[]);
    let mut out = opening();
    let mut due = due.iter().peekable();
    let (mut input, mut outcome) = (Vec::with_capacity(1 << 20), Outcome::default());
    loop {
        while let Some((at, request)) = due.next_if(|(at, _)| *at <= Instant::now()) {
            if connection.open < OPEN_AT_MOST {
                connection.send(*at, request, &mut out);
            } else {
                outcome.unsent += 1;
            }
        }
        if !out.is_empty() {
            writing.write_all(&out).await?;
            out.clear();
        }
        let next = match due.peek() {
            Some((at, _)) => *at,
            None if connection.open == 0 => break,
            None => Instant::now() + Duration::from_secs(60),
        };
        tokio::select! {
            read = reading.read_buf(&mut input) => {
                if read? == 0 {
                    bail!("{address} closed the connection");
                }
                let taken = connection.take(&input, &mut out)?;
                input.drain(..taken);
            }
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
    for (latency, answered) in connection.tally.latencies.iter().zip(&connection.tally.answered) {
        if *answered {
            outcome.latencies.push(*latency);
        }
        match (answered, *latency <= deadline) {
            (false, _) => outcome.refused += 1,
            (true, true) => outcome.in_time += 1,
            (true, false) => outcome.late += 1,
        }
    }
    Ok(outcome)
}

/// The headers of calls, for each of the tokens.
fn headers(aim: &Aim, more: &[(&str, &str)]) -> Vec<Vec<u8>> {
    aim.tokens
        .iter()
        .map(|token| block(&aim.path, token, more))
        .collect()
}

/// HPACK: every field a literal that is not indexed, so that all requests have the same bytes.
fn block(path: &str, token: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let always = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", bearer.as_str()),
    ];
    let text = |text: &str| [&length(text.len()), text.as_bytes()].concat();
    let fields = always.iter().chain(more);
    fields
        .flat_map(|(name, value)| [vec![0], text(name), text(value)].concat())
        .collect()
}

/// A whole number behind a prefix of seven bits (RFC 7541, 5.1).
fn length(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if number < 127 {
        bytes.push(number as u8);
        return bytes;
    }
    bytes.push(127);
    let mut rest = number - 127;
    while rest >= 128 {
        bytes.push((rest % 128 + 128) as u8);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

fn frame(into: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    into.extend_from_slice(&length[1..]);
    into.extend_from_slice(&[kind, flags]);
    into.extend_from_slice(&stream.to_be_bytes());
    into.extend_from_slice(payload);
}

struct Connection<'a> {
    /// Of one call after the other.
    headers: Cycle<Iter<'a, Vec<u8>>>,
    requests: Iter<'a, Vec<u8>>,
    next: u32,
    /// When the call on each stream began, by half its number, and whether data came.
    began: Vec<(Instant, bool)>,
    open: usize,
    received: u32,
    tally: Tally,
}

async fn connection(address: SocketAddr, headers: &[Vec<u8>], requests: &[Vec<u8>]) -> Result<Tally> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(headers, requests);
    let mut out = opening();
    for _ in 0..STREAMS {
        connection.ask(&mut out);
    }
    let mut input = Vec::with_capacity(1 << 20);
    while connection.open > 0 {
        if !out.is_empty() {
            stream.write_all(&out).await?;
            out.clear();
        }
        if stream.read_buf(&mut input).await? == 0 {
            bail!("{address} closed the connection");
        }
        let taken = connection.take(&input, &mut out)?;
        input.drain(..taken);
    }
    Ok(connection.tally)
}

/// What every connection begins with.
fn opening() -> Vec<u8> {
    let mut out = PREFACE.to_vec();
    let window = [&4_u16.to_be_bytes()[..], &LARGEST_WINDOW.to_be_bytes()].concat();
    frame(&mut out, SETTINGS, 0, 0, &window);
    frame(&mut out, WINDOW, 0, 0, &(LARGEST_WINDOW - 65_535).to_be_bytes());
    out
}

impl<'a> Connection<'a> {
    /// `requests` are sent one after the other as calls end.
    fn new(headers: &'a [Vec<u8>], requests: &'a [Vec<u8>]) -> Self {
        Self {
            headers: headers.iter().cycle(),
            requests: requests.iter(),
            next: 1,
            began: Vec::with_capacity(requests.len()),
            open: 0,
            received: 0,
            tally: Tally::default(),
        }
    }

    fn ask(&mut self, out: &mut Vec<u8>) {
        if let Some(request) = self.requests.next() {
            self.send(Instant::now(), request, out);
        }
    }

    /// Sends a call that began at `began`.
    fn send(&mut self, began: Instant, request: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(request.len()).unwrap_or(0).to_be_bytes();
        let headers = self.headers.next().map_or(&[][..], Vec::as_slice);
        frame(out, HEADERS, END_HEADERS, self.next, headers);
        let message = [&[0], &length[..], request].concat();
        frame(out, DATA, END_STREAM, self.next, &message);
        self.began.push((began, false));
        self.next += 2;
        self.open += 1;
    }

    /// Takes whole frames off `input`; returns their bytes.
    fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        let mut at = 0;
        while let Some(head) = input.get(at..at + 9) {
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some(payload) = input.get(at + 9..at + 9 + length) else {
                break;
            };
            let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
            self.frame(head[3], head[4], stream, payload, out)?;
            at += 9 + length;
        }
        Ok(at)
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match kind {
            SETTINGS if flags & ACK == 0 => frame(out, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => frame(out, PING, ACK, 0, payload),
            GOAWAY => bail!("the server goes away"),
            RESET => bail!("the server reset a call"),
            DATA => {
                self.began[stream as usize / 2].1 |= !payload.is_empty();
                let bytes = u32::try_from(payload.len()).context("a frame is at most 16 MB")?;
                self.tally.bytes += u64::from(bytes);
                self.received += bytes;
                if self.received > RENEW {
                    frame(out, WINDOW, 0, 0, &self.received.to_be_bytes());
                    self.received = 0;
                }
            }
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            let (began, answered) = self.began[stream as usize / 2];
            self.tally.latencies.push(began.elapsed());
            self.tally.failed += u64::from(!answered);
            self.tally.answered.push(answered);
            self.open -= 1;
            self.ask(out);
        }
        Ok(())
    }
}
