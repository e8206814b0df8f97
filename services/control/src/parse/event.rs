//! Requests of `Events`.

use std::time::Duration;

use tandem_domain::attribution::{Attribution, KeyRing};
use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind, MAX_DWELL_MS, is_plausible_time};
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::money::Money;
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::{Path, Violations, bound};

/// Events of one request.
const MAX_BATCH: usize = 1_000;

/// How far a caller's clock may be ahead: more would make windows and retention count back from what never was.
const CLOCKS_APART: Duration = Duration::from_secs(86_400);

/// Units of one event.
const MAX_QUANTITY: u32 = 1_000_000;

/// What events are read by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// When those without a time happened.
    pub(crate) now: Timestamp,
    /// Whose tokens are believed.
    pub(crate) keys: &'a KeyRing,
    /// In which marketplace.
    pub(crate) marketplace: &'a MarketplaceId,
}

/// The events of a request, in its order.
pub(crate) fn events(request: pb::ReportEventsRequest, reading: Reading<'_>) -> Result<Vec<Event>, Refusal> {
    bound("events", request.events.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("events");
    violations.at_least_one(&at, request.events.len());
    let events: Vec<_> = request
        .events
        .into_iter()
        .enumerate()
        .filter_map(|(index, event)| parse(&mut violations, &at.at(index), event, reading))
        .collect();
    violations.finish(Some(events))
}

fn parse(
    violations: &mut Violations,
    at: &Path<'_>,
    event: pb::Event,
    reading: Reading<'_>,
) -> Option<Event> {
    let id = violations.id(&at.field("event_id"), &event.event_id);
    let kind = kind(violations, &at.field("type"), event.r#type);
    let product = violations.id(&at.field("product_id"), &event.product_id);
    let user = violations.optional_key(&at.field("user_id"), event.user_id);
    let group = group(violations, &at.field("group_id"), event.group_id, kind);
    let scene = violations.optional_id(&at.field("scene_id"), &event.scene_id);
    let quantity = violations.number(&at.field("quantity"), event.quantity, 0..=MAX_QUANTITY);
    let unit_price = violations.price(&at.field("unit_price"), event.unit_price);
    let unit_price = payable(violations, &at.field("unit_price"), quantity, unit_price);
    let time = time(violations, &at.field("event_time"), event.event_time, reading.now);
    let dwell_ms = dwell(violations, &at.field("dwell_time"), event.dwell_time);
    let token = at.field("attribution_token");
    let attribution = attribution(
        violations,
        &token,
        &event.attribution_token,
        product.as_ref(),
        reading,
    );
    Some(Event {
        id: id?,
        kind: kind?,
        product: product?,
        user: user?,
        group: group?,
        scene: scene?,
        quantity: quantity?.max(1),
        unit_price: unit_price?,
        time: time?,
        provenance: Provenance::Real,
        dwell_ms: dwell_ms?,
        attribution: attribution?,
    })
}

fn kind(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<EventKind> {
    let kind = match violations.known(at, value)? {
        pb::EventType::Unspecified => return violations.refuse(at, "must be given"),
        pb::EventType::View => EventKind::View,
        pb::EventType::Cart => EventKind::Cart,
        pb::EventType::Purchase => EventKind::Purchase,
        pb::EventType::Return => EventKind::Return,
        pb::EventType::Click => EventKind::Click,
        pb::EventType::Impression => EventKind::Impression,
        pb::EventType::Like => EventKind::Like,
        pb::EventType::Search => EventKind::Search,
        pb::EventType::Bounce => EventKind::Bounce,
    };
    Some(kind)
}

/// Where the product stood in the answer that the token is of; none without a token.
fn attribution(
    violations: &mut Violations,
    at: &Path<'_>,
    token: &str,
    product: Option<&ProductId>,
    reading: Reading<'_>,
) -> Option<Option<Attribution>> {
    if token.is_empty() {
        return Some(None);
    }
    let claim = violations.check(at, reading.keys.verify(reading.marketplace, token))?;
    match claim.of(product?) {
        Some(place) => Some(Some(place)),
        None => violations.refuse(at, "is of an answer that did not show this product"),
    }
}

/// A purchase or return without its order says nothing of what was bought together.
fn group(
    violations: &mut Violations,
    at: &Path<'_>,
    value: String,
    kind: Option<EventKind>,
) -> Option<Option<String>> {
    let needs_order = matches!(kind, Some(EventKind::Purchase | EventKind::Return));
    if value.is_empty() && needs_order {
        return violations.refuse(at, "must name the order of a purchase or return");
    }
    violations.optional_key(at, value)
}

/// How long a product was looked at, in milliseconds.
fn dwell(
    violations: &mut Violations,
    at: &Path<'_>,
    value: Option<prost_types::Duration>,
) -> Option<Option<u32>> {
    let Some(value) = value else {
        return Some(None);
    };
    let lasted = Duration::try_from(value).ok();
    let lasted = lasted.and_then(|lasted| u32::try_from(lasted.as_millis()).ok());
    match lasted.filter(|dwell_ms| *dwell_ms <= MAX_DWELL_MS) {
        Some(dwell_ms) => Some(Some(dwell_ms)),
        None => violations.refuse(at, "must be from 0 to a day"),
    }
}

/// What a line costs stays inside what a price may be, so that sums of many lines stay far inside 64 bits.
fn payable(
    violations: &mut Violations,
    at: &Path<'_>,
    quantity: Option<u32>,
    price: Option<Option<Money>>,
) -> Option<Option<Money>> {
    if let (Some(quantity), Some(Some(price))) = (quantity, price)
        && price.times(quantity) > Money::MAX_PRICE
    {
        return violations.refuse(at, "times the quantity must not exceed 10^12 minor units");
    }
    price
}

fn time(
    violations: &mut Violations,
    at: &Path<'_>,
    value: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let time = violations.time(at, value)?.unwrap_or(now);
    if is_plausible_time(time) && time <= now.plus(CLOCKS_APART) {
        return Some(time);
    }
    violations.refuse(at, "must lie between the year 2000 and a day from now")
}
