//! The documented defaults.

use std::time::Duration;

use tandem_inventory_worker::config::{Config, LAYOUT};
use tandem_inventory_worker::{SERVICE, Settings};
use tandem_runtime::config::{ConfigArgs, load};

#[test]
fn the_documented_defaults_are_the_defaults() {
    let loaded = load::<Config>(&LAYOUT, &ConfigArgs::default(), []).unwrap();
    assert_eq!(
        loaded.runtime.admin.listen,
        Some("127.0.0.1:9054".parse().unwrap())
    );
    assert_eq!(loaded.config.heartbeat.every, Duration::from_millis(250));
    assert_eq!(Settings::default().relay.batch, loaded.config.relay.batch);
    assert_eq!(SERVICE.name, "tandem-inventory-worker");
}

#[test]
fn well_known_variables_say_where_the_stores_are() {
    let variables = [
        ("TANDEM_DATABASE_URL", "sqlite:a.db"),
        ("TANDEM_REDIS_URL", "redis://b/"),
        ("TANDEM_SEGMENTS_PATH", "/c"),
    ];
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = load::<Config>(&LAYOUT, &ConfigArgs::default(), environment)
        .unwrap()
        .config;
    assert_eq!(config.database.options().url, "sqlite:a.db");
    assert_eq!(config.redis.url.expose(), "redis://b/");
    assert_eq!(config.segments.path.to_str(), Some("/c"));
}
