//! Reads beside a bare echo of a message of the same size: each server alone on one core, the client and Redis on the
//! other, in turn, many times. Keys follow Zipf's law.

mod client;
mod dice;
mod overload;
mod report;
mod server;
mod shapes;
pub(crate) mod shop;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use prost::Message;
use tandem_cache::redis::RedisCache;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::{
    BatchListRelatedProductsRequest, ListBasketCompanionsRequest, ListRelatedProductsRequest,
};
use tandem_testing::RedisServer;

use super::LoadArgs;
use super::figures::Figures;
pub(super) use dice::Dice;
use dice::Zipf;
pub(super) use overload::measure as measure_overload;
use report::{median, report};
pub(super) use server::Server;
use server::{CLIENT_CORE, SERVER_CORE, pin};
pub(super) use shapes::measure as measure_shapes;
pub(super) use shop::{
    STORE_EPOCH, anchor, beat, card, first_beat, id, marketplace, on_serve, product, publish, units,
};

const SERVICE: &str = "/tandem.v1.RelatedProducts/";
const LIST: &str = "ListRelatedProducts";
const BATCH_OF: u64 = 50;
const BASKET_OF: u64 = 8;
const FLIPS_PER_SECOND: u32 = 1_000;
/// How long a call may take at half of the capacity.
const STEADY_DEADLINE: Duration = Duration::from_secs(1);
/// Kept answers that are compared with the same read anew.
const COMPARED: u64 = 500;

/// One run of one case.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    calls_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    cpu_us: f64,
}

/// What is measured, in the order in which it takes turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Case {
    /// A typed message, cloned and encoded.
    Echo,
    /// A list that the process keeps.
    Hit,
    /// A list that has to be read.
    Miss,
    /// A batch of lists that the process keeps.
    Batch,
    /// A basket.
    Basket,
    /// Lists while the stock of their companions flips.
    Flips,
    /// The echo, that reads the record of a list before it answers: what to read costs by itself.
    Through,
    /// The echo, whose answers of one turn go out together as the gateway's do.
    Gathered,
}

impl Case {
    const ALL: [Self; 8] = [
        Self::Echo,
        Self::Hit,
        Self::Miss,
        Self::Batch,
        Self::Basket,
        Self::Flips,
        Self::Through,
        Self::Gathered,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Hit => "list, kept",
            Self::Through => "echo that reads a record",
            Self::Gathered => "echo that gathers",
            Self::Miss => "list, read from Redis",
            Self::Batch => "batch of 50, kept",
            Self::Basket => "basket of 8",
            Self::Flips => "list, kept, under 1,000 flips/s",
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Echo | Self::Hit | Self::Through | Self::Gathered | Self::Miss | Self::Flips => LIST,
            Self::Batch => "BatchListRelatedProducts",
            Self::Basket => "ListBasketCompanions",
        }
    }

    /// Calls that cost much are made less often.
    const fn calls(self, requests: u32) -> u32 {
        match self {
            Self::Batch | Self::Basket => requests / 5,
            _ => requests,
        }
    }
}

struct Bench<'a> {
    args: &'a LoadArgs,
    cache: RedisCache,
    zipf: Zipf,
    dice: Dice,
    version: u64,
    echo: Server,
    through: Server,
    gathered: Server,
    keeping: Server,
    reading: Server,
    _redis: RedisServer,
}

/// Measures every case and adds the medians of its ratios to the echo.
pub(super) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    pin(std::process::id(), CLIENT_CORE)?;
    eprintln!("▸ reads: filling Redis with {} anchors", args.anchors);
    let mut bench = Bench::up(args).await?;
    let beat_cache = RedisCache::connect(&bench._redis.url()).await?;
    tokio::select! {
        beaten = shop::beat(&beat_cache) => beaten.and_then(|()| bail!("the heart stopped")),
        measured = bench.measure(figures) => measured,
    }
}

impl<'a> Bench<'a> {
    async fn up(args: &'a LoadArgs) -> Result<Self> {
        let redis = RedisServer::start().await?;
        let cache = RedisCache::connect(&redis.url()).await?;
        shop::fill(&cache, args.anchors).await?;
        let url = redis.url();
        let keeping = Server::gateway(&url, "1073741824")?;
        let reading = Server::gateway(&url, "1")?;
        shop::first_beat(&cache).await?;
        keeping.ready().await?;
        reading.ready().await?;
        let answer = typed(&keeping, &request(0)).await?;
        let echo = Server::echo(&answer.encode_to_vec(), SERVER_CORE, &[])?;
        echo.ready().await?;
        let through = Server::echo(&answer.encode_to_vec(), SERVER_CORE, &["--redis", &url])?;
        through.ready().await?;
        let gathered = Server::echo(&answer.encode_to_vec(), SERVER_CORE, &["--gather"])?;
        gathered.ready().await?;
        Ok(Self {
            args,
            cache,
            zipf: Zipf::over(args.anchors),
            dice: Dice::new(1),
            version: 1,
            echo,
            through,
            gathered,
            keeping,
            reading,
            _redis: redis,
        })
    }

