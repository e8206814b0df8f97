//! Requests of `CategoryRules`.

use tandem_domain::id::CategoryId;
use tandem_domain::rule::{
    CategoryRule, CategoryVerdict, InvalidRuling, PriceRatio, RatioBand, RuleKey, Ruling,
};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;
use tandem_store::{RuleUpdate, WhenMissing};

use super::{Path, Violations};

/// Rules of one page, unless the request says how many, and at most.
const PAGE: (u32, u32) = (100, 1_000);

/// A rule to delete.
#[derive(Debug)]
pub(crate) struct Deletion {
    pub(crate) key: RuleKey,
    pub(crate) etag: Option<u64>,
    pub(crate) reason: String,
}

/// The fields that name a rule, and where they stand.
struct Name<'a> {
    shop: (Path<'a>, &'a str),
    anchor: (Path<'a>, &'a str),
    companion: (Path<'a>, &'a str),
}

/// The rule to read.
pub(crate) fn key(request: &pb::GetCategoryRuleRequest) -> Result<RuleKey, Refusal> {
    let mut violations = Violations::new();
    let key = name(
        &mut violations,
        &Name {
            shop: (Path::of("shop_id"), &request.shop_id),
            anchor: (Path::of("anchor_category_id"), &request.anchor_category_id),
            companion: (Path::of("companion_category_id"), &request.companion_category_id),
        },
    );
    violations.finish(key)
}

/// Of which anchors to list rules, and how many.
pub(crate) fn listing(request: &pb::ListCategoryRulesRequest) -> Result<(Option<CategoryId>, u32), Refusal> {
    let mut violations = Violations::new();
    let anchor = violations.optional_id(&Path::of("anchor_category_id"), &request.anchor_category_id);
    let size = violations.page_size(request.page_size, PAGE.0, PAGE.1);
    violations.finish(anchor.zip(size))
}

/// What a rule is to say.
pub(crate) fn update(request: pb::UpdateCategoryRuleRequest) -> Result<RuleUpdate, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("category_rule");
    let rule = match request.category_rule {
        None => violations.refuse(&at, "must be given"),
        Some(given) => {
            let rule = rule(&mut violations, &at, &given);
            let etag = violations.etag(&at.field("etag"), &given.etag);
            let reason = violations.reason(&at.field("reason"), given.reason);
            rule.zip(etag.zip(reason))
        }
    };
    let when_missing = match request.allow_missing {
        true => WhenMissing::Create,
        false => WhenMissing::Refuse,
    };
    violations.finish(rule.map(|(rule, (etag, reason))| RuleUpdate {
        rule,
        etag,
        when_missing,
        reason,
    }))
}

/// What to delete.
pub(crate) fn deletion(request: pb::DeleteCategoryRuleRequest) -> Result<Deletion, Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let key = name(
        &mut violations,
        &Name {
            shop: (Path::of("shop_id"), &request.shop_id),
            anchor: (Path::of("anchor_category_id"), &request.anchor_category_id),
            companion: (Path::of("companion_category_id"), &request.companion_category_id),
        },
    );
    let etag = violations.etag(&Path::of("etag"), &request.etag);
    let reason = violations.reason(&Path::of("reason"), request.reason);
    let deletion = key.zip(etag.zip(reason));
    violations.finish(deletion.map(|(key, (etag, reason))| Deletion { key, etag, reason }))
}

fn name(violations: &mut Violations, name: &Name<'_>) -> Option<RuleKey> {
    let shop = violations.optional_id(&name.shop.0, name.shop.1);
    let anchor: Option<CategoryId> = violations.id(&name.anchor.0, name.anchor.1);
    let companion: Option<CategoryId> = violations.id(&name.companion.0, name.companion.1);
    let (anchor, companion) = (anchor?, companion?);
    if anchor == companion {
        return violations.refuse(&name.companion.0, InvalidRuling::SameCategory);
    }
    Some(RuleKey {
        shop: shop?,
        anchor,
        companion,
    })
}

fn rule(violations: &mut Violations, at: &Path<'_>, given: &pb::CategoryRule) -> Option<CategoryRule> {
    let key = name(
        violations,
        &Name {
            shop: (at.field("shop_id"), &given.shop_id),
            anchor: (at.field("anchor_category_id"), &given.anchor_category_id),
            companion: (at.field("companion_category_id"), &given.companion_category_id),
        },
    );
    let verdict = match violations.known(&at.field("verdict"), given.verdict) {
        None => None,
        Some(pb::CategoryVerdict::Unspecified) => Some(None),
        Some(pb::CategoryVerdict::Related) => Some(Some(CategoryVerdict::Related)),
        Some(pb::CategoryVerdict::Forbidden) => Some(Some(CategoryVerdict::Forbidden)),
    };
    let band = match &given.price_band {
        None => Some(None),
        Some(band) => self::band(violations, &at.field("price_band"), band).map(Some),
    };
    let ruling = verdict
        .zip(band)
        .and_then(|(verdict, band)| violations.check(at, Ruling::of(verdict, band)));
    let (key, ruling) = key.zip(ruling)?;
    Some(CategoryRule { key, ruling })
}

fn band(violations: &mut Violations, at: &Path<'_>, band: &pb::PriceRatioBand) -> Option<RatioBand> {
    let least = violations.check(&at.field("min_ratio"), PriceRatio::new(band.min_ratio));
    let most = violations.check(&at.field("max_ratio"), PriceRatio::new(band.max_ratio));
    let (least, most) = least.zip(most)?;
    violations.check(at, RatioBand::new(least, most))
}
