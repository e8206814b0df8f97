//! The schema: SQL files in `schema/`, applied in order, each once.

mod dialect;

use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult};
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait::async_trait,
};

use crate::Store;
use crate::error::{Result, StoreError};
use crate::sql;

/// Every migration, oldest first. One that was released is never edited: its name stands for its content.
const FILES: [SqlFile; 15] = [
    SqlFile {
        name: "0001_foundation",
        text: include_str!("../schema/0001_foundation.sql"),
    },
    SqlFile {
        name: "0002_lifetimes",
        text: include_str!("../schema/0002_lifetimes.sql"),
    },
    SqlFile {
        name: "0003_surface_revisions",
        text: include_str!("../schema/0003_surface_revisions.sql"),
    },
    SqlFile {
        name: "0004_event_attribution",
        text: include_str!("../schema/0004_event_attribution.sql"),
    },
    SqlFile {
        name: "0005_stock_semantics",
        text: include_str!("../schema/0005_stock_semantics.sql"),
    },
    SqlFile {
        name: "0006_fixed_bundles",
        text: include_str!("../schema/0006_fixed_bundles.sql"),
    },
    SqlFile {
        name: "0007_job_reports",
        text: include_str!("../schema/0007_job_reports.sql"),
    },
    SqlFile {
        name: "0008_import_progress",
        text: include_str!("../schema/0008_import_progress.sql"),
    },
    SqlFile {
        name: "0009_stock_inbox",
        text: include_str!("../schema/0009_stock_inbox.sql"),
    },
    SqlFile {
        name: "0010_same_letters",
        text: include_str!("../schema/0010_same_letters.sql"),
    },
    SqlFile {
        name: "0011_category_rules",
        text: include_str!("../schema/0011_category_rules.sql"),
    },
    SqlFile {
        name: "0012_ended_jobs",
        text: include_str!("../schema/0012_ended_jobs.sql"),
    },
    SqlFile {
        name: "0013_user_erasures",
        text: include_str!("../schema/0013_user_erasures.sql"),
    },
    SqlFile {
        name: "0014_updates_in_place",
        text: include_str!("../schema/0014_updates_in_place.sql"),
    },
    SqlFile {
        name: "0015_dwell_time",
        text: include_str!("../schema/0015_dwell_time.sql"),
    },
];

/// Migrations of several processes queue for this advisory lock of PostgreSQL.
const MIGRATION_LOCK: i64 = 0x7461_6e64_656d;

/// The schema of the database beside that of this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaStatus {
    /// The same.
    Current,
    /// These migrations wait to be applied.
    Pending(Vec<String>),
    /// The database has migrations that this binary does not know.
    Newer(Vec<String>),
}

impl Store {
    /// Applies pending migrations in one transaction, one process at a time; returns their names.
    ///
    /// # Errors
    /// [`StoreError::SchemaNewer`], or when the database fails.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        self.unchecked_transaction("migrate", |tx| async move {
            if tx.backend() == DbBackend::Postgres {
                tx.execute("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK.into()])
                    .await?;
            }
            match status(tx.conn()).await? {
                SchemaStatus::Current => Ok(Vec::new()),
                SchemaStatus::Newer(names) => Err(StoreError::SchemaNewer(names)),
                SchemaStatus::Pending(names) => {
                    Migrator::up(tx.conn(), None).await?;
                    Ok(names)
                }
            }
        })
        .await
    }

    /// Compares the schema with this binary's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schema_status(&self) -> Result<SchemaStatus> {
        self.read("compare schemas", |db| async move { status(&db).await })
            .await
    }

    /// Refuses to write under a foreign schema. Once right it is not looked at again: migrations only add.
    pub(crate) async fn require_schema(&self) -> Result<()> {
        if self.0.schema_is_current.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.schema_status().await? {
            SchemaStatus::Current => {
                self.0.schema_is_current.store(true, Ordering::Relaxed);
                Ok(())
            }
            SchemaStatus::Pending(names) => Err(StoreError::SchemaPending(names)),
            SchemaStatus::Newer(names) => Err(StoreError::SchemaNewer(names)),
        }
    }
}

async fn status<C: ConnectionTrait>(conn: &C) -> Result<SchemaStatus> {
    #[derive(FromQueryResult)]
    struct Applied {
        version: String,
    }
    let applied: Vec<Applied> = if dialect::has_table(conn, "seaql_migrations").await? {
        sql::all(conn, "SELECT version FROM seaql_migrations ORDER BY version", []).await?
    } else {
        Vec::new()
    };
    let names = |file: &SqlFile| file.name.to_owned();
    let newer: Vec<_> = applied
        .iter()
        .filter(|row| FILES.iter().all(|file| file.name != row.version))
        .map(|row| row.version.clone())
        .collect();
    let pending: Vec<_> = FILES
        .iter()
        .filter(|file| applied.iter().all(|row| row.version != file.name))
        .map(names)
        .collect();
    Ok(match (newer.is_empty(), pending.is_empty()) {
        (false, _) => SchemaStatus::Newer(newer),
        (true, false) => SchemaStatus::Pending(pending),
        (true, true) => SchemaStatus::Current,
    })
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        FILES
            .iter()
            .map(|file| Box::new(*file) as Box<dyn MigrationTrait>)
            .collect()
    }
}

/// A file of statements in the common dialect; see [`dialect`].
#[derive(Debug, Clone, Copy)]
struct SqlFile {
    name: &'static str,
    text: &'static str,
}

impl MigrationName for SqlFile {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for SqlFile {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "the trait spells it so, and async_trait takes it at its word"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in dialect::statements(self.text, manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
