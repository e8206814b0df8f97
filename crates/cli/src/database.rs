//! The database that a command works on, and the marketplace in it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use tandem_domain::catalog::Marketplace;
use tandem_domain::clock::{Clock, SystemClock};
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::money::Currency;
use tandem_domain::principal::Principal;
use tandem_store::{SchemaStatus, Store, StoreOptions, WriteContext};

/// Where `tandem dev` keeps its files unless told otherwise.
pub const DEV_FOLDER: &str = ".tandem";

/// Chunks of events that one transaction numbers.
const CHUNKS: u32 = 64;

/// Which database, marketplace and shop.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// The database; without it the file that `tandem dev` uses in this folder.
    #[arg(
        long,
        env = "TANDEM_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:.tandem/tandem.db?mode=rwc",
        value_name = "URL"
    )]
    pub database: String,
    /// The marketplace; created when it does not exist.
    #[arg(long, default_value = "default")]
    pub marketplace: MarketplaceId,
    /// The shop that owns what is written.
    #[arg(long, default_value = "default")]
    pub shop: ShopId,
}

/// An open database and who works on it.
pub struct Database {
    /// The database, its schema current.
    pub store: Store,
    /// The marketplace.
    pub marketplace: Marketplace,
    /// The shop.
    pub shop: ShopId,
}

impl DatabaseArgs {
    /// The database file of `tandem dev` in `folder`, with the default marketplace and shop.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let id = "default";
        Self {
            database: format!("sqlite:{}?mode=rwc", folder.join("tandem.db").display()),
            marketplace: MarketplaceId::new(id).expect("a valid id"),
            shop: ShopId::new(id).expect("a valid id"),
        }
    }

    /// Opens a database that others made, and changes nothing in it.
    ///
    /// # Errors
    /// When it is not there or cannot be reached, has the schema of another version, or knows no such marketplace.
    pub async fn open_existing(&self) -> Result<Database> {
        if let Some(file) = self.file().filter(|_| self.is_new()) {
            bail!(
                "there is no database {}: `tandem dev` and `tandem import` make one, --database names another",
                file.display()
            );
        }
        let store = self.connect().await?;
        match store.schema_status().await? {
            SchemaStatus::Current => {}
            SchemaStatus::Pending(names) => bail!(
                "the database is of an earlier version, without {}: start control or `tandem dev`, which bring it up to date",
                names.join(", ")
            ),
            SchemaStatus::Newer(names) => bail!(
                "the database is of a later version, with {}: use the tandem of that version",
                names.join(", ")
            ),
        }
        let marketplace = store.marketplace(&self.marketplace).await?;
        let marketplace = marketplace.with_context(|| {
            format!(
                "the database has no marketplace {}: see --marketplace",
                self.marketplace
            )
        })?;
        Ok(Database {
            store,
            marketplace,
            shop: self.shop.clone(),
        })
    }

    async fn connect(&self) -> Result<Store> {
        let options = StoreOptions {
            url: self.database.clone(),
            ..StoreOptions::default()
        };
        let store = Store::connect(&options).await;
        store.context("the database cannot be opened")
    }

    /// Opens the database, brings its schema up to date and makes sure of the marketplace.
    ///
    /// # Errors
    /// When it cannot be reached or was written by a newer version.
    pub async fn open(&self) -> Result<Database> {
        self.make_folder()?;
        let store = self.connect().await?;
        store
            .migrate()
            .await
            .context("the schema cannot be brought up to date")?;
        let marketplace = match store.marketplace(&self.marketplace).await? {
            Some(marketplace) => marketplace,
            None => default_marketplace(self.marketplace.clone()),
        };
        store
            .ensure_marketplace(&marketplace, &self.shop, SystemClock.now())
            .await?;
        Ok(Database {
            store,
            marketplace,
            shop: self.shop.clone(),
        })
    }

    /// Whether opening it makes it: a SQLite file that is not there.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.file().is_some_and(|file| !file.exists())
    }

    /// The file of a SQLite database.
    fn file(&self) -> Option<&Path> {
        let rest = self.database.strip_prefix("sqlite:")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        Some(Path::new(rest.split('?').next().unwrap_or(rest)))
    }

    fn make_folder(&self) -> Result<()> {
        match self.file().and_then(Path::parent) {
            Some(folder) => std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display())),
            None => Ok(()),
        }
    }
}

/// A marketplace with the documented defaults: pounds, and London's time.
#[must_use]
pub fn default_marketplace(id: MarketplaceId) -> Marketplace {
    Marketplace {
        id,
        currency: Currency {
            code: "GBP".to_owned(),
            exponent: 2,
        },
        time_zone: "Europe/London".to_owned(),
    }
}

impl Database {
    /// A write by the operator of this command.
    #[must_use]
    pub fn write(&self) -> WriteContext {
        let principal = Principal {
            subject: "tandem-cli".to_owned(),
            ..Principal::insecure(self.marketplace.id.clone(), self.shop.clone())
        };
        WriteContext::new(principal, SystemClock.now())
    }

    /// Numbers the events that were written, so that a build that is asked for next reads all of them. The events worker
    /// does so too, in its own time; both may at once.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fold(&self) -> Result<()> {
        while self
            .store
            .fold_events(&self.marketplace.id, CHUNKS, SystemClock.now())
            .await?
            .batches
            > 0
        {}
        Ok(())
    }
}
