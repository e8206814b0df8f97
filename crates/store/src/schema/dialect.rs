//! What the two databases spell differently in a schema.

use sea_orm::{ConnectionTrait, DbBackend};

use crate::error::Result;
use crate::sql;

/// The words in braces, for SQLite and for PostgreSQL.
const WORDS: [(&str, &str, &str); 8] = [
    ("{text}", "text", r#"text COLLATE "C""#),
    ("{bytes}", "blob", "bytea"),
    // The only name of it that a strict table takes.
    ("{integer}", "integer", "bigint"),
    (
        "{serial}",
        "integer PRIMARY KEY AUTOINCREMENT",
        "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    ),
    ("{compact}", "WITHOUT ROWID", ""),
    ("{strict}", "STRICT", ""),
    ("{by_hash}", "", "USING hash"),
    ("{by_day}", "WITHOUT ROWID", "PARTITION BY RANGE (day)"),
];

/// Before a statement that SQLite does not need.
const POSTGRES_ONLY: &str = "{postgres}";

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
    let text = WORDS.iter().fold(code.join("\n"), words);
    let wanted = |statement: String| match statement.strip_prefix(POSTGRES_ONLY) {
        Some(_) if backend == DbBackend::Sqlite => None,
        Some(rest) => Some(rest.trim().to_owned()),
        None => Some(statement),
    };
    split(&text).into_iter().filter_map(wanted).collect()
}

/// At semicolons, but for those in the body of a function, which stands between `$$` and `$$`.
fn split(text: &str) -> Vec<String> {
    let (mut statements, mut open) = (Vec::new(), String::new());
    for part in text.split_inclusive(';') {
        open.push_str(part);
        if open.matches("$$").count() % 2 == 0 {
            let statement = std::mem::take(&mut open);
            statements.push(statement.trim_end_matches(';').trim().to_owned());
        }
    }
    statements.push(open.trim().to_owned());
    statements.retain(|statement| !statement.is_empty());
    statements
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
        let file = [
            include_str!("../../schema/0001_foundation.sql"),
            include_str!("../../schema/0009_stock_inbox.sql"),
            include_str!("../../schema/0010_same_letters.sql"),
            include_str!("../../schema/0011_category_rules.sql"),
        ]
        .concat();
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            let statements = statements(&file, backend);
            assert!(
                statements
                    .iter()
                    .all(|statement| statement.starts_with("CREATE ")),
                "{statements:?}"
            );
            assert!(!statements.concat().contains(['{', '}']));
        }
    }

    #[test]
    fn a_function_stays_whole_and_is_left_out_where_it_is_not_known() {
        let file = "CREATE TABLE a (b {integer}) {strict};\n{postgres} CREATE FUNCTION f() AS $$ BEGIN x; y; END $$;";
        assert_eq!(
            statements(file, DbBackend::Sqlite),
            ["CREATE TABLE a (b integer) STRICT"]
        );
        assert_eq!(
            statements(file, DbBackend::Postgres),
            [
                "CREATE TABLE a (b bigint)",
                "CREATE FUNCTION f() AS $$ BEGIN x; y; END $$"
            ]
        );
    }
}