    async fn measure(&mut self, figures: &mut Figures) -> Result<()> {
        let size = typed(&self.keeping, &request(0)).await?.encoded_len();
        figures.add("reads: answer", size as f64, "bytes");
        eprintln!("▸ reads: warming up");
        let all: Vec<_> = (0..self.args.anchors)
            .map(|no| request(no).encode_to_vec())
            .collect();
        let warm = client::run(&self.keeping.aim(path(Case::Hit)), &all).await?;
        if warm.failed > 0 {
            bail!("{} anchors have no answer", warm.failed);
        }
        self.warm_others().await?;
        figures.add(
            "reads: kept answers",
            self.keeping.metric("tandem_gateway_near_entries").await?,
            "anchors",
        );
        let memory = self.keeping.metric("tandem_gateway_near_memory").await?;
        let entries = self.keeping.metric("tandem_gateway_near_entries").await?;
        figures.add("reads: memory per kept answer", memory / entries, "bytes");
        self.compare(figures, "reads: kept answers that differ from a read")
            .await?;
        let before = self.lookups().await?;
        let mut rounds: Vec<Vec<Sample>> = Vec::new();
        for _ in 0..self.args.repeats {
            let mut round = Vec::new();
            for case in measured(self.args) {
                round.push(self.run(case).await?);
            }
            rounds.push(round);
        }
        let after = self.lookups().await?;
        let hits = (after.0 - before.0) / (after.0 - before.0 + after.1 - before.1);
        figures.add("reads: hit rate of kept answers", 100.0 * hits, "%");
        self.compare(
            figures,
            "reads: kept answers that differ from a read, after the flips",
        )
        .await?;
        report(&measured(self.args), &rounds, figures);
        self.steady(&rounds, figures).await
    }

    /// Kept lists at half of what was measured, at a pace that does not wait for answers.
    async fn steady(&mut self, rounds: &[Vec<Sample>], figures: &mut Figures) -> Result<()> {
        let Some(at) = measured(self.args).iter().position(|case| *case == Case::Hit) else {
            return Ok(());
        };
        let rates = rounds.iter().map(|round| round[at].calls_per_second);
        let per_second = 0.5 * median(rates.collect());
        let calls = (per_second * f64::from(self.args.steady_seconds)) as usize;
        let drawn: Vec<Vec<u8>> = (0..self.args.requests).map(|_| self.draw(Case::Hit)).collect();
        let requests: Vec<&[u8]> = drawn.iter().map(Vec::as_slice).cycle().take(calls).collect();
        let pace = client::Pace {
            per_second,
            deadline: STEADY_DEADLINE,
        };
        let aim = self.keeping.aim(path(Case::Hit));
        let mut outcome = client::offer(&aim, &requests, pace).await?;
        figures.add(
            "steady: lists, kept, at half of the capacity",
            per_second,
            "calls/s",
        );
        let unanswered = calls - outcome.latencies.len();
        figures.add(
            "steady: without an answer",
            unanswered as f64,
            &format!("of {calls}"),
        );
        outcome.latencies.sort_unstable();
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            let ranked = outcome.latencies.len().saturating_sub(1) as f64 * share;
            let latency = outcome
                .latencies
                .get(ranked as usize)
                .copied()
                .unwrap_or_default();
            figures.add(&format!("steady: {name}"), latency.as_secs_f64() * 1e3, "ms");
        }
        Ok(())
    }

    async fn warm_others(&mut self) -> Result<()> {
        let baskets: Vec<_> = (0..self.args.anchors / BASKET_OF)
            .map(|no| basket((0..BASKET_OF).map(|at| no * BASKET_OF + at)).encode_to_vec())
            .collect();
        client::run(&self.keeping.aim(path(Case::Basket)), &baskets).await?;
        Ok(())
    }

    async fn lookups(&self) -> Result<(f64, f64)> {
        let of = |outcome| format!("tandem_gateway_near_lookups_total{{outcome=\"{outcome}\"");
        let (hits, misses) = (of("hit"), of("miss"));
        Ok((
            self.keeping.metric(&hits).await?,
            self.keeping.metric(&misses).await?,
        ))
    }

    async fn run(&mut self, case: Case) -> Result<Sample> {
        let calls = case.calls(self.args.requests);
        let requests: Vec<Vec<u8>> = (0..calls).map(|_| self.draw(case)).collect();
        let server = match case {
            Case::Echo => &self.echo,
            Case::Through => &self.through,
            Case::Gathered => &self.gathered,
            Case::Miss => &self.reading,
            Case::Hit | Case::Batch | Case::Basket | Case::Flips => &self.keeping,
        };
        let mut aim = server.aim(path(case));
        if matches!(case, Case::Echo | Case::Through | Case::Gathered) {
            // The echo is sent the same headers, and reads them.
            aim.tokens = vec![self.keeping.token().to_owned()];
        }
        let sampled = sample(server, &aim, &requests);
        let sampled = if case == Case::Flips {
            tokio::select! {
                flipped = shop::flip(&self.cache, self.args.anchors, FLIPS_PER_SECOND, &mut self.version) => {
                    flipped?;
                    bail!("the flips ended")
                }
                sampled = sampled => sampled,
            }
        } else {
            sampled.await
        };
        sampled.with_context(|| case.name().to_owned())
    }

    fn draw(&mut self, case: Case) -> Vec<u8> {
        draw(case, &self.zipf, &mut self.dice)
    }

    /// An answer with reasons is always read anew.
    async fn compare(&mut self, figures: &mut Figures, name: &str) -> Result<()> {
        let mut differ = 0;
        for _ in 0..COMPARED {
            let kept = request(self.zipf.draw(&mut self.dice));
            let anew = ListRelatedProductsRequest {
                debug: true,
                ..kept.clone()
            };
            let (kept, anew) = (
                typed(&self.keeping, &kept).await?,
                typed(&self.keeping, &anew).await?,
            );
            differ += u32::from(kept.items != anew.items || kept.generation != anew.generation);
        }
        figures.add(name, f64::from(differ), &format!("of {COMPARED}"));
        figures.bar(name, f64::from(differ), super::figures::Bar::AtMost(0.0));
        Ok(())
    }
}

