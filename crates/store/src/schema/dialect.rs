//! What the two databases spell differently in a schema.

use sea_orm::{ConnectionTrait, DbBackend};

use crate::error::Result;
use crate::sql;

/// The words in braces, for SQLite and for PostgreSQL.
const WORDS: [(&str, &str, &str); 5] = [
    ("{text}", "text", r#"text COLLATE "C""#),
    ("{bytes}", "blob", "bytea"),
    (
        "{serial}",
        "integer PRIMARY KEY AUTOINCREMENT",
        "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    ),
    ("{compact}", "WITHOUT ROWID", ""),
    ("{by_day}", "WITHOUT ROWID", "PARTITION BY RANGE (day)"),
];

/// The statements of a schema file for one of the two.
pub(super) fn statements(file: &str, backend: DbBackend) -> Vec<String> {
    let code: Vec<_> = file
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let words = |text: String, &(word, sqlite, postgres): &(&str, &str, &str)| {
        text.replace(
            word,
            if backend == DbBackend::Sqlite {
                sqlite
            } else {
                postgres
            },
        )
    };
    WORDS
        .iter()
        .fold(code.join("\n"), words)
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

pub(super) async fn has_table<C: ConnectionTrait>(conn: &C, name: &str) -> Result<bool> {
    let query = match conn.get_database_backend() {
        DbBackend::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
        _ => "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1",
    };
    Ok(sql::number(conn, query, [name.into()]).await? == Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_file_has_nothing_left_in_braces() {
        let file = include_str!("../../schema/0001_foundation.sql");
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            let statements = statements(file, backend);
            assert!(
                statements
                    .iter()
                    .all(|statement| statement.starts_with("CREATE ")),
                "{statements:?}"
            );
            assert!(!statements.concat().contains(['{', '}']));
        }
    }
}
