//! Changes that no worker could project, and rows of the inbox that were refused, set aside until somebody looks at them
//! or their lifetime ends.
//!
//! The letter of a change repeats what SQL still holds elsewhere: replaying it sends the change once more under its old
//! version, and dropping it loses nothing that a full pass would not put. The letter of a row of the inbox is all that is
//! left of it: replaying it writes the row once more, and dropping it loses what it said.
//!
//! A row of the inbox, or of the outbox, may name a marketplace that does not exist. Nobody answers for that one, so every
//! marketplace is shown its letters beside its own, and may settle them.

mod keep;
mod read;
mod settle;

use serde::{Deserialize, Serialize};
use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::context::WriteContext;
use crate::error::Result;
use crate::stock::InboxRow;
pub(crate) use keep::keep;

/// A change that is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeliverable {
    /// The store epoch that it belongs to.
    pub store_epoch: u64,
    /// W3C traceparent of the request that caused it; empty when untraced.
    pub traceparent: String,
    /// The change as JSON, a refused row of the inbox as JSON, or whatever stood in its place.
    pub change: String,
    /// How often it was tried.
    pub attempts: u64,
    /// Why it could not be projected.
    pub reason: String,
}

/// A change that was set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its number, unique in the database.
    pub id: u64,
    /// The marketplace that it was for, as it was written; it may not exist.
    pub marketplace: String,
    /// What was given up, and why.
    pub letter: Undeliverable,
    /// The change, where it is one and can be read.
    pub change: Option<Change>,
    /// The row of the inbox, where it is one.
    pub(crate) inbox: Option<InboxRow>,
    /// When it was set aside.
    pub created: Timestamp,
}

impl DeadLetter {
    /// What it is about, such as `stock of SKU in POOL`; empty when it cannot be read.
    #[must_use]
    pub fn subject(&self) -> String {
        let change = self.change.as_ref().map(Change::subject);
        change
            .or_else(|| self.inbox.as_ref().map(InboxRow::subject))
            .unwrap_or_default()
    }
}

/// What stands in the place of a change and is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Document {
    /// A row of the inbox that was refused.
    StockInbox(InboxRow),
}

/// What the column `envelope` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    store_epoch: u64,
    traceparent: String,
    change: String,
}

impl Store {
    /// Sets a change aside. Returns whether it was new: the same change waits at most once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_aside(
        &self,
        marketplace: &MarketplaceId,
        letter: &Undeliverable,
        now: Timestamp,
    ) -> Result<bool> {
        self.transaction("set a change aside", |tx| async move {
            keep(tx.conn(), marketplace.as_str(), letter, now).await
        })
        .await
    }

    /// Up to `limit` dead letters with numbers below `before`, newest first: those of the marketplace, and those of
    /// marketplaces that do not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letters(
        &self,
        marketplace: &MarketplaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>> {
        self.read("list dead letters", |db| async move {
            read::page(&db, marketplace, before, limit).await
        })
        .await
    }

    /// One of these dead letters.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_letter(&self, marketplace: &MarketplaceId, id: u64) -> Result<Option<DeadLetter>> {
        self.read("fetch a dead letter", |db| async move {
            read::one(&db, marketplace, id).await
        })
        .await
    }

    /// How many of these dead letters wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_dead_letters(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.read("count dead letters", |db| async move {
            read::count(&db, marketplace).await
        })
        .await
    }

    /// Sends dead letters once more: their changes go back into the outbox, rows of the inbox into the inbox, and the
    /// letters are gone, all or none of them; audited. Returns how many.
    ///
    /// # Errors
    /// [`Missing::DeadLetter`](crate::Missing::DeadLetter) for one that does not exist,
    /// [`StoreError::Unreplayable`](crate::StoreError::Unreplayable) for one that cannot be sent, or when the database
    /// fails.
    pub async fn replay_dead_letters(&self, ctx: &WriteContext, ids: &[u64], reason: &str) -> Result<u64> {
        self.answer(ctx, "replay dead letters", |tx| async move {
            settle::replay(&tx, ctx, ids, reason).await
        })
        .await
    }

    /// Forgets dead letters, all or none of them; audited. Returns how many.
    ///
    /// # Errors
    /// [`Missing::DeadLetter`](crate::Missing::DeadLetter) for one that does not exist, or when the database fails.
    pub async fn drop_dead_letters(&self, ctx: &WriteContext, ids: &[u64], reason: &str) -> Result<u64> {
        self.answer(ctx, "drop dead letters", |tx| async move {
            settle::discard(&tx, ctx, ids, reason).await
        })
        .await
    }
}
