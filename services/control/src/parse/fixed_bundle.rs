//! Requests of `FixedBundles`.

use std::collections::HashSet;

use tandem_domain::bundle::{BundleMember, FixedBundleInput, STORED_ALTERNATES};
use tandem_domain::id::{FixedBundleId, ProductId};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::{Path, Violations};

/// Companions of a set.
const MEMBERS: std::ops::RangeInclusive<usize> = 2..=4;
/// Units of a companion in one set.
const MAX_QUANTITY: u32 = 100;
const TITLE_CHARS: usize = 200;
const ROLE_CHARS: usize = 64;

/// The bundle to create.
pub(crate) fn creation(request: pb::CreateFixedBundleRequest) -> Result<FixedBundleInput, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("fixed_bundle");
    let bundle = match request.fixed_bundle {
        Some(bundle) => input(&mut violations, &at, bundle),
        None => violations.refuse(&at, "must be given"),
    };
    violations.finish(bundle)
}

/// The anchor whose bundles to list.
pub(crate) fn listing(request: &pb::ListFixedBundlesRequest) -> Result<ProductId, Refusal> {
    let mut violations = Violations::new();
    let anchor = violations.id(&Path::of("anchor_product_id"), &request.anchor_product_id);
    violations.finish(anchor)
}

/// The bundle to delete, and why.
pub(crate) fn deletion(request: pb::DeleteFixedBundleRequest) -> Result<(FixedBundleId, String), Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let id = violations.id(&Path::of("fixed_bundle_id"), &request.fixed_bundle_id);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    violations.finish(id.zip(reason))
}

fn input(violations: &mut Violations, at: &Path<'_>, bundle: pb::FixedBundle) -> Option<FixedBundleInput> {
    let anchor: Option<ProductId> = violations.id(&at.field("anchor_product_id"), &bundle.anchor_product_id);
    let title = violations.text(&at.field("title"), bundle.title, 1..=TITLE_CHARS);
    let members = at.field("members");
    if !MEMBERS.contains(&bundle.members.len()) {
        let (least, most) = (MEMBERS.start(), MEMBERS.end());
        violations.add(&members, format_args!("must hold {least} to {most} companions"));
    }
    let mut seen = HashSet::from([bundle.anchor_product_id.clone()]);
    let mut parsed = Vec::with_capacity(bundle.members.len());
    for (index, own) in bundle.members.into_iter().enumerate() {
        let at = members.at(index);
        if !seen.insert(own.product_id.clone()) {
            violations.add(
                &at.field("product_id"),
                "is the anchor, or came before in this bundle",
            );
        }
        parsed.extend(member(violations, &at, own));
    }
    Some(FixedBundleInput {
        anchor: anchor?,
        title: title?,
        members: parsed,
    })
}

fn member(violations: &mut Violations, at: &Path<'_>, member: pb::FixedBundleMember) -> Option<BundleMember> {
    let product: Option<ProductId> = violations.id(&at.field("product_id"), &member.product_id);
    let quantity = violations.number(&at.field("quantity"), member.quantity.max(1), 1..=MAX_QUANTITY);
    let role = violations.optional_text(&at.field("role"), member.role, ROLE_CHARS);
    let list = at.field("alternate_product_ids");
    if member.alternate_product_ids.len() > STORED_ALTERNATES {
        violations.add(&list, format_args!("must hold at most {STORED_ALTERNATES}"));
    }
    let mut seen = HashSet::from([member.product_id.as_str()]);
    let mut alternates = Vec::with_capacity(member.alternate_product_ids.len());
    for (index, id) in member.alternate_product_ids.iter().enumerate() {
        let at = list.at(index);
        violations.once(&at, id, &mut seen);
        alternates.extend(violations.id::<ProductId>(&at, id));
    }
    let product = product?;
    Some(BundleMember {
        role: role?.unwrap_or_else(|| product.to_string()),
        product,
        quantity: quantity?,
        support: 0,
        alternates,
    })
}
