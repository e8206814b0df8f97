//! Links.

use tandem_domain::link::{Link, LinkEffect};
use tandem_domain::relation::Relation;
use tandem_proto::v1 as pb;

use super::{text, time};

pub(crate) fn link(link: Link) -> pb::Link {
    let input = link.input;
    let (effect, position, factor) = effect(input.effect);
    pb::Link {
        link_id: link.id.into(),
        anchor_product_id: input.anchor.into(),
        companion_product_id: input.companion.into(),
        effect: effect.into(),
        position,
        factor,
        relation: input.relation.map_or(pb::Relation::Unspecified, relation).into(),
        surface_id: text(input.surface),
        valid_from_time: input.valid_from.map(time),
        valid_until_time: input.valid_until.map(time),
        reason: input.reason,
        shop_id: link.shop.into(),
        author: link.author,
        create_time: Some(time(link.created)),
        delete_time: link.deleted.map(time),
        etag: link.version.to_string(),
    }
}

/// The effect with its position and factor.
fn effect(effect: LinkEffect) -> (pb::LinkEffect, u32, f32) {
    match effect {
        LinkEffect::Pin { position } => (pb::LinkEffect::Pin, position, 0.0),
        LinkEffect::Boost { factor } => (pb::LinkEffect::Boost, 0, factor),
        LinkEffect::Bury { factor } => (pb::LinkEffect::Bury, 0, factor),
        LinkEffect::Exclude => (pb::LinkEffect::Exclude, 0, 0.0),
    }
}

pub(super) fn relation(relation: Relation) -> pb::Relation {
    match relation {
        Relation::Together => pb::Relation::Together,
        Relation::AlsoViewed => pb::Relation::AlsoViewed,
        Relation::Complement => pb::Relation::Complement,
        Relation::Substitute => pb::Relation::Substitute,
        Relation::Upsell => pb::Relation::Upsell,
        Relation::Series => pb::Relation::Series,
    }
}
