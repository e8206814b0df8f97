//! The documented defaults.

use std::time::Duration;

use tandem_graph_worker::config::{Config, LAYOUT};
use tandem_graph_worker::{SERVICE, Settings};
use tandem_runtime::config::{ConfigArgs, load};

#[test]
fn the_documented_defaults_are_the_defaults() {
    let loaded = load::<Config>(&LAYOUT, &ConfigArgs::default(), []).unwrap();
    assert_eq!(
        loaded.runtime.admin.listen,
        Some("127.0.0.1:9053".parse().unwrap())
    );
    assert_eq!(loaded.config.build.every, Duration::from_secs(6 * 3600));
    assert_eq!(Settings::default().build.keep, loaded.config.build.keep);
    assert!(loaded.config.build.tune);
    assert_eq!(SERVICE.name, "tandem-graph-worker");
}

#[test]
fn a_share_above_one_is_refused_with_its_key() {
    let args = ConfigArgs {
        set: vec!["build.least_edges=1.5".to_owned()],
        ..ConfigArgs::default()
    };
    let error = load::<Config>(&LAYOUT, &args, []).unwrap_err().to_string();
    assert!(error.contains("build.least_edges"), "{error}");
}
