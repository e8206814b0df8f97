//! The events of several calls in one transaction, for group commit.

use std::collections::{BTreeMap, HashMap};

use tandem_domain::event::Event;
use tandem_domain::id::MarketplaceId;

use super::{EventCounts, record};
use crate::context::WriteContext;
use crate::error::{Result, StoreError};
use crate::write::Tx;
use crate::write::request::{self, Claim};

/// A call: who and when, and its events.
type Call = (WriteContext, Vec<Event>);

/// What is to become of a call.
enum Fate {
    /// Its events are to be stored.
    Fresh,
    /// It is refused, or was answered before.
    Decided(Result<EventCounts>),
    /// It repeats this one of the same transaction.
    As(usize),
}

/// Stores the events of all calls; the outcome of each is what it alone would have got.
pub(super) async fn record(tx: &Tx, calls: &[Call]) -> Result<Vec<Result<EventCounts>>> {
    let fates = fates(tx, calls).await?;
    let mut stored = HashMap::new();
    for (marketplace, fresh) in fresh_by_marketplace(calls, &fates) {
        let events: Vec<_> = fresh.iter().map(|at| calls[*at].1.as_slice()).collect();
        let counts = record::insert_each(tx, marketplace, &events, calls[fresh[0]].0.now).await?;
        for (at, counts) in fresh.into_iter().zip(counts) {
            let ctx = &calls[at].0;
            if let Some(request) = &ctx.request {
                request::answer(tx, ctx, request, &counts).await?;
            }
            stored.insert(at, counts);
        }
    }
    let outcomes = fates.into_iter().enumerate().map(|(at, fate)| match fate {
        Fate::Fresh => Ok(stored[&at]),
        Fate::Decided(outcome) => outcome,
        Fate::As(first) => Ok(stored[&first]),
    });
    Ok(outcomes.collect())
}

async fn fates(tx: &Tx, calls: &[Call]) -> Result<Vec<Fate>> {
    let mut fates = Vec::with_capacity(calls.len());
    let mut first = HashMap::new();
    for (at, (ctx, events)) in calls.iter().enumerate() {
        let (request, fit) = (ctx.request.as_ref(), record::check(events));
        let fate = match (fit, request) {
            (Err(refused), _) => Fate::Decided(Err(refused)),
            (Ok(()), None) => Fate::Fresh,
            (Ok(()), Some(request)) => match request::claim(tx, ctx, request).await {
                Ok(Claim::First) => {
                    first.insert(identity(ctx), at);
                    Fate::Fresh
                }
                Ok(Claim::Answered(counts)) => Fate::Decided(Ok(counts)),
                Ok(Claim::Pending) => match first.get(&identity(ctx)) {
                    Some(first) => Fate::As(*first),
                    None => Fate::Decided(Err(StoreError::Busy {
                        during: "record events",
                    })),
                },
                Err(StoreError::RequestIdReused) => Fate::Decided(Err(StoreError::RequestIdReused)),
                Err(error) => return Err(error),
            },
        };
        fates.push(fate);
    }
    Ok(fates)
}

/// What a call with a request id is known by when it comes again.
fn identity(ctx: &WriteContext) -> [&str; 5] {
    let (principal, request) = (&ctx.principal, ctx.request.as_ref());
    [
        principal.marketplace.as_str(),
        principal.shop.as_ref().map_or("", |shop| shop.as_str()),
        &principal.subject,
        request.map_or("", |request| request.method),
        request.map_or("", |request| &request.id),
    ]
}

fn fresh_by_marketplace<'c>(calls: &'c [Call], fates: &[Fate]) -> BTreeMap<&'c MarketplaceId, Vec<usize>> {
    let mut fresh = BTreeMap::<_, Vec<_>>::new();
    for (at, fate) in fates.iter().enumerate() {
        if matches!(fate, Fate::Fresh) {
            fresh
                .entry(&calls[at].0.principal.marketplace)
                .or_default()
                .push(at);
        }
    }
    fresh
}
