//! Learned bundles of an anchor.

use bytes::Bytes;
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_proto::cache::v1::{Bundle, BundleMember as MemberRecord, BundleRecord};

use super::{frame, product, rank, unframe};
use crate::port::Result;

const WHAT: &str = "bundles";

pub(super) fn encode_bundles(bundles: &[LearnedBundle]) -> Bytes {
    let anchor_count = bundles.first().map_or(0, |bundle| bundle.anchor_count);
    debug_assert!(
        bundles.iter().all(|bundle| bundle.anchor_count == anchor_count),
        "bundles of one anchor disagree on its count"
    );
    frame(&BundleRecord {
        bundles: bundles.iter().map(encode_bundle).collect(),
        anchor_count,
    })
}

fn encode_bundle(bundle: &LearnedBundle) -> Bundle {
    let member = |member: &BundleMember| MemberRecord {
        product_id: member.product.to_string(),
        role: member.role.clone(),
        support: member.support,
        alternates: member.alternates.iter().map(ToString::to_string).collect(),
    };
    Bundle {
        members: bundle.members.iter().map(member).collect(),
        score: bundle.score,
        support: bundle.support,
        generated: bundle.generated,
    }
}

/// Reads the bundles of an anchor, best first.
///
/// # Errors
/// [`CacheError::Unreadable`](crate::error::CacheError::Unreadable) when the bytes are of another codec or damaged.
pub fn decode_bundles(bytes: &[u8]) -> Result<Vec<LearnedBundle>> {
    let record: BundleRecord = unframe(WHAT, bytes)?;
    let anchor_count = record.anchor_count;
    let bundle = |bundle: Bundle| {
        Ok(LearnedBundle {
            members: bundle
                .members
                .into_iter()
                .map(decode_member)
                .collect::<Result<_>>()?,
            score: rank(WHAT, bundle.score)?,
            support: bundle.support,
            anchor_count,
            generated: bundle.generated,
        })
    };
    record.bundles.into_iter().map(bundle).collect()
}

fn decode_member(member: MemberRecord) -> Result<BundleMember> {
    let alternates = member.alternates.iter().map(|id| product(WHAT, id));
    Ok(BundleMember {
        product: product(WHAT, &member.product_id)?,
        role: member.role,
        quantity: 1,
        support: member.support,
        alternates: alternates.collect::<Result<_>>()?,
    })
}
