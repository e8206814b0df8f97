//! PostgreSQL for tests: one server, a database per test.

mod cluster;
mod database;
mod psql;

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::OnceCell;

use cluster::Cluster;
pub use database::TestDatabase;
use psql::psql;

/// Names a running server (an URL with the right to create databases) to use instead of a private one.
pub const SERVER_VARIABLE: &str = "TANDEM_TEST_POSTGRES_URL";

static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();

/// The server that all tests of this process share: the one that [`SERVER_VARIABLE`] names, else a
/// private cluster, made at the first call, that dies with the process.
///
/// # Panics
/// When PostgreSQL is not installed or does not come up; the message says what to install.
pub async fn postgres() -> &'static PostgresServer {
    let start = async || match env::var(SERVER_VARIABLE) {
        Ok(url) if !url.is_empty() => Ok(PostgresServer::at(url)),
        _ => PostgresServer::start().await,
    };
    match SHARED.get_or_try_init(start).await {
        Ok(server) => server,
        Err(error) => panic!("no PostgreSQL for the tests: {error:#}"),
    }
}

/// A PostgreSQL server in which tests create databases.
#[derive(Debug)]
pub struct PostgresServer {
    admin_url: String,
    cluster: Option<Cluster>,
}

impl PostgresServer {
    /// Starts a private cluster, for a test that kills it; others share [`postgres`].
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not come up.
    pub async fn start() -> Result<Self> {
        let cluster = Cluster::start().await?;
        Ok(Self {
            admin_url: cluster.url(),
            cluster: Some(cluster),
        })
    }

    fn at(admin_url: String) -> Self {
        Self {
            admin_url,
            cluster: None,
        }
    }

    /// The URL of the server's own database, with the right to create others.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// An empty database of its own name.
    ///
    /// # Errors
    /// When the server refuses or is away.
    pub async fn create_database(&self) -> Result<TestDatabase> {
        // Unlike template1, nobody can be connected to template0, which would make this fail.
        self.create_database_from("template0").await
    }

    /// A copy of the database `template`, which nobody may be connected to.
    ///
    /// # Errors
    /// When the server refuses or is away.
    pub async fn create_database_from(&self, template: &str) -> Result<TestDatabase> {
        let name = format!("test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        psql(
            &self.admin_url,
            &format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#),
        )
        .await
        .with_context(|| format!("create a test database from {template}"))?;
        Ok(TestDatabase::new(self.admin_url.clone(), name))
    }

    /// Kills a private server and its sessions, as a crash does. What was committed is on disk.
    ///
    /// # Errors
    /// When the server is not private to this test.
    pub fn kill(&mut self) -> Result<()> {
        self.private()?.kill();
        Ok(())
    }

    /// Starts a killed private server again, on the same port and the same data.
    ///
    /// # Errors
    /// When the server is not private to this test or does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        let cluster = self.private()?;
        cluster.kill();
        cluster.launch().await
    }

    /// `HOST:PORT` of a private server, for a [`FaultProxy`](crate::FaultProxy) in front of it.
    ///
    /// # Errors
    /// When the server is not private to this test.
    pub fn address(&self) -> Result<String> {
        self.cluster
            .as_ref()
            .map(Cluster::address)
            .context("the shared server's address is in its url")
    }

    fn private(&mut self) -> Result<&mut Cluster> {
        match &mut self.cluster {
            Some(cluster) => Ok(cluster),
            None => bail!("only a private server may be killed"),
        }
    }
}

/// How long one statement through psql may take.
const STATEMENT_WITHIN: Duration = Duration::from_secs(60);
