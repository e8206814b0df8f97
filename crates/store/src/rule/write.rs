//! Changing category rules. Every change raises the version of all rules of the marketplace, under whose lock it is made.

use tandem_domain::id::CategoryId;
use tandem_domain::rule::{RULES_PER_OWNER, RuleKey, StandingRule};

use super::read::{current, shop_id};
use super::{RuleUpdate, WhenMissing};
use crate::audit::{self, Deed};
use crate::claim::{self, Kind};
use crate::context::WriteContext;
use crate::counter::{self, Counter};
use crate::entity::{signed, to_name};
use crate::error::{Missing, Result, StoreError};
use crate::marketplace::ensure_shop;
use crate::write::Tx;

pub(super) async fn update(tx: &Tx, ctx: &WriteContext, update: &RuleUpdate) -> Result<StandingRule> {
    let key = &update.rule.key;
    let standing = lock(tx, ctx, key, update.etag).await?;
    match &standing {
        None if update.when_missing == WhenMissing::Refuse => {
            return Err(StoreError::NotFound(Missing::CategoryRule(key.clone())));
        }
        Some(standing) if standing.rule.ruling == update.rule.ruling => return Ok(standing.clone()),
        _ => {}
    }
    refuse_unknown(tx, ctx, [&key.anchor, &key.companion]).await?;
    if let Some(shop) = &key.shop {
        ensure_shop(tx, &ctx.principal.marketplace, shop, ctx.now).await?;
    }
    let version = raise(tx, ctx).await?;
    if standing.is_none() {
        refuse_too_many(tx, ctx, key).await?;
    }
    let rule = StandingRule {
        rule: update.rule.clone(),
        reason: update.reason.clone(),
        author: ctx.principal.subject.clone(),
        created: standing.map_or(ctx.now, |standing| standing.created),
        updated: ctx.now,
        version,
    };
    save(tx, ctx, &rule).await?;
    record(tx, ctx, "update_category_rule", key, &update.reason).await?;
    Ok(rule)
}

pub(super) async fn delete(
    tx: &Tx,
    ctx: &WriteContext,
    key: &RuleKey,
    etag: Option<u64>,
    reason: &str,
) -> Result<bool> {
    if lock(tx, ctx, key, etag).await?.is_none() {
        return Ok(false);
    }
    raise(tx, ctx).await?;
    tx.execute(
        "DELETE FROM category_rules
         WHERE marketplace_id = $1 AND shop_id = $2 AND anchor_id = $3 AND companion_id = $4",
        [
            ctx.principal.marketplace.as_str().into(),
            shop_id(key).into(),
            key.anchor.as_str().into(),
            key.companion.as_str().into(),
        ],
    )
    .await?;
    record(tx, ctx, "delete_category_rule", key, reason).await?;
    Ok(true)
}

/// The rule as it stands, if the caller may change it; nobody else changes or makes it until the transaction ends.
async fn lock(tx: &Tx, ctx: &WriteContext, key: &RuleKey, etag: Option<u64>) -> Result<Option<StandingRule>> {
    if let Some(shop) = &key.shop
        && shop != ctx.shop()?
    {
        return Err(StoreError::ForeignShop(Missing::CategoryRule(key.clone())));
    }
    let marketplace = &ctx.principal.marketplace;
    claim::claim(tx, marketplace, Kind::CategoryRule, [key.anchor.as_str()]).await?;
    let standing = current(tx.conn(), marketplace, key).await?;
    let found = standing.as_ref().map_or(0, |standing| standing.version);
    match etag {
        Some(expected) if expected != found => Err(StoreError::EtagMismatch {
            what: "category_rule",
            id: key.to_string(),
            expected,
            found,
        }),
        _ => Ok(standing),
    }
}

/// Categories that no product names and nobody described: most likely a slip of the pen.
async fn refuse_unknown(tx: &Tx, ctx: &WriteContext, categories: [&CategoryId; 2]) -> Result<()> {
    for category in categories {
        let known = tx
            .number(
                "SELECT count(*) FROM categories WHERE marketplace_id = $1 AND category_id = $2",
                [
                    ctx.principal.marketplace.as_str().into(),
                    category.as_str().into(),
                ],
            )
            .await?;
        if known != Some(1) {
            return Err(StoreError::NotFound(Missing::Category(category.clone())));
        }
    }
    Ok(())
}

/// The next version; others who change rules wait until this transaction ends.
async fn raise(tx: &Tx, ctx: &WriteContext) -> Result<u64> {
    counter::raise(tx, &ctx.principal.marketplace, Counter::CategoryRule, 1).await
}

/// Whether there is room for another one. Nobody adds any meanwhile.
async fn refuse_too_many(tx: &Tx, ctx: &WriteContext, key: &RuleKey) -> Result<()> {
    let held = tx
        .number(
            "SELECT count(*) FROM category_rules WHERE marketplace_id = $1 AND shop_id = $2",
            [ctx.principal.marketplace.as_str().into(), shop_id(key).into()],
        )
        .await?;
    if held.unwrap_or_default() >= RULES_PER_OWNER as i64 {
        return Err(StoreError::RulesFull);
    }
    Ok(())
}

async fn save(tx: &Tx, ctx: &WriteContext, standing: &StandingRule) -> Result<()> {
    let StandingRule { rule, .. } = standing;
    let band = rule.ruling.band();
    tx.execute(
        "INSERT INTO category_rules
             (marketplace_id, shop_id, anchor_id, companion_id, verdict, least_ratio, most_ratio, reason, author,
              created_ms, updated_ms, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (marketplace_id, shop_id, anchor_id, companion_id) DO UPDATE SET
             verdict = excluded.verdict, least_ratio = excluded.least_ratio, most_ratio = excluded.most_ratio,
             reason = excluded.reason, author = excluded.author, updated_ms = excluded.updated_ms,
             version = excluded.version",
        [
            ctx.principal.marketplace.as_str().into(),
            shop_id(&rule.key).into(),
            rule.key.anchor.as_str().into(),
            rule.key.companion.as_str().into(),
            rule.ruling.verdict().as_ref().map(to_name).into(),
            band.map(|band| i64::from(band.least().parts())).into(),
            band.map(|band| i64::from(band.most().parts())).into(),
            standing.reason.as_str().into(),
            standing.author.as_str().into(),
            standing.created.as_ms().into(),
            standing.updated.as_ms().into(),
            signed("version", standing.version)?.into(),
        ],
    )
    .await?;
    Ok(())
}

async fn record(
    tx: &Tx,
    ctx: &WriteContext,
    action: &'static str,
    key: &RuleKey,
    reason: &str,
) -> Result<()> {
    let shop = key.shop.as_ref().map(AsRef::as_ref);
    let targets = [key.anchor.as_str(), key.companion.as_str()]
        .into_iter()
        .chain(shop);
    let deed = Deed {
        action,
        targets: targets.collect(),
        reason,
    };
    audit::write(tx, ctx, deed).await
}
