//! What is known of users: all events and orders are read for it.

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, DbBackend, FromQueryResult, TransactionTrait as _, Value};
use tandem_domain::id::MarketplaceId;

use super::wait::Waiting;
use crate::Store;
use crate::connect::Backend;
use crate::error::Result;
use crate::sql::{self, IDS};

/// Events, and orders, that one reading fetches: whoever has more waits for the next.
const MOST: i64 = 50_000;

/// What is to be erased.
#[derive(Debug)]
pub(super) struct Found {
    /// The erasures that wait.
    pub(super) waiting: Vec<i64>,
    /// By user, the first of them.
    pub(super) erasures: HashMap<String, i64>,
    /// Those that name nobody first: it is told by the others that they belong to a user.
    pub(super) events: Vec<Event>,
    /// Orders, whose raw events may be gone long since, with the erasure of each.
    pub(super) orders: HashMap<String, i64>,
    /// Products of others who have part in the same sessions and orders, in all sessions and orders of theirs: what two
    /// users share is nobody's journey, and becomes that of the one who stays.
    pub(super) beside: Vec<String>,
    /// Whether this is all.
    pub(super) is_whole: bool,
}

/// An event of a user.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) day: i32,
    pub(super) id: String,
    pub(super) group: Option<String>,
    pub(super) product: String,
    pub(super) erasure: i64,
}

#[derive(FromQueryResult)]
struct Group {
    user_id: String,
    group_id: String,
}

#[derive(FromQueryResult)]
struct Row {
    day: i32,
    event_id: String,
    user_id: Option<String>,
    group_id: Option<String>,
    product_id: String,
}

#[derive(FromQueryResult)]
struct Order {
    order_id: String,
    user_id: String,
}

#[derive(FromQueryResult)]
struct Other {
    user_id: String,
}

#[derive(FromQueryResult)]
struct Product {
    product_id: String,
}

impl Found {
    /// Reads beside all writers, for as long as it takes.
    pub(super) async fn read(
        store: &Store,
        marketplace: &MarketplaceId,
        waiting: &[Waiting],
    ) -> Result<Self> {
        let erasures: HashMap<String, i64> = waiting
            .iter()
            .rev()
            .map(|waiting| (waiting.user_id.clone(), waiting.erasure_id))
            .collect();
        let users = sql::ids(erasures.keys().map(String::as_str));
        let reading = Reading::begin(store, marketplace, users).await?;
        let groups = reading.groups(&erasures).await?;
        let named = sql::ids(groups.keys().map(String::as_str));
        let rows = reading.events(&named).await?;
        let orders = reading.orders().await?;
        let others = match groups.is_empty() {
            true => Vec::new(),
            false => reading.others(&named).await?,
        };
        let beside = match others.is_empty() {
            true => Vec::new(),
            false => {
                let others = sql::ids(others.iter().map(|other| other.user_id.as_str()));
                reading.products(&others).await?
            }
        };
        reading.tx.rollback().await?;
        let is_whole = rows.len() < MOST as usize && orders.len() < MOST as usize;
        let events = rows.into_iter();
        let events = events.filter_map(|row| Event::of(row, &erasures, &groups));
        let orders = orders.into_iter();
        let orders = orders.filter_map(|order| Some((order.order_id, *erasures.get(&order.user_id)?)));
        Ok(Self {
            waiting: waiting.iter().map(|waiting| waiting.erasure_id).collect(),
            events: events.collect(),
            orders: orders.collect(),
            beside: beside.into_iter().map(|product| product.product_id).collect(),
            is_whole,
            erasures,
        })
    }
}

impl Event {
    fn of(row: Row, erasures: &HashMap<String, i64>, groups: &HashMap<String, i64>) -> Option<Self> {
        let erasure = match (&row.user_id, &row.group_id) {
            (Some(user), _) => erasures.get(user),
            (None, Some(group)) => groups.get(group),
            (None, None) => None,
        };
        Some(Self {
            erasure: *erasure?,
            day: row.day,
            id: row.event_id,
            group: row.group_id,
            product: row.product_id,
        })
    }
}

