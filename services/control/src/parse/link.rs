//! Requests of `Links`.

use std::collections::HashSet;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::{LinkId, ProductId};
use tandem_domain::link::{LinkEffect, LinkInput};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::{Path, Violations, bound};

/// Links of one deletion.
const MAX_BATCH: usize = 500;

/// Links of one page, unless the request says how many, and at most.
const PAGE: (u32, u32) = (100, 1_000);

/// Places that a pin may take.
const MAX_POSITION: u32 = 50;

/// The strongest boost.
const MAX_FACTOR: f32 = 100.0;

/// Links to delete with the versions that they must have, and why.
#[derive(Debug)]
pub(crate) struct Deletion {
    pub(crate) links: Vec<(LinkId, Option<u64>)>,
    pub(crate) reason: String,
}

/// The link to create.
pub(crate) fn creation(request: pb::CreateLinkRequest) -> Result<LinkInput, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("link");
    let link = match request.link {
        Some(link) => input(&mut violations, &at, link),
        None => violations.refuse(&at, "must be given"),
    };
    violations.finish(link)
}

/// The anchor whose links to list, or none for all, and how many.
pub(crate) fn listing(request: &pb::ListLinksRequest) -> Result<(Option<ProductId>, u32), Refusal> {
    let mut violations = Violations::new();
    let anchor = violations.optional_id(&Path::of("anchor_product_id"), &request.anchor_product_id);
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(anchor.zip(size))
}

/// What to delete.
pub(crate) fn deletion(request: pb::DeleteLinksRequest) -> Result<Deletion, Refusal> {
    bound("links", request.links.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("links");
    violations.at_least_one(&at, request.links.len());
    let mut seen = HashSet::new();
    let mut links = Vec::with_capacity(request.links.len());
    for (index, link) in request.links.iter().enumerate() {
        let at = at.at(index);
        violations.once(&at.field("link_id"), &link.link_id, &mut seen);
        let id = violations.id(&at.field("link_id"), &link.link_id);
        let etag = violations.etag(&at.field("etag"), &link.etag);
        links.extend(id.zip(etag));
    }
    let reason = violations.reason(&Path::of("reason"), request.reason);
    violations.finish(reason.map(|reason| Deletion { links, reason }))
}

fn input(violations: &mut Violations, at: &Path<'_>, link: pb::Link) -> Option<LinkInput> {
    let effect = effect(violations, at, &link);
    let anchor = violations.id(&at.field("anchor_product_id"), &link.anchor_product_id);
    let companion = companion(violations, &at.field("companion_product_id"), &link);
    let relation = violations.relation(&at.field("relation"), link.relation);
    let surface = violations.optional_id(&at.field("surface_id"), &link.surface_id);
    let validity = validity(violations, at, link.valid_from_time, link.valid_until_time);
    let reason = violations.reason(&at.field("reason"), link.reason);
    let (valid_from, valid_until) = validity?;
    Some(LinkInput {
        anchor: anchor?,
        companion: companion?,
        effect: effect?,
        relation: relation?,
        surface: surface?,
        valid_from,
        valid_until,
        reason: reason?,
    })
}

fn companion(violations: &mut Violations, at: &Path<'_>, link: &pb::Link) -> Option<ProductId> {
    let companion = violations.id(at, &link.companion_product_id)?;
    if link.companion_product_id == link.anchor_product_id {
        return violations.refuse(at, "must not be the anchor itself");
    }
    Some(companion)
}

fn effect(violations: &mut Violations, at: &Path<'_>, link: &pb::Link) -> Option<LinkEffect> {
    let effect = match violations.known(&at.field("effect"), link.effect)? {
        pb::LinkEffect::Unspecified => violations.refuse(&at.field("effect"), "must be given"),
        pb::LinkEffect::Pin => violations
            .number(&at.field("position"), link.position, 1..=MAX_POSITION)
            .map(|position| LinkEffect::Pin { position }),
        pb::LinkEffect::Boost => boost(violations, &at.field("factor"), link.factor),
        pb::LinkEffect::Bury => bury(violations, &at.field("factor"), link.factor),
        pb::LinkEffect::Exclude => Some(LinkEffect::Exclude),
    }?;
    if !matches!(effect, LinkEffect::Pin { .. }) && link.position != 0 {
        violations.add(&at.field("position"), "is for pins only");
    }
    if matches!(effect, LinkEffect::Pin { .. } | LinkEffect::Exclude) && link.factor != 0.0 {
        violations.add(&at.field("factor"), "is for boost and bury only");
    }
    Some(effect)
}

/// NaN is in neither range.
fn boost(violations: &mut Violations, at: &Path<'_>, factor: f32) -> Option<LinkEffect> {
    if factor > 1.0 && factor <= MAX_FACTOR {
        return Some(LinkEffect::Boost { factor });
    }
    violations.refuse(
        at,
        format_args!("must be above 1 and at most {MAX_FACTOR} for a boost, not {factor}"),
    )
}

fn bury(violations: &mut Violations, at: &Path<'_>, factor: f32) -> Option<LinkEffect> {
    if (0.0..1.0).contains(&factor) {
        return Some(LinkEffect::Bury { factor });
    }
    violations.refuse(
        at,
        format_args!("must be from 0 to below 1 for a bury, not {factor}"),
    )
}

/// From, and until.
type Validity = (Option<Timestamp>, Option<Timestamp>);

fn validity(
    violations: &mut Violations,
    at: &Path<'_>,
    from: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
) -> Option<Validity> {
    let from = violations.time(&at.field("valid_from_time"), from);
    let until = violations.time(&at.field("valid_until_time"), until);
    let (from, until) = from.zip(until)?;
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        return violations.refuse(
            &at.field("valid_until_time"),
            "must be later than valid_from_time",
        );
    }
    Some((from, until))
}
