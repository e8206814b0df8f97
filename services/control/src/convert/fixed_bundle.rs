//! Fixed bundles.

use tandem_domain::bundle::{BundleMember, FixedBundle};
use tandem_proto::v1 as pb;

use super::time;

pub(crate) fn fixed_bundle(bundle: FixedBundle) -> pb::FixedBundle {
    pb::FixedBundle {
        fixed_bundle_id: bundle.id.into(),
        anchor_product_id: bundle.input.anchor.into(),
        title: bundle.input.title,
        members: bundle.input.members.into_iter().map(member).collect(),
        shop_id: bundle.shop.into(),
        author: bundle.author,
        create_time: Some(time(bundle.created)),
    }
}

fn member(member: BundleMember) -> pb::FixedBundleMember {
    pb::FixedBundleMember {
        product_id: member.product.into(),
        quantity: member.quantity,
        role: member.role,
        alternate_product_ids: member.alternates.into_iter().map(String::from).collect(),
    }
}
