//! Statements written by hand, where one set-based statement replaces many.
//!
//! The same text runs on both databases: both know `$1`, `ON CONFLICT` and `RETURNING`. What differs stands here.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use serde::Serialize;

use crate::error::Result;

/// Runs a statement; returns how many rows it touched.
pub(crate) async fn execute<C, V>(conn: &C, sql: impl Into<String>, values: V) -> Result<u64>
where
    C: ConnectionTrait,
    V: IntoIterator<Item = Value>,
{
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    Ok(conn.execute_raw(statement).await?.rows_affected())
}

/// All rows that a statement returns.
pub(crate) async fn all<R, C, V>(conn: &C, sql: impl Into<String>, values: V) -> Result<Vec<R>>
where
    R: FromQueryResult,
    C: ConnectionTrait,
    V: IntoIterator<Item = Value>,
{
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(statement).await?;
    Ok(rows
        .iter()
        .map(|row| R::from_query_result(row, ""))
        .collect::<Result<_, _>>()?)
}

/// The first row that a statement returns.
pub(crate) async fn one<R, C, V>(conn: &C, sql: impl Into<String>, values: V) -> Result<Option<R>>
where
    R: FromQueryResult,
    C: ConnectionTrait,
    V: IntoIterator<Item = Value>,
{
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let row = conn.query_one_raw(statement).await?;
    Ok(row.map(|row| R::from_query_result(&row, "")).transpose()?)
}

/// The one number that a statement returns.
pub(crate) async fn number<C, V>(conn: &C, sql: impl Into<String>, values: V) -> Result<Option<i64>>
where
    C: ConnectionTrait,
    V: IntoIterator<Item = Value>,
{
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let row = conn.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?)
}

/// Type of a column of a [`Batch`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Text,
    Integer,
}

/// Rows as a table in one JSON parameter. Whatever their number, the statement is the same text, so it is parsed and
/// planned once; `VALUES` lists would be a new statement for every length, with a limit on parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    columns: &'static [(&'static str, Type)],
}

impl Batch {
    /// A table of these columns. Rows are serialised structs with fields of the same names.
    pub(crate) const fn of(columns: &'static [(&'static str, Type)]) -> Self {
        Self { columns }
    }

    /// The table, named `batch`, for a `FROM` clause; its rows come in the order of the parameter.
    pub(crate) fn table(self, backend: DbBackend, parameter: &str) -> String {
        let list = |column: fn(&(&'static str, Type)) -> String| {
            self.columns.iter().map(column).collect::<Vec<_>>().join(", ")
        };
        match backend {
            DbBackend::Sqlite => {
                let columns = list(|(name, _)| format!("value->>'{name}' AS {name}"));
                format!("(SELECT {columns} FROM json_each({parameter})) AS batch")
            }
            _ => {
                let columns = list(|(name, kind)| match kind {
                    Type::Text => format!("{name} text"),
                    Type::Integer => format!("{name} bigint"),
                });
                format!("json_to_recordset({parameter}::json) AS batch({columns})")
            }
        }
    }
}

/// A join that looks each row up: `table` is a name and an alias, `on` names its key. A planner without statistics, and
/// young tables have none, may rather read all rows of a marketplace for each row of a batch; this leaves it no choice.
pub(crate) fn lookup(backend: DbBackend, table: &str, on: &str) -> String {
    let alias = table.rsplit(' ').next().unwrap_or(table);
    match backend {
        // SQLite keeps the order of a CROSS JOIN.
        DbBackend::Sqlite => format!("CROSS JOIN {table} ON {on}"),
        // PostgreSQL does not look through an OFFSET.
        _ => format!("CROSS JOIN LATERAL (SELECT * FROM {table} WHERE {on} OFFSET 0) AS {alias}"),
    }
}

/// Rows as the parameter of a [`Batch`].
pub(crate) fn rows<R: Serialize>(rows: &[R]) -> Value {
    serde_json::to_string(rows)
        .expect("rows of strings and numbers are always JSON")
        .into()
}

/// The database's own clock, in milliseconds since 1970, as an expression: the one clock of all who share it.
pub(crate) const fn clock(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST(unixepoch('subsec') * 1000 AS integer)",
        _ => "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
    }
}

/// The clause that locks what a query returns. SQLite locks the file instead: its writers come one by one.
pub(crate) const fn locking(backend: DbBackend, clause: &'static str) -> &'static str {
    match backend {
        DbBackend::Sqlite => "",
        _ => clause,
    }
}

/// A [`Batch`] of ids, in the column `id`.
pub(crate) const IDS: Batch = Batch::of(&[("id", Type::Text)]);

/// That a column which an index leads to is one of the [`ids`] in a parameter. PostgreSQL is given them as one array and
/// looks each up: a table of which it cannot know the size it would rather compare with every row of the other.
pub(crate) fn is_one_of(backend: DbBackend, column: &str, parameter: &str) -> String {
    let ids = IDS.table(backend, parameter);
    match backend {
        DbBackend::Sqlite => format!("{column} IN (SELECT batch.id FROM {ids})"),
        _ => format!("{column} = ANY (ARRAY(SELECT batch.id FROM {ids}))"),
    }
}

/// Ids as the parameter of [`IDS`].
pub(crate) fn ids<'i>(ids: impl IntoIterator<Item = &'i str>) -> Value {
    #[derive(Serialize)]
    struct Row<'i> {
        id: &'i str,
    }
    // Once each, in the order in which all transactions take their locks.
    let ids: BTreeSet<_> = ids.into_iter().collect();
    rows(&ids.into_iter().map(|id| Row { id }).collect::<Vec<_>>())
}
