//! Reading category rules.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{CategoryId, MarketplaceId, ShopId};
use tandem_domain::principal::Principal;
use tandem_domain::rule::{CategoryRule, PriceRatio, RatioBand, RuleKey, Ruling, StandingRule};

use super::{RuleBook, RuleQuery};
use crate::counter::Counter;
use crate::entity::{from_name, stored, unsigned};
use crate::error::{Missing, Result, StoreError};
use crate::sql;

#[derive(Debug, FromQueryResult)]
struct Row {
    shop_id: String,
    anchor_id: String,
    companion_id: String,
    verdict: Option<String>,
    least_ratio: Option<i64>,
    most_ratio: Option<i64>,
    reason: String,
    author: String,
    created_ms: i64,
    updated_ms: i64,
    version: i64,
}

impl Row {
    fn rule(&self) -> Result<CategoryRule> {
        let shop = match self.shop_id.as_str() {
            "" => None,
            id => Some(stored("shop", ShopId::new(id))?),
        };
        let verdict = self.verdict.as_deref();
        let verdict = verdict.map(|name| from_name("verdict", name)).transpose()?;
        Ok(CategoryRule {
            key: RuleKey {
                shop,
                anchor: stored("category", CategoryId::new(&self.anchor_id))?,
                companion: stored("category", CategoryId::new(&self.companion_id))?,
            },
            ruling: stored("category rule", Ruling::of(verdict, self.band()?))?,
        })
    }

    fn band(&self) -> Result<Option<RatioBand>> {
        let Some((least, most)) = self.least_ratio.zip(self.most_ratio) else {
            return Ok(None);
        };
        let ratio = |parts: i64| {
            let parts = stored("price ratio", u32::try_from(parts))?;
            stored("price ratio", PriceRatio::from_parts(parts))
        };
        stored("price ratios", RatioBand::new(ratio(least)?, ratio(most)?)).map(Some)
    }
}

impl TryFrom<Row> for StandingRule {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            rule: row.rule()?,
            reason: row.reason,
            author: row.author,
            created: Timestamp::from_ms(row.created_ms),
            updated: Timestamp::from_ms(row.updated_ms),
            version: unsigned("version", row.version)?,
        })
    }
}

/// The column of a rule's shop.
pub(super) fn shop_id(key: &RuleKey) -> &str {
    key.shop.as_ref().map_or("", ShopId::as_str)
}

pub(super) async fn visible<C: ConnectionTrait>(
    conn: &C,
    principal: &Principal,
    key: &RuleKey,
) -> Result<Option<StandingRule>> {
    let foreign = principal.shop.is_some() && key.shop.is_some() && key.shop != principal.shop;
    if foreign {
        return Err(StoreError::ForeignShop(Missing::CategoryRule(key.clone())));
    }
    current(conn, &principal.marketplace, key).await
}

pub(super) async fn current<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    key: &RuleKey,
) -> Result<Option<StandingRule>> {
    let row: Option<Row> = sql::one(
        conn,
        "SELECT * FROM category_rules
         WHERE marketplace_id = $1 AND shop_id = $2 AND anchor_id = $3 AND companion_id = $4",
        [
            marketplace.as_str().into(),
            shop_id(key).into(),
            key.anchor.as_str().into(),
            key.companion.as_str().into(),
        ],
    )
    .await?;
    row.map(StandingRule::try_from).transpose()
}

pub(super) async fn page<C: ConnectionTrait>(
    conn: &C,
    principal: &Principal,
    query: &RuleQuery,
) -> Result<Vec<StandingRule>> {
    let after = query.after.as_ref().map_or(("", "", ""), |key| {
        (shop_id(key), key.anchor.as_str(), key.companion.as_str())
    });
    let rows: Vec<Row> = sql::all(
        conn,
        "SELECT * FROM category_rules
         WHERE marketplace_id = $1 AND ($2 = '' OR shop_id = '' OR shop_id = $2) AND ($3 = '' OR anchor_id = $3)
           AND (shop_id, anchor_id, companion_id) > ($4, $5, $6)
         ORDER BY shop_id, anchor_id, companion_id LIMIT $7",
        [
            principal.marketplace.as_str().into(),
            principal.shop.as_ref().map_or("", ShopId::as_str).into(),
            query.anchor.as_ref().map_or("", CategoryId::as_str).into(),
            after.0.into(),
            after.1.into(),
            after.2.into(),
            i64::from(query.limit).into(),
        ],
    )
    .await?;
    rows.into_iter().map(StandingRule::try_from).collect()
}

pub(super) async fn book<C: ConnectionTrait>(conn: &C, marketplace: &MarketplaceId) -> Result<RuleBook> {
    #[derive(FromQueryResult)]
    struct Line {
        book_version: i64,
        #[sea_orm(nested)]
        rule: Option<Row>,
    }
    // One statement, so that version and rules are of the same moment.
    let lines: Vec<Line> = sql::all(
        conn,
        "SELECT c.value AS book_version, r.* FROM counters c
         LEFT JOIN category_rules r ON r.marketplace_id = c.marketplace_id
         WHERE c.marketplace_id = $1 AND c.name = $2
         ORDER BY r.shop_id, r.anchor_id, r.companion_id",
        [marketplace.as_str().into(), Counter::CategoryRule.name().into()],
    )
    .await?;
    let version = lines.first().map_or(0, |line| line.book_version);
    Ok(RuleBook {
        version: unsigned("version", version)?,
        rules: lines
            .iter()
            .filter_map(|line| line.rule.as_ref())
            .map(Row::rule)
            .collect::<Result<_>>()?,
    })
}