/// Makes these calls and looks at what they cost the server.
///
/// # Errors
/// When a call has no answer.
async fn sample(server: &Server, aim: &client::Aim, requests: &[Vec<u8>]) -> Result<Sample> {
    let (cpu, began) = (server.cpu_ns()?, std::time::Instant::now());
    let mut tally = client::run(aim, requests).await?;
    let took = began.elapsed().as_secs_f64();
    let calls = requests.len() as f64;
    if tally.failed > 0 {
        bail!("{} of {calls} calls had no answer", tally.failed);
    }
    tally.latencies.sort_unstable();
    let at = |share: f64| tally.latencies[((tally.latencies.len() - 1) as f64 * share) as usize];
    Ok(Sample {
        calls_per_second: calls / took,
        p50_us: at(0.5).as_secs_f64() * 1e6,
        p99_us: at(0.99).as_secs_f64() * 1e6,
        cpu_us: (server.cpu_ns()? - cpu) / 1e3 / calls,
    })
}

/// One call of this kind, encoded.
fn draw(case: Case, zipf: &Zipf, dice: &mut Dice) -> Vec<u8> {
    let mut distinct = |count: u64| {
        let mut drawn = Vec::new();
        while (drawn.len() as u64) < count {
            let no = zipf.draw(dice);
            if !drawn.contains(&no) {
                drawn.push(no);
            }
        }
        drawn
    };
    match case {
        Case::Batch => BatchListRelatedProductsRequest {
            product_ids: distinct(BATCH_OF).into_iter().map(shop::id).collect(),
            ..Default::default()
        }
        .encode_to_vec(),
        Case::Basket => basket(distinct(BASKET_OF).into_iter()).encode_to_vec(),
        Case::Echo | Case::Hit | Case::Through | Case::Gathered | Case::Miss | Case::Flips => {
            request(zipf.draw(dice)).encode_to_vec()
        }
    }
}

fn request(no: u64) -> ListRelatedProductsRequest {
    ListRelatedProductsRequest {
        product_id: shop::id(no),
        ..Default::default()
    }
}

fn basket(numbers: impl Iterator<Item = u64>) -> ListBasketCompanionsRequest {
    ListBasketCompanionsRequest {
        product_ids: numbers.map(shop::id).collect(),
        ..Default::default()
    }
}

fn path(case: Case) -> String {
    format!("{SERVICE}{}", case.method())
}

async fn typed(
    server: &Server,
    request: &ListRelatedProductsRequest,
) -> Result<tandem_proto::v1::ListRelatedProductsResponse> {
    let mut client = RelatedProductsClient::new(server.connection()?);
    let answer = client.list_related_products(request.clone()).await;
    Ok(answer.context("a sampled answer")?.into_inner())
}

fn measured(args: &LoadArgs) -> Vec<Case> {
    let wanted = |case: &Case| *case == Case::Echo || args.cases.is_empty() || args.cases.contains(case);
    Case::ALL.into_iter().filter(wanted).collect()
}