/// A transaction that reads.
struct Reading {
    tx: DatabaseTransaction,
    backend: DbBackend,
    marketplace: Value,
    users: Value,
}

impl Reading {
    async fn begin(store: &Store, marketplace: &MarketplaceId, users: Value) -> Result<Self> {
        let tx = store.0.reads.begin().await?;
        let backend = match store.backend() {
            Backend::Sqlite => DbBackend::Sqlite,
            Backend::Postgres => {
                sql::execute(&tx, "SET LOCAL statement_timeout = 0", []).await?;
                DbBackend::Postgres
            }
        };
        Ok(Self {
            tx,
            backend,
            marketplace: marketplace.as_str().into(),
            users,
        })
    }

    /// Whether a column is in the batch of ids in a parameter.
    fn is_in(&self, column: &str, parameter: &str) -> String {
        let ids = IDS.table(self.backend, parameter);
        format!("{column} IN (SELECT batch.id FROM {ids})")
    }

    /// Sessions and orders of the users; by each the erasure that it belongs to.
    async fn groups(&self, erasures: &HashMap<String, i64>) -> Result<HashMap<String, i64>> {
        let query = format!(
            "SELECT DISTINCT user_id, group_id FROM events
             WHERE marketplace_id = $1 AND group_id IS NOT NULL AND {}",
            self.is_in("user_id", "$2")
        );
        let groups: Vec<Group> =
            sql::all(&self.tx, query, [self.marketplace.clone(), self.users.clone()]).await?;
        let groups = groups.into_iter();
        Ok(groups
            .filter_map(|group| Some((group.group_id, *erasures.get(&group.user_id)?)))
            .collect())
    }

    async fn events(&self, groups: &Value) -> Result<Vec<Row>> {
        let query = format!(
            "SELECT day, event_id, user_id, group_id, product_id FROM events
             WHERE marketplace_id = $1 AND ({} OR (user_id IS NULL AND {}))
             ORDER BY CASE WHEN user_id IS NULL THEN 0 ELSE 1 END, day, event_id LIMIT $4",
            self.is_in("user_id", "$2"),
            self.is_in("group_id", "$3")
        );
        let values = [
            self.marketplace.clone(),
            self.users.clone(),
            groups.clone(),
            MOST.into(),
        ];
        sql::all(&self.tx, query, values).await
    }

    async fn orders(&self) -> Result<Vec<Order>> {
        let query = format!(
            "SELECT order_id, user_id FROM orders WHERE marketplace_id = $1 AND {} ORDER BY order_id LIMIT $3",
            self.is_in("user_id", "$2")
        );
        let values = [self.marketplace.clone(), self.users.clone(), MOST.into()];
        sql::all(&self.tx, query, values).await
    }

    /// Others who have part in these sessions and orders.
    async fn others(&self, groups: &Value) -> Result<Vec<Other>> {
        let query = format!(
            "SELECT DISTINCT user_id FROM events
             WHERE marketplace_id = $1 AND user_id IS NOT NULL AND NOT ({}) AND {}",
            self.is_in("user_id", "$2"),
            self.is_in("group_id", "$3")
        );
        let values = [self.marketplace.clone(), self.users.clone(), groups.clone()];
        sql::all(&self.tx, query, values).await
    }

    /// What these users have, and what names nobody in their sessions and orders.
    async fn products(&self, users: &Value) -> Result<Vec<Product>> {
        let theirs = self.is_in("user_id", "$2");
        let query = format!(
            "SELECT DISTINCT product_id FROM events
             WHERE marketplace_id = $1 AND ({theirs} OR (user_id IS NULL AND group_id IN (
                 SELECT group_id FROM events
                 WHERE marketplace_id = $1 AND group_id IS NOT NULL AND {theirs})))"
        );
        sql::all(&self.tx, query, [self.marketplace.clone(), users.clone()]).await
    }
}
