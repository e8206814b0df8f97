//! Group commit: reports of several callers share one transaction.
//!
//! A call waits in a bounded queue until a transaction takes it along, and is answered after the commit. While one
//! transaction commits, the next ones gather, so that a crowd of small reports costs few commits.

use std::sync::Arc;

use opentelemetry::global;
use opentelemetry::metrics::Histogram;
use tandem_domain::event::Event;
use tandem_runtime::status::Refusal;
use tandem_runtime::telemetry::SECONDS;
use tandem_store::{EventCounts, Store, StoreError, WriteContext};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::config::EventsConfig;
use crate::refusal::{internal, overloaded, refuse};

/// Where reports are handed in. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    queue: mpsc::UnboundedSender<Report>,
    /// A place per event that may wait.
    places: Arc<Semaphore>,
}

/// Takes reports out of the queue into transactions.
pub(crate) struct Committer {
    store: Store,
    limits: EventsConfig,
    queue: mpsc::UnboundedReceiver<Report>,
    instruments: Instruments,
}

/// One caller's events with the place where its answer is awaited.
struct Report {
    call: (WriteContext, Vec<Event>),
    answer: oneshot::Sender<Result<EventCounts, Refusal>>,
    _places: OwnedSemaphorePermit,
}

struct Instruments {
    rows: Histogram<u64>,
    duration: Histogram<f64>,
}

/// A queue and what empties it.
pub(crate) fn intake(store: Store, limits: EventsConfig) -> (Intake, Committer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(limits.queue_rows.min(Semaphore::MAX_PERMITS)));
    let committer = Committer {
        store,
        limits,
        queue: receiver,
        instruments: Instruments::new(),
    };
    (
        Intake {
            queue: sender,
            places,
        },
        committer,
    )
}

impl Intake {
    /// Stores the events of a call; returns once they are committed.
    pub(crate) async fn report(&self, ctx: WriteContext, events: Vec<Event>) -> Result<EventCounts, Refusal> {
        let places = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places).try_acquire_many_owned(places);
        let (answer, answered) = oneshot::channel();
        let report = Report {
            call: (ctx, events),
            answer,
            _places: places.map_err(|_| overloaded())?,
        };
        self.queue.send(report).map_err(|_| internal())?;
        answered.await.unwrap_or_else(|_| Err(internal()))
    }
}

impl Committer {
    /// Commits until every [`Intake`] is gone and the queue is empty.
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let reports = self.gather(first).await;
            self.commit(reports).await;
        }
    }

    async fn gather(&mut self, first: Report) -> Vec<Report> {
        let until = Instant::now() + self.limits.group_commit_wait;
        let mut rows = first.call.1.len();
        let mut reports = vec![first];
        while rows < self.limits.group_commit_rows {
            let Ok(Some(next)) = timeout_at(until, self.queue.recv()).await else {
                break;
            };
            rows += next.call.1.len();
            reports.push(next);
        }
        reports
    }

    /// One transaction for all whose callers still wait.
    async fn commit(&self, reports: Vec<Report>) {
        let waiting = reports.into_iter().filter(|report| !report.answer.is_closed());
        let (calls, answers): (Vec<_>, Vec<_>) = waiting
            .map(|report| (report.call, (report.answer, report._places)))
            .unzip();
        if calls.is_empty() {
            return;
        }
        let outcomes = self.record(&calls).await;
        for ((answer, _places), outcome) in answers.into_iter().zip(outcomes) {
            // A caller that has gone away will ask again or not at all.
            let _ = answer.send(outcome);
        }
    }

    async fn record(&self, calls: &[(WriteContext, Vec<Event>)]) -> Vec<Result<EventCounts, Refusal>> {
        let started = Instant::now();
        let outcome = self.store.record_event_calls(calls).await;
        self.instruments.note(calls, started);
        match outcome {
            Ok(outcomes) => outcomes
                .into_iter()
                .map(|outcome| outcome.map_err(refuse))
                .collect(),
            Err(error) if calls.len() > 1 && !is_passing(&error) => self.record_singly(calls).await,
            Err(error) => vec![Err(refuse(error)); calls.len()],
        }
    }

    /// What the database refuses for one of them must not harm the others.
    async fn record_singly(&self, calls: &[(WriteContext, Vec<Event>)]) -> Vec<Result<EventCounts, Refusal>> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for (ctx, events) in calls {
            outcomes.push(self.store.record_events(ctx, events).await.map_err(refuse));
        }
        outcomes
    }
}

/// Whether the same calls may pass later.
fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable { .. } | StoreError::Timeout { .. } | StoreError::Busy { .. }
    )
}

impl Instruments {
    fn new() -> Self {
        let meter = global::meter("tandem");
        Self {
            rows: meter
                .u64_histogram("tandem.events.commit.rows")
                .with_unit("{event}")
                .with_description("Events of one transaction")
                .with_boundaries(vec![1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 2_000.0])
                .build(),
            duration: meter
                .f64_histogram("tandem.events.commit.duration")
                .with_unit("s")
                .with_description("From the start of a transaction of events to its commit")
                .with_boundaries(SECONDS.to_vec())
                .build(),
        }
    }

    fn note(&self, calls: &[(WriteContext, Vec<Event>)], started: Instant) {
        let rows: usize = calls.iter().map(|(_, events)| events.len()).sum();
        self.rows.record(rows as u64, &[]);
        self.duration.record(started.elapsed().as_secs_f64(), &[]);
    }
}
