//! Rows as they stand in tables, and what they mean in the domain.
//!
//! Tables that are only read and written by hand-made statements (stock, events, outbox) have their rows beside those.

#![expect(unreachable_pub, reason = "sea-orm derives public types from these rows")]

pub(crate) mod audit;
pub(crate) mod category;
pub(crate) mod generation;
pub(crate) mod job;
pub(crate) mod link;
pub(crate) mod marketplace;
pub(crate) mod product;
pub(crate) mod scene;
pub(crate) mod scene_product;
pub(crate) mod segment;
pub(crate) mod series;
pub(crate) mod sku;
pub(crate) mod surface;

use std::fmt::Display;

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IdenStatic as _, IntoActiveModel, Iterable as _, PrimaryKeyToColumn as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_domain::catalog::Provenance;
use tandem_domain::money::Money;

use crate::error::{Result, StoreError};
use crate::write::Tx;

/// Rows per statement: what the widest table can bind under SQLite's limit of 32,766 parameters.
const ROWS_PER_INSERT: usize = 500;

/// Inserts rows, or puts them in the place of those with the same key.
pub(crate) async fn save<E>(tx: &Tx, rows: &[E::Model]) -> Result<u64>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let is_key =
        |column: &E::Column| E::PrimaryKey::iter().any(|key| key.into_column().as_str() == column.as_str());
    let replace = OnConflict::columns(E::PrimaryKey::iter())
        .update_columns(E::Column::iter().filter(|column| !is_key(column)))
        .to_owned();
    insert::<E>(tx, rows, &replace).await
}

/// Inserts rows whose keys are new, and leaves the others as they stand; returns how many were new.
pub(crate) async fn add<E>(tx: &Tx, rows: &[E::Model]) -> Result<u64>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    insert::<E>(tx, rows, &OnConflict::new().do_nothing().to_owned()).await
}

async fn insert<E>(tx: &Tx, rows: &[E::Model], on_conflict: &OnConflict) -> Result<u64>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let mut inserted = 0;
    for part in rows.chunks(ROWS_PER_INSERT) {
        inserted += E::insert_many(part.iter().cloned().map(IntoActiveModel::into_active_model))
            .on_conflict(on_conflict.clone())
            .exec_without_returning(tx.conn())
            .await?;
    }
    Ok(inserted)
}

/// A value that was valid when it was written.
pub(crate) fn stored<T, E: Display>(what: &'static str, value: Result<T, E>) -> Result<T> {
    value.map_err(|error| StoreError::Corrupt {
        what,
        why: error.to_string(),
    })
}

/// A version or count, which is never negative.
pub(crate) fn unsigned(what: &'static str, number: i64) -> Result<u64> {
    stored(what, u64::try_from(number))
}

/// A number of the caller's, for a column of 64 bits with a sign.
pub(crate) fn signed(what: &'static str, number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange { what })
}

/// What a column of JSON holds.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    stored(what, serde_json::from_str(text))
}

/// What a column of JSON is to hold.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("domain values are always JSON")
}

/// The name of an enum's value, as serde spells it.
pub(crate) fn to_name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("not an enum without fields: {other:?}"),
    }
}

/// The enum's value of that name.
pub(crate) fn from_name<T: DeserializeOwned>(what: &'static str, name: &str) -> Result<T> {
    stored(
        what,
        serde_json::from_value(serde_json::Value::String(name.to_owned())),
    )
}

pub(crate) fn provenance(generated: bool) -> Provenance {
    if generated {
        Provenance::Generated
    } else {
        Provenance::Real
    }
}

pub(crate) fn money(minor: Option<i64>) -> Option<Money> {
    minor.map(Money::from_minor)
}
