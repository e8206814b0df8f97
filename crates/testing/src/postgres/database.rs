//! One test's own database.

use super::psql::psql_unheard;

/// A database that is dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    name: String,
}

impl TestDatabase {
    pub(super) fn new(admin_url: String, name: String) -> Self {
        Self { admin_url, name }
    }

    /// Its name, unique on the server; a template for [`create_database_from`].
    ///
    /// [`create_database_from`]: crate::PostgresServer::create_database_from
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `postgres://USER@HOST:PORT/NAME`
    pub fn url(&self) -> String {
        with_database(&self.admin_url, &self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        psql_unheard(
            &self.admin_url,
            &format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name),
        );
    }
}

/// The same URL with another database; parameters after `?` stay.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    format!("{}/{name}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_is_replaced_and_all_else_kept() {
        let cases = [
            (
                "postgres://postgres@127.0.0.1:5432/postgres",
                "postgres://postgres@127.0.0.1:5432/x",
            ),
            ("postgres://me:pw@db", "postgres://me:pw@db/x"),
            (
                "postgres://me@db/?sslmode=require",
                "postgres://me@db/x?sslmode=require",
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
