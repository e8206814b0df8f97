//! What a gateway can be told. `config.toml` beside this file documents every key and holds the defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::money::Currency;
use tandem_runtime::config::{Layout, Secret};

/// The defaults and what stands for a key.
pub const LAYOUT: Layout = Layout {
    defaults: include_str!("config.toml"),
    aliases: &[("TANDEM_REDIS_URL", "redis.url")],
};

/// The gateway's own sections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[redis]`; not used in one process with an in-process cache.
    pub redis: RedisConfig,
    /// `[[marketplaces]]`
    pub marketplaces: Marketplaces,
    /// `[insecure]`
    pub insecure: InsecureConfig,
    /// `[feed]`
    pub feed: FeedConfig,
    /// `[reflection]`
    pub reflection: ReflectionConfig,
}

/// `[redis]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Where it is; may hold a password.
    pub url: Secret,
}

/// The served marketplaces with their currencies; at least one, none twice.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<MarketplaceConfig>")]
pub struct Marketplaces(BTreeMap<MarketplaceId, Currency>);

/// One of `[[marketplaces]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketplaceConfig {
    id: MarketplaceId,
    currency: String,
    exponent: u8,
}

/// A list of marketplaces that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMarketplaces {
    /// There is none.
    #[error("name at least one marketplace")]
    None,
    /// One is named twice.
    #[error("marketplace {0} is named twice")]
    Twice(MarketplaceId),
    /// Not the form of an ISO 4217 code.
    #[error("{0:?} is no currency: use three capital letters, such as GBP")]
    Currency(String),
    /// No currency has so many decimals.
    #[error("a minor unit has at most 4 decimals, not {0}")]
    Exponent(u8),
}

impl Marketplaces {
    /// One marketplace.
    #[must_use]
    pub fn one(id: MarketplaceId, currency: Currency) -> Self {
        Self(BTreeMap::from([(id, currency)]))
    }

    /// Every marketplace with its currency, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&MarketplaceId, &Currency)> {
        self.0.iter()
    }

    /// Whether a marketplace is served.
    #[must_use]
    pub fn contains(&self, id: &MarketplaceId) -> bool {
        self.0.contains_key(id)
    }
}

impl TryFrom<Vec<MarketplaceConfig>> for Marketplaces {
    type Error = InvalidMarketplaces;

    fn try_from(list: Vec<MarketplaceConfig>) -> Result<Self, InvalidMarketplaces> {
        let mut served = BTreeMap::new();
        for MarketplaceConfig {
            id,
            currency,
            exponent,
        } in list
        {
            if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(InvalidMarketplaces::Currency(currency));
            }
            if exponent > 4 {
                return Err(InvalidMarketplaces::Exponent(exponent));
            }
            let currency = Currency {
                code: currency,
                exponent,
            };
            if served.insert(id.clone(), currency).is_some() {
                return Err(InvalidMarketplaces::Twice(id));
            }
        }
        if served.is_empty() {
            return Err(InvalidMarketplaces::None);
        }
        Ok(Self(served))
    }
}

/// `[insecure]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsecureConfig {
    /// The marketplace of every caller.
    pub marketplace: MarketplaceId,
    /// The shop of every caller.
    pub shop: ShopId,
}

/// `[feed]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// How often epoch and generation are compared with the cache.
    #[serde(with = "tandem_runtime::config::duration")]
    pub check_interval: Duration,
    /// How long the feed may say nothing.
    #[serde(with = "tandem_runtime::config::duration")]
    pub silence: Duration,
    /// Longest wait between two tries to reach the cache.
    #[serde(with = "tandem_runtime::config::duration")]
    pub retry_at_most: Duration,
}

/// `[reflection]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReflectionConfig {
    /// Whether the API's description is served.
    pub enabled: bool,
}

impl Default for Config {
    /// The documented defaults.
    fn default() -> Self {
        let loaded = tandem_runtime::config::load(&LAYOUT, &Default::default(), []);
        loaded.expect("the built-in defaults are valid").config
    }
}

#[cfg(test)]
mod tests {
    use tandem_runtime::config::{ConfigArgs, load};

    use super::*;

    fn set(flag: &str) -> Result<Config, String> {
        let args = ConfigArgs {
            set: vec![flag.to_owned()],
            ..ConfigArgs::default()
        };
        match load::<Config>(&LAYOUT, &args, []) {
            Ok(loaded) => Ok(loaded.config),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_documented_defaults_serve_one_marketplace_in_pounds() {
        let config = Config::default();
        let served: Vec<_> = config.marketplaces.iter().collect();
        assert_eq!(served.len(), 1);
        assert_eq!(
            (served[0].0.as_str(), served[0].1.code.as_str()),
            ("default", "GBP")
        );
        assert!(config.marketplaces.contains(&config.insecure.marketplace));
        assert!(!config.reflection.enabled);
    }

    #[test]
    fn marketplaces_can_be_replaced_and_wrong_ones_are_named() {
        let yen = set(r#"marketplaces=[{id = "jp", currency = "JPY", exponent = 0}]"#).unwrap();
        assert!(yen.marketplaces.contains(&MarketplaceId::new("jp").unwrap()));
        let wrong = |flag: &str| set(flag).unwrap_err();
        assert!(wrong("marketplaces=[]").contains("at least one"));
        assert!(wrong(r#"marketplaces=[{id = "x", currency = "pounds", exponent = 2}]"#).contains("pounds"));
        assert!(
            wrong(r#"marketplaces=[{id = "", currency = "GBP", exponent = 2}]"#)
                .contains("must not be empty")
        );
    }
}
