//! The stock rules of a surface.

use tandem_domain::catalog::StockPolicy;
use tandem_domain::stock::{PoolKind, Supply};
use tandem_domain::surface::{AnchorRules, CompanionRules, StockRules};
use tandem_proto::v1 as pb;

use super::each;
use crate::parse::{Path, Violations};

/// The rules; the defaults where none are given.
pub(super) fn rules(
    violations: &mut Violations,
    at: &Path<'_>,
    given: Option<&pb::StockRules>,
) -> Option<StockRules> {
    let Some(given) = given else {
        return Some(StockRules::default());
    };
    let counts = each(violations, &at.field("counts"), &given.counts, policy);
    let pools = each(violations, &at.field("pools"), &given.pools, pool);
    let mut from = |at: Path<'_>, value| supply(violations, &at, value);
    let (on_anchor, on_companion) = (at.field("anchor"), at.field("companion"));
    let anchor = given.anchor.unwrap_or_default();
    let anchor = [
        from(
            on_anchor.field("lead_with_substitutes"),
            anchor.lead_with_substitutes,
        ),
        from(on_anchor.field("suspend_bundles"), anchor.suspend_bundles),
        from(on_anchor.field("hide"), anchor.hide),
    ];
    let companion = given.companion.unwrap_or_default();
    let companion = [
        from(on_companion.field("demote"), companion.demote),
        from(on_companion.field("replace"), companion.replace),
        from(on_companion.field("drop"), companion.drop),
    ];
    let [lead_with_substitutes, suspend_bundles, hide] = anchor;
    let [demote, replace, drop] = companion;
    Some(StockRules {
        counts: counts?.into_iter().collect(),
        pools: pools?,
        anchor: AnchorRules {
            lead_with_substitutes: lead_with_substitutes?,
            suspend_bundles: suspend_bundles?,
            hide: hide?,
        },
        companion: CompanionRules {
            demote: demote?,
            replace: replace?,
            drop: drop?,
        },
    })
}

fn policy(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<StockPolicy> {
    match violations.known(at, value)? {
        pb::StockPolicy::Unspecified => violations.refuse(at, "must be given"),
        pb::StockPolicy::Tracked => Some(StockPolicy::Tracked),
        pb::StockPolicy::Untracked => Some(StockPolicy::Untracked),
        pb::StockPolicy::ContinueSelling => Some(StockPolicy::ContinueSelling),
        pb::StockPolicy::PreOrder => Some(StockPolicy::PreOrder),
    }
}

fn pool(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<PoolKind> {
    match violations.known(at, value)? {
        pb::PoolKind::Unspecified => violations.refuse(at, "must be given"),
        pb::PoolKind::Normal => Some(PoolKind::Normal),
        pb::PoolKind::Promotion => Some(PoolKind::Promotion),
        pb::PoolKind::Creator => Some(PoolKind::Creator),
        pb::PoolKind::Room => Some(PoolKind::Room),
    }
}

/// From which supply on a rule holds.
fn supply(violations: &mut Violations, at: &Path<'_>, value: i32) -> Option<Option<Supply>> {
    let supply = match violations.known(at, value)? {
        pb::Supply::Unspecified => None,
        pb::Supply::Plenty => Some(Supply::Plenty),
        pb::Supply::Low => Some(Supply::Low),
        pb::Supply::Critical => Some(Supply::Critical),
        pb::Supply::Out => Some(Supply::Out),
    };
    Some(supply)
}
