//! Rows 20 and 21: more is asked for than can be answered.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::{join_all, try_join_all};
use tandem_proto::v1 as pb;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_testing::{Fault, FaultProxy};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::shop::{ANCHORS, anchor};
use crate::faults::traffic::channel;
use crate::faults::world::{Part, World};

/// Who waits for one answer, over so many connections.
const WAITERS: usize = 500;
const CONNECTIONS: usize = 5;
/// How long the row's gateway keeps an answer.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// What Redis takes to answer the row's gateway, so that waiters pile up.
const SLOW: Duration = Duration::from_millis(25);
/// Calls that the row's gateway lets in at once.
const LET_IN: usize = 16;
/// How long capacity and overload are measured.
const MEASURED: Duration = Duration::from_secs(2);
/// The share of the capacity that is still answered under three times of it, and where the machine may do something else
/// meanwhile.
const HELD: f64 = 0.6;
const HELD_ON_A_LATE_MACHINE: f64 = 0.2;

/// A hot answer expires while hundreds ask for it: the cache is read once.
pub(super) fn hot_key<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let proxy = FaultProxy::start(world.redis.address()).await?;
        let kept = format!("--set=near.max_age={}s", KEPT_FOR.as_secs());
        let mut gateway = world.side_gateway(&proxy, &[&kept]);
        gateway.start().await?;
        let hot = anchor(dice.below(ANCHORS));
        let connections: Vec<Channel> = (0..CONNECTIONS)
            .map(|_| channel(gateway.listen()?))
            .collect::<Result<_>>()?;
        ask(connections[0].clone(), &hot, pb::View::Basic).await?;
        sleep(KEPT_FOR + Duration::from_millis(100)).await;
        let before = refills(&gateway).await?;
        proxy.set(Fault::Delay(SLOW));
        let waiters = (0..WAITERS).map(|n| ask(connections[n % CONNECTIONS].clone(), &hot, pb::View::Basic));
        try_join_all(waiters).await.context("a waiter got no answer")?;
        match refills(&gateway).await? - before {
            1.0 => Ok(()),
            refills => bail!("{WAITERS} waiters made {refills} refills instead of one"),
        }
    })
}

/// How often a gateway has read an anchor from Redis: once per refill.
async fn refills(gateway: &Part) -> Result<f64> {
    let name = "tandem_gateway_cache_duration_seconds_count";
    gateway.metric(name, r#"read="anchors""#).await
}

/// Whether anything was shown: all that goes with a product may be sold out for a moment.
async fn ask(to: Channel, product: &str, view: pb::View) -> Result<bool, Status> {
    let request = pb::ListRelatedProductsRequest {
        product_id: product.to_owned(),
        view: view.into(),
        ..Default::default()
    };
    let answer = RelatedProductsClient::new(to)
        .list_related_products(request)
        .await?;
    Ok(!answer.into_inner().items.is_empty())
}

/// Three times what a gateway can answer is asked for: it refuses early and says when to come again, and what it lets in
/// it answers.
pub(super) fn overloaded<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let proxy = FaultProxy::start(world.redis.address()).await?;
        let bounds = ["max", "min"].map(|end| format!("--set=server.{end}_in_flight={LET_IN}"));
        let mut gateway = world.side_gateway(&proxy, &bounds.each_ref().map(String::as_str));
        gateway.start().await?;
        proxy.set(Fault::Delay(SLOW));
        let to = channel(gateway.listen()?)?;
        let capacity = capacity(&to).await?;
        let offered = offer(&to, 3.0 * capacity).await;
        let goodput = offered.answered as f64 / MEASURED.as_secs_f64();
        let held = if world.pace.strict {
            HELD
        } else {
            HELD_ON_A_LATE_MACHINE
        };
        if goodput < held * capacity {
            bail!("{goodput:.0} answers a second of {capacity:.0} without overload");
        }
        if offered.refused == 0 {
            bail!("nothing was refused: {offered:?}");
        }
        match offered.other {
            Some(other) => bail!("refused otherwise than with UNAVAILABLE and RetryInfo: {other}"),
            None => Ok(()),
        }
    })
}

/// Answers per second to as many callers as are let in.
async fn capacity(to: &Channel) -> Result<f64> {
    let begun = Instant::now();
    let caller = async |_| {
        let mut answered = 0_u32;
        while begun.elapsed() < MEASURED {
            // Another caller may be let in before this one is out.
            let shown = ask(to.clone(), &anchor(0), pb::View::Full).await;
            answered += u32::from(shown.is_ok_and(|shown| shown));
        }
        answered
    };
    let answered: u32 = join_all((0..LET_IN).map(caller)).await.into_iter().sum();
    match answered {
        0 => bail!("nothing was answered without overload"),
        answered => Ok(f64::from(answered) / begun.elapsed().as_secs_f64()),
    }
}

/// How offered calls ended.
#[derive(Debug, Default)]
struct Offered {
    answered: u64,
    /// Answers that show nothing; they are no success.
    empty: u64,
    refused: u64,
    other: Option<Status>,
}

/// Calls at a steady rate, whatever becomes of them.
async fn offer(to: &Channel, per_second: f64) -> Offered {
    let mut calls = JoinSet::new();
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, mut due) = (Instant::now(), 0.0);
    while begun.elapsed() < MEASURED {
        ticks.tick().await;
        due += per_second * ticks.period().as_secs_f64();
        while due >= 1.0 {
            due -= 1.0;
            let to = to.clone();
            calls.spawn(async move { ask(to, &anchor(0), pb::View::Full).await });
        }
    }
    let mut offered = Offered::default();
    for ended in calls.join_all().await {
        match ended {
            Ok(true) => offered.answered += 1,
            Ok(false) => offered.empty += 1,
            Err(status) if is_early(&status) => offered.refused += 1,
            Err(status) => offered.other = Some(status),
        }
    }
    offered
}

/// Whether a refusal says when to come again.
fn is_early(status: &Status) -> bool {
    status.code() == Code::Unavailable && status.get_details_retry_info().is_some()
}
