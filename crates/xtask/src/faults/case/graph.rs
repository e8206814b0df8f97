//! Row 22: two recomputers, and the one that publishes dies.

use std::time::Duration;

use anyhow::{Result, bail};
use tandem_proto::v1 as pb;
use tandem_proto::v1::events_client::EventsClient;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_testing::{wait_for, wait_until};
use tokio::time::sleep;
use tonic::transport::Channel;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::shop::{COMPANIONS, anchor, companion};
use crate::faults::world::World;

/// Orders, and how long a build may take with a worker dead in the middle of it.
const ORDERS: usize = 300;
const BUILT_WITHIN: Duration = Duration::from_secs(60);

/// Two graph workers and something to build from.
pub(super) fn two(world: &mut World) -> Step<'_> {
    Box::pin(async {
        if world.events.is_empty() {
            world.add_events().await?;
            report_orders(world.control_channel()?).await?;
            let waiting = "SELECT count(*) FROM event_chunks WHERE batch_no IS NULL";
            let numbered = async || world.sql(waiting).await.is_ok_and(|waiting| waiting == "0");
            wait_until(BUILT_WITHIN, "the orders to be numbered", numbered).await?;
        }
        while world.graph.len() < 2 {
            world.add_graph().await?;
        }
        Ok(())
    })
}

async fn report_orders(channel: Channel) -> Result<()> {
    let mut events = EventsClient::new(channel);
    let purchase = |order: usize, product_id: String| pb::Event {
        event_id: format!("{order}-{product_id}"),
        r#type: pb::EventType::Purchase.into(),
        product_id,
        user_id: format!("user-{}", order % 50),
        group_id: format!("order-{order}"),
        ..pb::Event::default()
    };
    let basket = |order: usize| {
        let first = order % 4;
        let with = first * COMPANIONS + order / 4 % COMPANIONS;
        [anchor(first), companion(with), companion(first * COMPANIONS)].map(|id| purchase(order, id))
    };
    let request = pb::ReportEventsRequest {
        events: (0..ORDERS).flat_map(basket).collect(),
        request_id: String::new(),
    };
    events.report_events(request).await?;
    Ok(())
}

/// Whoever holds the job is killed in the middle of it; the other one sees it through, and the generation that gateways
/// serve only ever rises.
pub(super) fn publisher_killed<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let mut operations = OperationsClient::new(world.control_channel()?);
        let before = world.list(0).await?.generation;
        let request = pb::TriggerBuildRequest {
            accept_collapse: true,
            reason: "a fault is injected".to_owned(),
            ..Default::default()
        };
        let job = operations.trigger_build(request).await?.into_inner();
        sleep(dice.within(Duration::from_millis(400))).await;
        let victim = dice.below(world.graph.len());
        world.graph[victim].kill().await?;
        let done = finished(&mut operations, &job.job_id).await?;
        world.graph[victim].start().await?;
        if done.state() != pb::job::State::Succeeded {
            bail!("the build ended as {:?}: {}", done.state(), done.message);
        }
        let mut seen = before;
        let serves = async || {
            let Ok(answer) = world.list(0).await else {
                return false;
            };
            let fell_back = answer.generation < seen;
            seen = seen.max(answer.generation);
            answer.generation == done.generation && !fell_back
        };
        wait_until(BUILT_WITHIN, "the new generation on serve", serves).await?;
        if done.generation <= before {
            bail!("generation {} came after {before}", done.generation);
        }
        Ok(())
    })
}

/// Waits for a job to end.
pub(super) async fn finished(operations: &mut OperationsClient<Channel>, job: &str) -> Result<pb::Job> {
    let request = pb::GetJobRequest {
        job_id: job.to_owned(),
    };
    wait_for(BUILT_WITHIN, "the build to end", async || {
        let job = operations.get_job(request.clone()).await.ok()?.into_inner();
        let ended = matches!(job.state(), pb::job::State::Succeeded | pb::job::State::Failed);
        ended.then_some(job)
    })
    .await
}
