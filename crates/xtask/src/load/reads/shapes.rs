//! Lanes beside a runtime that all calls of a process share, on one core and on two; and what tokens cost.

use anyhow::{Context as _, Result, bail};
use prost::Message as _;
use tandem_cache::redis::RedisCache;
use tandem_testing::RedisServer;

use super::client::{self, Aim};
use super::dice::{Dice, Zipf};
use super::report::median;
use super::server::{CLIENT_CORE, SERVER_CORE, Server, pin};
use super::{Case, Sample, draw, path, request, sample, shop, typed};
use crate::load::LoadArgs;
use crate::load::figures::Figures;

/// Where the servers may run, and how many lanes an echo has there; on two cores they share one with the client and Redis.
const PLACES: [(&str, &str, &str); 2] = [
    ("one core", SERVER_CORE, "--lanes=1"),
    ("two cores", "0,1", "--lanes=2"),
];
const CASES: [Case; 4] = [Case::Echo, Case::Hit, Case::Batch, Case::Miss];
/// With the argument of a gateway, and whether an echo has lanes.
const SHAPES: [(&str, &str, bool); 2] = [
    ("shared", "--set=server.lanes=", false),
    ("lanes", "--set=server.lanes=cores", true),
];
const KEEPING: &str = "--set=near.max_bytes=1073741824";
const READING: &str = "--set=near.max_bytes=1";

/// What takes turns with others of its case.
struct Side<'a> {
    name: &'static str,
    server: &'a Server,
    aim: Aim,
    samples: Vec<Sample>,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, case: Case, server: &'a Server, tokens: &[String]) -> Self {
        let aim = Aim {
            tokens: tokens.to_vec(),
            ..server.aim(path(case))
        };
        Self {
            name,
            server,
            aim,
            samples: Vec::new(),
        }
    }
}

/// Sides that are asked the same; the others are compared with the first.
struct Contest<'a> {
    name: String,
    case: Case,
    sides: Vec<Side<'a>>,
}

/// What all contests have in common.
struct Ground<'a> {
    args: &'a LoadArgs,
    redis: String,
    zipf: Zipf,
    dice: Dice,
}

/// Measures both, turn by turn, over one Redis.
pub(in crate::load) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    pin(std::process::id(), CLIENT_CORE)?;
    eprintln!("▸ shapes: filling Redis with {} anchors", args.anchors);
    let redis = RedisServer::start().await?;
    let cache = RedisCache::connect(&redis.url()).await?;
    shop::fill(&cache, args.anchors).await?;
    shop::first_beat(&cache).await?;
    let mut ground = Ground {
        args,
        redis: redis.url(),
        zipf: Zipf::over(args.anchors),
        dice: Dice::new(1),
    };
    let measured = async {
        for place in PLACES {
            ground.shapes(place, figures).await?;
        }
        ground.tokens(figures).await
    };
    tokio::select! {
        beaten = shop::beat(&cache) => beaten.and_then(|()| bail!("the heart stopped")),
        measured = measured => measured,
    }
}

