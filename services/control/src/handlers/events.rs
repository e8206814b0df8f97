//! `Events`.

use tandem_domain::attribution::KeyRing;
use tandem_proto::v1 as pb;
use tandem_proto::v1::events_server::Events;
use tonic::{Request, Response, Status};

use crate::desk::{Call, Desk};
use crate::intake::Intake;
use crate::parse;
use crate::parse::event::Reading;

pub(crate) struct EventsService {
    pub(crate) desk: Desk,
    pub(crate) intake: Intake,
    pub(crate) keys: KeyRing,
}

#[tonic::async_trait]
impl Events for EventsService {
    async fn report_events(
        &self,
        request: Request<pb::ReportEventsRequest>,
    ) -> Result<Response<pb::ReportEventsResponse>, Status> {
        let call = Call::of(request)?;
        let ctx = self.desk.write(&call);
        let reading = Reading {
            now: ctx.now,
            keys: &self.keys,
            marketplace: &ctx.principal.marketplace,
        };
        let events = parse::event::events(call.body, reading)?;
        let counts = self.intake.report(ctx, events).await?;
        Ok(Response::new(pb::ReportEventsResponse {
            stored_count: count(counts.stored),
            duplicate_count: count(counts.duplicates),
            expired_count: count(counts.expired),
        }))
    }
}

/// Never more than the events of one request.
fn count(events: u64) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
