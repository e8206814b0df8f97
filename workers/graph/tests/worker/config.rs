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

fn with_params(path: &std::path::Path) -> Result<Config, String> {
    let args = ConfigArgs {
        set: vec![format!("build.params={}", path.display())],
        ..ConfigArgs::default()
    };
    let loaded = load::<Config>(&LAYOUT, &args, []);
    loaded
        .map(|loaded| loaded.config)
        .map_err(|error| error.to_string())
}

#[test]
fn parameters_of_a_file_come_over_the_defaults_and_what_is_wrong_with_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("params.json");
    let written = |text: &str| {
        std::fs::write(&path, text).unwrap();
        with_params(&path)
    };
    let params = written(r#"{"prices":{"highest":3.0}}"#)
        .unwrap()
        .settings()
        .build
        .params;
    assert_eq!(params.prices.highest, 3.0);
    assert_eq!(params.bundles, Settings::default().build.params.bundles);
    for (text, why) in [
        (r#"{"prices":{"hihgest":3.0}}"#, "hihgest"),
        (r#"{"gates":{"chance":-1.0}}"#, "gates.chance must be"),
        (
            r#"{"categories":{"rules":[{"anchor":"a","companion":"b"}]}}"#,
            "says nothing",
        ),
        ("prices = 3", "line 1"),
    ] {
        let error = written(text).unwrap_err();
        assert!(
            error.contains("build.params") && error.contains("params.json"),
            "{error}"
        );
        assert!(error.contains(why), "{error}");
    }
    let error = with_params(&folder.path().join("nowhere")).unwrap_err();
    assert!(
        error.contains("build.params") && error.contains("No such file"),
        "{error}"
    );
}
