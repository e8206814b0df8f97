//! What operators and merchants say of two categories.

mod read;
mod write;

use tandem_domain::id::{CategoryId, MarketplaceId};
use tandem_domain::principal::Principal;
use tandem_domain::rule::{CategoryRule, RuleKey, StandingRule};

use crate::Store;
use crate::context::WriteContext;
use crate::error::Result;
use crate::surface::WhenMissing;

/// Which rules to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleQuery {
    /// Of anchors of this category only.
    pub anchor: Option<CategoryId>,
    /// Those behind this one.
    pub after: Option<RuleKey>,
    /// At most so many.
    pub limit: u32,
}

/// A change of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUpdate {
    /// What the rule says from now on.
    pub rule: CategoryRule,
    /// The version that it must have, if the caller says so.
    pub etag: Option<u64>,
    /// What happens when there is none such.
    pub when_missing: WhenMissing,
    /// Why, for the audit trail; kept with the rule.
    pub reason: String,
}

/// Every rule of a marketplace at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleBook {
    /// That of the last change; 0 before there was any.
    pub version: u64,
    /// By key.
    pub rules: Vec<CategoryRule>,
}

impl Store {
    /// A rule as it stands; none when there is none.
    ///
    /// # Errors
    /// `ForeignShop` for a rule of another shop than the caller's, or when the database fails.
    pub async fn category_rule(&self, principal: &Principal, key: &RuleKey) -> Result<Option<StandingRule>> {
        self.read("read a category rule", |db| async move {
            read::visible(&db, principal, key).await
        })
        .await
    }

    /// Rules by key: those of the marketplace and of the caller's shop, or of all shops for a caller without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn category_rules(
        &self,
        principal: &Principal,
        query: &RuleQuery,
    ) -> Result<Vec<StandingRule>> {
        self.read("read category rules", |db| async move {
            read::page(&db, principal, query).await
        })
        .await
    }

    /// Every rule of a marketplace, as a full build heeds them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn category_rule_book(&self, marketplace: &MarketplaceId) -> Result<RuleBook> {
        self.read("read all category rules", |db| async move {
            read::book(&db, marketplace).await
        })
        .await
    }

    /// Makes a rule or puts another ruling in its place; what changes nothing gives the rule as it stands. Audited.
    ///
    /// # Errors
    /// `ForeignShop` or `NoShop` for a rule of another shop than the caller's, `NotFound` for an unknown category or a
    /// missing rule, `EtagMismatch`, `RulesFull`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn update_category_rule(
        &self,
        ctx: &WriteContext,
        update: &RuleUpdate,
    ) -> Result<StandingRule> {
        self.answer(ctx, "change a category rule", |tx| async move {
            write::update(&tx, ctx, update).await
        })
        .await
    }

    /// Deletes a rule; whether there was one. Audited.
    ///
    /// # Errors
    /// `ForeignShop` or `NoShop` for a rule of another shop than the caller's, `EtagMismatch`, `RequestIdReused`, or when
    /// the database fails; nothing is written then.
    pub async fn delete_category_rule(
        &self,
        ctx: &WriteContext,
        key: &RuleKey,
        etag: Option<u64>,
        reason: &str,
    ) -> Result<bool> {
        self.answer(ctx, "delete a category rule", |tx| async move {
            write::delete(&tx, ctx, key, etag, reason).await
        })
        .await
    }
}
