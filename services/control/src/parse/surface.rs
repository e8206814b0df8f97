//! Requests of `Surfaces`.

mod stock;

use std::collections::{BTreeMap, HashSet};

use tandem_domain::edge::Source;
use tandem_domain::id::SurfaceId;
use tandem_domain::relation::Relation;
use tandem_domain::surface::{AttachRules, Experiment, ShopScope, Surface, SurfacePatch, WhenStale};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;
use tandem_store::{SurfaceUpdate, WhenMissing};

use super::field::MAX_NUMBER;
use super::{Path, Violations};

/// Surfaces or revisions of one page, unless the request says how many, and at most.
const PAGE: (u32, u32) = (50, 500);

/// What stands for every field in a mask.
const ALL: &str = "*";

/// A surface to go back, and how far.
#[derive(Debug)]
pub(crate) struct Rollback {
    pub(crate) id: SurfaceId,
    pub(crate) version: u64,
    pub(crate) etag: Option<u64>,
    pub(crate) reason: String,
}

/// A surface to delete.
#[derive(Debug)]
pub(crate) struct Deletion {
    pub(crate) id: SurfaceId,
    pub(crate) etag: Option<u64>,
    pub(crate) reason: String,
}

/// A field that can be changed.
struct Field {
    name: &'static str,
    is_given: fn(&pb::Surface) -> bool,
    read: fn(&mut Violations, &Path<'_>, &pb::Surface, &mut SurfacePatch),
}

/// Every field that can be changed.
const FIELDS: [Field; 23] = [
    Field {
        name: "relations",
        is_given: |surface| !surface.relations.is_empty(),
        read: |violations, at, surface, patch| {
            patch.relations = each(violations, at, &surface.relations, relation);
        },
    },
    Field {
        name: "quotas",
        is_given: |surface| !surface.quotas.is_empty(),
        read: |violations, at, surface, patch| patch.quotas = quotas(violations, at, &surface.quotas),
    },
    Field {
        name: "default_size",
        is_given: |surface| surface.default_size != 0,
        read: |_, _, surface, patch| patch.default_size = Some(surface.default_size),
    },
    Field {
        name: "min_price_percent",
        is_given: |surface| surface.min_price_percent != 0,
        read: |_, _, surface, patch| patch.min_price_percent = Some(some(surface.min_price_percent)),
    },
    Field {
        name: "max_price_percent",
        is_given: |surface| surface.max_price_percent != 0,
        read: |_, _, surface, patch| patch.max_price_percent = Some(some(surface.max_price_percent)),
    },
    Field {
        name: "max_per_brand",
        is_given: |surface| surface.max_per_brand != 0,
        read: |_, _, surface, patch| patch.max_per_brand = Some(some(surface.max_per_brand)),
    },
    Field {
        name: "max_per_category",
        is_given: |surface| surface.max_per_category != 0,
        read: |_, _, surface, patch| patch.max_per_category = Some(some(surface.max_per_category)),
    },
    Field {
        name: "max_per_shop",
        is_given: |surface| surface.max_per_shop != 0,
        read: |_, _, surface, patch| patch.max_per_shop = Some(some(surface.max_per_shop)),
    },
    Field {
        name: "shop_scope",
        is_given: |surface| surface.shop_scope != 0,
        read: |violations, at, surface, patch| {
            patch.shops = violations.known(at, surface.shop_scope).map(|scope| match scope {
                pb::ShopScope::Unspecified | pb::ShopScope::Marketplace => ShopScope::Marketplace,
                pb::ShopScope::SameShop => ShopScope::SameShop,
            });
        },
    },
    Field {
        name: "fallback",
        is_given: |surface| !surface.fallback.is_empty(),
        read: |violations, at, surface, patch| {
            patch.fallback = each(violations, at, &surface.fallback, source);
        },
    },
    Field {
        name: "show_unknown_stock",
        is_given: |surface| surface.show_unknown_stock,
        read: |_, _, surface, patch| patch.show_unknown_stock = Some(surface.show_unknown_stock),
    },
    Field {
        name: "max_stock_age_ms",
        is_given: |surface| surface.max_stock_age_ms != 0,
        read: |_, _, surface, patch| patch.max_stock_age_ms = Some(surface.max_stock_age_ms),
    },
    Field {
        name: "stale_lists",
        is_given: |surface| surface.stale_lists != 0,
        read: |violations, at, surface, patch| {
            patch.stale_lists = when_stale(violations, at, surface.stale_lists);
        },
    },
    Field {
        name: "stale_bundles",
        is_given: |surface| surface.stale_bundles != 0,
        read: |violations, at, surface, patch| {
            patch.stale_bundles = when_stale(violations, at, surface.stale_bundles);
        },
    },
    Field {
        name: "experiment",
        is_given: |surface| surface.experiment.is_some(),
        read: |_, _, surface, patch| {
            patch.experiment = Some(surface.experiment.clone().map(|experiment| Experiment {
                id: experiment.experiment_id,
                arm: experiment.arm,
            }));
        },
    },
    Field {
        name: "rank_by_feedback",
        is_given: |surface| surface.rank_by_feedback,
        read: |_, _, surface, patch| patch.rank_by_feedback = Some(surface.rank_by_feedback),
    },
    Field {
        name: "exploration_position",
        is_given: |surface| surface.exploration_position != 0,
        read: |_, _, surface, patch| patch.exploration_position = Some(some(surface.exploration_position)),
    },
    Field {
        name: "attach_share_percent",
        is_given: |surface| surface.attach_share_percent != 0,
        read: |_, _, surface, patch| patch.attach_share_percent = Some(surface.attach_share_percent),
    },
    Field {
        name: "attach_min_score_percent",
        is_given: |surface| surface.attach_min_score_percent != 0,
        read: |_, _, surface, patch| {
            let percent = some(surface.attach_min_score_percent);
            patch.attach_min_score_percent = percent.or(Some(AttachRules::MIN_SCORE_PERCENT));
        },
    },
    Field {
        name: "attach_slow_below",
        is_given: |surface| surface.attach_slow_below != 0,
        read: |_, _, surface, patch| patch.attach_slow_below = Some(some(surface.attach_slow_below)),
    },
    Field {
        name: "attach_new_days",
        is_given: |surface| surface.attach_new_days != 0,
        read: |_, _, surface, patch| patch.attach_new_days = Some(some(surface.attach_new_days)),
    },
    Field {
        name: "attach_clearance",
        is_given: |surface| surface.attach_clearance,
        read: |_, _, surface, patch| patch.attach_clearance = Some(surface.attach_clearance),
    },
    Field {
        name: "stock",
        is_given: |surface| surface.stock.is_some(),
        read: |violations, at, surface, patch| {
            patch.stock = stock::rules(violations, at, surface.stock.as_ref())
        },
    },
];

/// The id in a request that holds little else.
pub(crate) fn id(id: &str) -> Result<SurfaceId, Refusal> {
    let mut violations = Violations::new();
    let id = violations.id(&Path::of("surface_id"), id);
    violations.finish(id)
}

/// How many surfaces to list.
pub(crate) fn page_size(request: &pb::ListSurfacesRequest) -> Result<u32, Refusal> {
    let mut violations = Violations::new();
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(size)
}

/// The surface whose revisions to list, and how many.
pub(crate) fn revisions(request: &pb::ListSurfaceRevisionsRequest) -> Result<(SurfaceId, u32), Refusal> {
    let mut violations = Violations::new();
    let id = violations.id(&Path::of("surface_id"), &request.surface_id);
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(id.zip(size))
}

/// What to change.
pub(crate) fn update(request: pb::UpdateSurfaceRequest) -> Result<SurfaceUpdate, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("surface");
    let update = match &request.surface {
        None => violations.refuse(&at, "must be given"),
        Some(surface) => {
            let id: Option<SurfaceId> = violations.id(&at.field("surface_id"), &surface.surface_id);
            let etag = violations.etag(&at.field("etag"), &surface.etag);
            let patch = patch(&mut violations, &at, surface, request.update_mask.as_ref());
            // The rules do not ask which surface it is.
            let probe = id.clone().or_else(|| SurfaceId::new(Surface::DEFAULT).ok());
            let probe = probe.map(|id| Surface::with_defaults(id).patched(&patch));
            for fault in probe.iter().flat_map(Surface::field_faults) {
                violations.add(&at.field(fault.field), fault.why);
            }
            id.zip(etag).map(|(id, etag)| (id, etag, patch))
        }
    };
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let when_missing = match request.allow_missing {
        true => WhenMissing::Create,
        false => WhenMissing::Refuse,
    };
    let update = update
        .zip(reason)
        .map(|((id, etag, patch), reason)| SurfaceUpdate {
            id,
            patch,
            etag,
            when_missing,
            reason,
        });
    violations.finish(update)
}

