//! What a gateway can be told. `config.toml` beside this file documents every key and holds the defaults.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use tandem_domain::attribution::KeyRing;
use tandem_domain::id::{MarketplaceId, ShopId};
use tandem_domain::money::Currency;
use tandem_runtime::config::{Layout, Secret};

/// The defaults and what stands for a key.
pub const LAYOUT: Layout = Layout {
    defaults: include_str!("config.toml"),
    aliases: &[
        ("TANDEM_REDIS_URL", "redis.url"),
        ("TANDEM_ATTRIBUTION_KEYS", "attribution.keys"),
    ],
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
    /// `[near]`
    pub near: NearConfig,
    /// `[attribution]`
    pub attribution: AttributionConfig,
    /// `[reflection]`
    pub reflection: ReflectionConfig,
}

/// `[attribution]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributionConfig {
    /// What answers are signed with.
    pub keys: KeyRing,
}

/// `[redis]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// Where it is; may hold a password.
    pub url: Secret,
}

/// The served marketplaces with their currencies, as listed; at least one, none twice.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<MarketplaceConfig>")]
pub struct Marketplaces {
    first: (MarketplaceId, Currency),
    others: Vec<(MarketplaceId, Currency)>,
}

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
        Self {
            first: (id, currency),
            others: Vec::new(),
        }
    }

    /// The first, to which callers belong who cannot be told apart.
    #[must_use]
    pub fn first(&self) -> &MarketplaceId {
        &self.first.0
    }

    /// Every marketplace with its currency.
    pub fn iter(&self) -> impl Iterator<Item = &(MarketplaceId, Currency)> {
        [&self.first].into_iter().chain(&self.others)
    }
}

impl TryFrom<Vec<MarketplaceConfig>> for Marketplaces {
    type Error = InvalidMarketplaces;

    fn try_from(list: Vec<MarketplaceConfig>) -> Result<Self, InvalidMarketplaces> {
        let mut seen = BTreeSet::new();
        for marketplace in &list {
            if !seen.insert(&marketplace.id) {
                return Err(InvalidMarketplaces::Twice(marketplace.id.clone()));
            }
        }
        let mut list = list.into_iter().map(MarketplaceConfig::checked);
        let first = list.next().ok_or(InvalidMarketplaces::None)??;
        let others = list.collect::<Result<_, _>>()?;
        Ok(Self { first, others })
    }
}

impl MarketplaceConfig {
    fn checked(self) -> Result<(MarketplaceId, Currency), InvalidMarketplaces> {
        let Self {
            id,
            currency: code,
            exponent,
        } = self;
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidMarketplaces::Currency(code));
        }
        if exponent > 4 {
            return Err(InvalidMarketplaces::Exponent(exponent));
        }
        Ok((id, Currency { code, exponent }))
    }
}

/// `[insecure]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsecureConfig {
    /// The shop of every caller.
    pub shop: ShopId,
}

/// `[feed]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// How often epoch and generation are compared with the cache.
    #[serde(with = "tandem_runtime::config::duration::positive")]
    pub check_interval: Duration,
    /// How long the feed may say nothing.
    #[serde(with = "tandem_runtime::config::duration::positive")]
    pub silence: Duration,
    /// Longest wait between two tries to reach the cache.
    #[serde(with = "tandem_runtime::config::duration::positive")]
    pub retry_at_most: Duration,
}

/// `[near]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearConfig {
    /// Memory for answers kept in the process, in bytes; 0 keeps none.
    pub max_bytes: u64,
    /// The longest that an answer is kept.
    #[serde(with = "tandem_runtime::config::duration")]
    pub max_age: Duration,
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
    fn a_feed_that_is_looked_at_without_a_pause_is_refused() {
        let refused = set("feed.check_interval=0s").unwrap_err();
        assert!(
            refused.contains("feed.check_interval") && refused.contains("longer than 0s"),
            "{refused}"
        );
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
        assert_eq!(config.insecure.shop.as_str(), "default");
        assert!(!config.reflection.enabled);
    }

    #[test]
    fn marketplaces_can_be_replaced_and_wrong_ones_are_named() {
        let yen = set(r#"marketplaces=[{id = "jp", currency = "JPY", exponent = 0}]"#).unwrap();
        assert_eq!(yen.marketplaces.first().as_str(), "jp");
        let wrong = |flag: &str| set(flag).unwrap_err();
        assert!(wrong("marketplaces=[]").contains("at least one"));
        assert!(wrong(r#"marketplaces=[{id = "x", currency = "pounds", exponent = 2}]"#).contains("pounds"));
        assert!(
            wrong(r#"marketplaces=[{id = "", currency = "GBP", exponent = 2}]"#)
                .contains("must not be empty")
        );
    }
}
