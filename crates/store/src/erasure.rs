//! Erasing users: every event and order of theirs goes, and the products whose rows of the graph counted them are noted.
//!
//! An erasure is asked for and waits; a worker carries it out. No index leads from users to their events, since every
//! event would pay for it: all events are read instead, once for all users who wait.

mod erase;
mod find;
mod stale;
mod wait;

use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{MarketplaceId, ProductId};

use crate::Store;
use crate::context::WriteContext;
use crate::error::Result;
use find::Found;

/// Events that one transaction deletes.
const CHUNK: usize = 5_000;

/// The erasure of a user. Whom it is about stands nowhere once it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErasure {
    /// Its number, unique in the database.
    pub id: u64,
    /// Events that went.
    pub events: u64,
    /// Orders that went.
    pub orders: u64,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it was done; none while it waits.
    pub erased: Option<Timestamp>,
}

/// What a worker did for the users of a marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Users of whom nothing is left.
    pub users: u64,
    /// Events that went.
    pub events: u64,
    /// Orders that went.
    pub orders: u64,
}

impl Store {
    /// Asks for the erasure of a user. Audited, without the user's id.
    ///
    /// # Errors
    /// `RequestIdReused`, `NotFound` for a missing marketplace, or when the database fails.
    pub async fn erase_user(&self, ctx: &WriteContext, user: &str, reason: &str) -> Result<UserErasure> {
        self.answer(ctx, "ask for an erasure", |tx| async move {
            wait::ask(&tx, ctx, user, reason).await
        })
        .await
    }

    /// An erasure.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_erasure(&self, marketplace: &MarketplaceId, id: u64) -> Result<Option<UserErasure>> {
        self.read("read an erasure", |db| async move {
            wait::one(&db, marketplace, id).await
        })
        .await
    }

    /// Carries out erasures that wait; `None` when none does. What was stored when an erasure was asked for is gone when
    /// it is done: the user's events, those of the same sessions and orders that name nobody, and order headers; not the
    /// daily counts that they were added to, which name nobody. A user with more than one call takes stays waiting.
    ///
    /// # Errors
    /// When the database fails. What was deleted by then stays so, and the next call goes on.
    pub async fn carry_out_erasures(
        &self,
        marketplace: &MarketplaceId,
        now: Timestamp,
    ) -> Result<Option<Erased>> {
        let waiting = self
            .read("look for erasures", |db| async move {
                wait::waiting(&db, marketplace).await
            })
            .await?;
        if waiting.is_empty() {
            return Ok(None);
        }
        let found = Found::read(self, marketplace, &waiting).await;
        let found = &found.map_err(|error| error.during("look for events of users"))?;
        let mut erased = Erased::default();
        for events in found.events.chunks(CHUNK) {
            let gone = self.bulk_transaction("erase events of users", |tx| async move {
                erase::events(&tx, marketplace, found, events).await
            });
            erased = erased + gone.await?;
        }
        let gone = self.bulk_transaction("erase orders of users", |tx| async move {
            erase::orders(&tx, marketplace, found, now).await
        });
        Ok(Some(erased + gone.await?))
    }

    /// Products whose rows in a generation count events that were erased since, by id: what an increment over it computes
    /// besides the rows that came to count others. Read after the increment was started, they are at least those that its own
    /// number vouches for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erased_products(
        &self,
        marketplace: &MarketplaceId,
        since: GenerationNo,
    ) -> Result<Vec<ProductId>> {
        self.read("read erased products", |db| async move {
            stale::products(&db, marketplace, since).await
        })
        .await
    }

    /// How many products' rows on serve count events that were erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_stale_products(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.read("count erased products", |db| async move {
            stale::count(&db, marketplace).await
        })
        .await
    }
}

impl std::ops::Add for Erased {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            users: self.users + other.users,
            events: self.events + other.events,
            orders: self.orders + other.orders,
        }
    }
}