/// Where to go back to.
pub(crate) fn rollback(request: pb::RollbackSurfaceRequest) -> Result<Rollback, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let id = violations.id(&Path::of("surface_id"), &request.surface_id);
    let version = violations.number(&Path::of("version"), request.version, 1..=MAX_NUMBER);
    let etag = violations.etag(&Path::of("etag"), &request.etag);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let rollback = id.zip(version).zip(etag.zip(reason));
    violations.finish(rollback.map(|((id, version), (etag, reason))| Rollback {
        id,
        version,
        etag,
        reason,
    }))
}

/// What to delete.
pub(crate) fn deletion(request: pb::DeleteSurfaceRequest) -> Result<Deletion, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let id = violations.id(&Path::of("surface_id"), &request.surface_id);
    let etag = violations.etag(&Path::of("etag"), &request.etag);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let deletion = id.zip(etag).zip(reason);
    violations.finish(deletion.map(|((id, etag), reason)| Deletion { id, etag, reason }))
}

/// The values of the fields that the mask names, or of those that are given where there is no mask.
fn patch(
    violations: &mut Violations,
    at: &Path<'_>,
    surface: &pb::Surface,
    mask: Option<&prost_types::FieldMask>,
) -> SurfacePatch {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    for (index, path) in paths.iter().enumerate() {
        if path != ALL && !FIELDS.iter().any(|field| field.name == path) {
            let why = "is no field of a surface that can be changed";
            violations.add(&Path::of("update_mask").field("paths").at(index), why);
        }
    }
    let mut patch = SurfacePatch::default();
    for field in &FIELDS {
        let is_wanted = match paths {
            [] => (field.is_given)(surface),
            paths => paths.iter().any(|path| path == ALL || path == field.name),
        };
        if is_wanted {
            (field.read)(violations, &at.field(field.name), surface, &mut patch);
        }
    }
    patch
}

