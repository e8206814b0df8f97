//! Living links of an anchor. The anchor is the key, so the record does not repeat it.

use bytes::Bytes;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{InvalidId, LinkId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::relation::Relation;
use tandem_proto::cache::v1::{LinkRecord, LinksRecord};

use super::{frame, unframe, unreadable};
use crate::error::CacheError;
use crate::port::Result;

const WHAT: &str = "links";
const PIN: u32 = 1;
const BOOST: u32 = 2;
const BURY: u32 = 3;
const EXCLUDE: u32 = 4;

/// The links of an anchor; deleted ones are no longer links and are left out.
#[must_use]
pub fn encode_links(links: &AnchorLinks) -> Bytes {
    let living = links.links.iter().filter(|link| link.deleted.is_none());
    frame(&LinksRecord {
        links: living.map(encode_link).collect(),
        version: links.version,
    })
}

fn encode_link(link: &Link) -> LinkRecord {
    let input = &link.input;
    let (effect, position, factor) = match input.effect {
        LinkEffect::Pin { position } => (PIN, position, 0.0),
        LinkEffect::Boost { factor } => (BOOST, 0, factor),
        LinkEffect::Bury { factor } => (BURY, 0, factor),
        LinkEffect::Exclude => (EXCLUDE, 0, 0.0),
    };
    LinkRecord {
        link_id: link.id.to_string(),
        companion_product_id: input.companion.to_string(),
        effect,
        position,
        factor,
        relation: input.relation.map_or(0, |relation| relation.code().into()),
        surface_id: input
            .surface
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        valid_from_ms: input.valid_from.map(Timestamp::as_ms),
        valid_until_ms: input.valid_until.map(Timestamp::as_ms),
        shop_id: link.shop.to_string(),
        author: link.author.clone(),
        reason: input.reason.clone(),
        created_ms: link.created.as_ms(),
        version: link.version,
    }
}

/// Reads the links of `anchor`.
///
/// # Errors
/// [`CacheError::Unreadable`] when the bytes are of another codec or damaged, or a link has an effect or relation that
/// this build does not know: leaving it out could show what a merchant excluded.
pub fn decode_links(anchor: &ProductId, bytes: &[u8]) -> Result<AnchorLinks> {
    let record: LinksRecord = unframe(WHAT, bytes)?;
    let links = record.links.into_iter().map(|link| decode_link(anchor, link));
    Ok(AnchorLinks {
        anchor: anchor.clone(),
        version: record.version,
        links: links.collect::<Result<_>>()?,
    })
}

fn decode_link(anchor: &ProductId, link: LinkRecord) -> Result<Link> {
    let surface = (!link.surface_id.is_empty()).then_some(link.surface_id);
    Ok(Link {
        id: LinkId::new(link.link_id).map_err(bad_id)?,
        shop: ShopId::new(link.shop_id).map_err(bad_id)?,
        author: link.author,
        created: Timestamp::from_ms(link.created_ms),
        deleted: None,
        version: link.version,
        input: LinkInput {
            anchor: anchor.clone(),
            companion: ProductId::new(link.companion_product_id).map_err(bad_id)?,
            effect: decode_effect(link.effect, link.position, link.factor)?,
            relation: decode_relation(link.relation)?,
            surface: surface.map(SurfaceId::new).transpose().map_err(bad_id)?,
            valid_from: link.valid_from_ms.map(Timestamp::from_ms),
            valid_until: link.valid_until_ms.map(Timestamp::from_ms),
            reason: link.reason,
        },
    })
}

fn decode_effect(effect: u32, position: u32, factor: f32) -> Result<LinkEffect> {
    let effect = match effect {
        PIN => LinkEffect::Pin { position },
        BOOST => LinkEffect::Boost { factor },
        BURY => LinkEffect::Bury { factor },
        EXCLUDE => LinkEffect::Exclude,
        other => return Err(unreadable(WHAT, format!("effect {other} is not known"))),
    };
    if factor.is_nan() {
        return Err(unreadable(WHAT, "a factor is not a number"));
    }
    Ok(effect)
}

fn decode_relation(code: u32) -> Result<Option<Relation>> {
    if code == 0 {
        return Ok(None);
    }
    let relation = u8::try_from(code).ok().and_then(Relation::from_code);
    relation
        .map(Some)
        .ok_or_else(|| unreadable(WHAT, format!("relation {code} is not known")))
}

fn bad_id(why: InvalidId) -> CacheError {
    unreadable(WHAT, format!("an id {why}"))
}