impl Ground<'_> {
    async fn gateway(&self, cores: &str, more: &[&str]) -> Result<Server> {
        let gateway = Server::gateway_with(&self.redis, cores, more)?;
        gateway.ready().await?;
        let all: Vec<_> = (0..self.args.anchors)
            .map(|no| request(no).encode_to_vec())
            .collect();
        let warm = client::run(&gateway.aim(path(Case::Hit)), &all).await?;
        if warm.failed > 0 {
            bail!("{} anchors have no answer", warm.failed);
        }
        Ok(gateway)
    }

    async fn shapes(
        &mut self,
        (place, cores, lanes_here): (&str, &str, &str),
        figures: &mut Figures,
    ) -> Result<()> {
        eprintln!("▸ shapes: {place}");
        let mut servers = Vec::new();
        for (name, lanes, has_lanes) in SHAPES {
            let keeping = self.gateway(cores, &[KEEPING, lanes]).await?;
            let reading = self.gateway(cores, &[READING, lanes]).await?;
            let answer = typed(&keeping, &request(0)).await?.encode_to_vec();
            let lanes_here = [lanes_here];
            let echoed: &[&str] = if has_lanes { &lanes_here } else { &[] };
            let echo = Server::echo(&answer, cores, echoed)?;
            echo.ready().await?;
            servers.push((name, echo, keeping, reading));
        }
        let knows = &servers[0].2.tokens()[..1];
        let answer = typed(&servers[0].2, &request(0)).await?.encode_to_vec();
        let apart = Server::echo(&answer, cores, &[lanes_here, "--reuse-port"])?;
        apart.ready().await?;
        let contests = CASES.map(|case| {
            let sides = servers.iter().map(|(name, echo, keeping, reading)| {
                // The echo is sent the same headers, and reads them.
                let (server, known) = match case {
                    Case::Echo => (echo, keeping),
                    Case::Miss => (reading, reading),
                    _ => (keeping, keeping),
                };
                Side::new(name, case, server, &known.tokens()[..1])
            });
            let by_kernel = || Side::new("lanes that the kernel deals to", case, &apart, knows);
            Contest {
                name: format!("{place}: {}", case.name()),
                case,
                sides: sides.chain((case == Case::Echo).then(by_kernel)).collect(),
            }
        });
        self.hold(contests.into(), figures).await
    }

    /// Kept lists, since nothing else costs so little beside a token.
    async fn tokens(&mut self, figures: &mut Figures) -> Result<()> {
        eprintln!("▸ shapes: tokens");
        let insecure = self.gateway(SERVER_CORE, &[KEEPING, "--insecure"]).await?;
        let knowing = self.gateway(SERVER_CORE, &[KEEPING]).await?;
        let forgetful = self
            .gateway(SERVER_CORE, &[KEEPING, "--set=server.auth.max_tokens=1"])
            .await?;
        let (one, all) = (&knowing.tokens()[..1], forgetful.tokens());
        let sides = vec![
            Side::new("insecure", Case::Hit, &insecure, one),
            Side::new("a token that is known", Case::Hit, &knowing, one),
            Side::new("a token that is not", Case::Hit, &forgetful, all),
        ];
        let contest = Contest {
            name: Case::Hit.name().to_owned(),
            case: Case::Hit,
            sides,
        };
        self.hold(vec![contest], figures).await
    }

    /// Lets all sides have their turns, and adds what came out.
    async fn hold(&mut self, mut contests: Vec<Contest<'_>>, figures: &mut Figures) -> Result<()> {
        for round in 0..self.args.repeats {
            for contest in &mut contests {
                let calls = contest.case.calls(self.args.requests);
                let requests: Vec<Vec<u8>> = (0..calls)
                    .map(|_| draw(contest.case, &self.zipf, &mut self.dice))
                    .collect();
                let last = contest.sides.len() - 1;
                for turn in 0..=last {
                    // Nobody always goes first.
                    let side = &mut contest.sides[if round % 2 == 0 { turn } else { last - turn }];
                    let sampled = sample(side.server, &side.aim, &requests).await;
                    side.samples.push(sampled.with_context(|| contest.name.clone())?);
                }
            }
        }
        contests.iter().for_each(|contest| report(contest, figures));
        Ok(())
    }
}

type Pick = fn(&Sample) -> f64;

fn report(contest: &Contest<'_>, figures: &mut Figures) {
    let of = |side: &Side<'_>, pick: Pick| median(side.samples.iter().map(pick).collect());
    let picks: [(&str, &str, Pick); 3] = [
        ("calls/s", "calls/s", |sample| sample.calls_per_second),
        ("CPU per call", "µs", |sample| sample.cpu_us),
        ("p99", "µs", |sample| sample.p99_us),
    ];
    for (at, side) in contest.sides.iter().enumerate() {
        let name = format!("{}, {}", contest.name, side.name);
        for (what, unit, pick) in picks {
            figures.add(&format!("{name}: {what}"), of(side, pick), unit);
        }
        let Some(first) = contest.sides.first().filter(|_| at > 0) else {
            continue;
        };
        for (what, _, pick) in picks {
            let pairs = side.samples.iter().zip(&first.samples);
            let ratio = median(pairs.map(|(own, first)| pick(own) / pick(first)).collect());
            figures.add(&format!("{name}: {what} ÷ {}", first.name), ratio, "×");
        }
    }
}
