//! How far files were imported, so that an import that was broken off goes on where it stood.

use sea_orm::Value;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::entity::{signed, unsigned};
use crate::error::Result;
use crate::sql;

impl Store {
    /// Rows of `file` that were written before its import broke off; 0 for a file that nobody began, or that was
    /// written whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imported_rows(&self, marketplace: &MarketplaceId, file: &str) -> Result<u64> {
        let values = [marketplace.as_str().into(), file.into()];
        self.read("look up an import", |db| async move {
            let rows = sql::number(
                &db,
                "SELECT rows_written FROM import_progress WHERE marketplace_id = $1 AND file = $2",
                values,
            )
            .await?;
            unsigned("import_progress", rows.unwrap_or(0))
        })
        .await
    }

    /// Notes that so many rows of `file` are written; what they hold was committed before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_imported_rows(
        &self,
        marketplace: &MarketplaceId,
        file: &str,
        rows: u64,
        now: Timestamp,
    ) -> Result<()> {
        let values = [
            marketplace.as_str().into(),
            file.into(),
            signed("import_progress", rows)?.into(),
            now.as_ms().into(),
        ];
        self.execute(
            "note an import",
            "INSERT INTO import_progress (marketplace_id, file, rows_written, updated_ms)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (marketplace_id, file)
             DO UPDATE SET rows_written = excluded.rows_written, updated_ms = excluded.updated_ms",
            &values,
        )
        .await
    }

    /// Forgets `file`: it is written whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_import(&self, marketplace: &MarketplaceId, file: &str) -> Result<()> {
        let values = [marketplace.as_str().into(), file.into()];
        self.execute(
            "forget an import",
            "DELETE FROM import_progress WHERE marketplace_id = $1 AND file = $2",
            &values,
        )
        .await
    }

    async fn execute(&self, during: &'static str, statement: &'static str, values: &[Value]) -> Result<()> {
        self.transaction(during, |tx| {
            let values = values.to_vec();
            async move { tx.execute(statement, values).await.map(drop) }
        })
        .await
    }
}