/// 0 stands for none.
const fn some(value: u32) -> Option<u32> {
    match value {
        0 => None,
        value => Some(value),
    }
}

fn each<T>(
    violations: &mut Violations,
    at: &Path<'_>,
    values: &[i32],
    one: fn(&mut Violations, &Path<'_>, i32) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = values
        .iter()
        .enumerate()
        .map(|(index, value)| one(violations, &at.at(index), *value))
        .collect();
    read.into_iter().collect()
}

fn relation(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<Relation> {
    match violations.relation(at, value)? {
        Some(relation) => Some(relation),
        None => violations.refuse(at, "must be given"),
    }
}

fn source(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<Source> {
    match violations.known(at, value)? {
        pb::Source::Unspecified => violations.refuse(at, "must be given"),
        pb::Source::Manual => Some(Source::Manual),
        pb::Source::Learned => Some(Source::Learned),
        pb::Source::Attribute => Some(Source::Attribute),
        pb::Source::Bestseller => Some(Source::Bestseller),
    }
}

fn when_stale(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<WhenStale> {
    match violations.known(at, value)? {
        pb::WhenStale::Unspecified => violations.refuse(at, "must be given"),
        pb::WhenStale::Mark => Some(WhenStale::Mark),
        pb::WhenStale::Suppress => Some(WhenStale::Suppress),
    }
}

fn quotas(
    violations: &mut Violations,
    at: &Path<'_>,
    given: &[pb::RelationQuota],
) -> Option<BTreeMap<Relation, u32>> {
    let (mut quotas, mut seen) = (BTreeMap::new(), HashSet::new());
    for (index, quota) in given.iter().enumerate() {
        let at = at.at(index);
        let relation = relation(violations, &at.field("relation"), quota.relation)?;
        if !seen.insert(relation) {
            violations.add(&at.field("relation"), "came before in this list");
        }
        quotas.insert(relation, quota.max_items);
    }
    Some(quotas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_message_can_be_changed_or_is_told_apart() {
        use prost::Message as _;
        let set = prost_types::FileDescriptorSet::decode(tandem_proto::DESCRIPTORS).unwrap();
        let messages = set.file.iter().flat_map(|file| &file.message_type);
        let surface = messages
            .into_iter()
            .find(|message| message.name() == "Surface")
            .unwrap();
        let fixed = ["surface_id", "built_in", "etag", "update_time"];
        let changeable: Vec<_> = surface
            .field
            .iter()
            .map(|field| field.name())
            .filter(|name| !fixed.contains(name))
            .collect();
        let listed: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(listed, changeable);
    }
}
