//! What the control plane can be told; `config.toml` documents it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use tandem_domain::attribution::KeyRing;
use tandem_domain::catalog::Marketplace;
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::money::Currency;
use tandem_domain::principal::Principal;
use tandem_runtime::config::{Layout, Secret};
use tandem_runtime::lifecycle::{Kind, Service};
use tandem_store::StoreOptions;

/// The process as its command line knows it.
pub const SERVICE: Service = Service {
    name: "tandem-control",
    about: "The control plane: takes every write, and answers what is read from SQL",
    version: env!("CARGO_PKG_VERSION"),
    kind: Kind::Server,
    layout: LAYOUT,
};

/// Where configuration comes from.
pub const LAYOUT: Layout = Layout {
    defaults: include_str!("../config.toml"),
    aliases: &[
        ("TANDEM_DATABASE_URL", "database.url"),
        ("TANDEM_ATTRIBUTION_KEYS", "attribution.keys"),
    ],
};

/// The sections of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[marketplace]`
    pub marketplace: MarketplaceConfig,
    /// `[events]`
    pub events: EventsConfig,
    /// `[reflection]`
    pub reflection: ReflectionConfig,
    /// `[attribution]`
    pub attribution: AttributionConfig,
}

/// `[reflection]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReflectionConfig {
    /// Whether callers may ask for the API's description.
    pub enabled: bool,
}

/// `[attribution]`: whose tokens are believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributionConfig {
    /// The keys that gateways sign with.
    pub keys: KeyRing,
}

/// `[database]`: how to reach SQL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://…` or `sqlite:…`
    pub url: Secret,
    /// Connections at most.
    #[serde(deserialize_with = "at_least_one")]
    pub max_connections: u32,
    /// How long a call may wait for a connection.
    #[serde(with = "tandem_runtime::config::duration")]
    pub acquire_timeout: Duration,
    /// How long a statement may take.
    #[serde(with = "tandem_runtime::config::duration")]
    pub statement_timeout: Duration,
    /// Whether to apply pending migrations at the start.
    pub migrate_on_start: bool,
    /// How often database and schema are looked at.
    #[serde(with = "tandem_runtime::config::duration")]
    pub check_interval: Duration,
}

impl DatabaseConfig {
    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.url.expose().to_owned(),
            max_connections: self.max_connections,
            acquire_timeout: self.acquire_timeout,
            statement_timeout: self.statement_timeout,
        }
    }
}

/// `[marketplace]`: the one that callers without a token belong to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketplaceConfig {
    /// Its id.
    pub id: MarketplaceId,
    /// The shop they write for.
    pub shop: ShopId,
    /// ISO 4217 code of its currency.
    #[serde(deserialize_with = "currency_code")]
    pub currency: String,
    /// Decimals of the currency's minor unit.
    pub currency_exponent: u8,
    /// IANA name of its time zone.
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: String,
}

impl MarketplaceConfig {
    /// As it is made where it is missing.
    #[must_use]
    pub fn marketplace(&self) -> Marketplace {
        Marketplace {
            id: self.id.clone(),
            currency: Currency {
                code: self.currency.clone(),
                exponent: self.currency_exponent,
            },
            time_zone: self.time_zone.clone(),
        }
    }

    /// Whom a caller without a token counts as.
    #[must_use]
    pub fn insecure_principal(&self) -> Principal {
        Principal::insecure(self.id.clone(), self.shop.clone())
    }
}

/// `[events]`: how reports share transactions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    /// Events that begin a transaction.
    #[serde(deserialize_with = "at_least_one")]
    pub group_commit_rows: usize,
    /// How long the first event waits for others.
    #[serde(with = "tandem_runtime::config::duration")]
    pub group_commit_wait: Duration,
    /// Events that may wait.
    #[serde(deserialize_with = "at_least_one")]
    pub queue_rows: usize,
}

impl Default for Config {
    fn default() -> Self {
        tandem_runtime::config::load(&LAYOUT, &Default::default(), [])
            .expect("the built-in defaults are valid")
            .config
    }
}

fn at_least_one<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + PartialOrd + From<u8>,
{
    let number = N::deserialize(deserializer)?;
    if number < N::from(1) {
        return Err(de::Error::custom("must be at least 1"));
    }
    Ok(number)
}

fn currency_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let code = String::deserialize(deserializer)?;
    if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(de::Error::custom(format!(
        "{code:?} is no ISO 4217 code: write three capital letters, such as GBP"
    )))
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(de::Error::custom(format!(
            "{name:?} is no IANA time zone: write e.g. Europe/London"
        ))),
    }
}
