//! The layers of the configuration and their errors.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tandem_runtime::config::{ConfigArgs, ConfigError, Layout, Loaded, LogFormat, Secret, load};

const LAYOUT: Layout = Layout {
    defaults: r#"
[server]
listen = "127.0.0.1:7410"

[redis]
# Where Redis is.
url = "redis://127.0.0.1:6379/"
token = ""
pool = 4
ratio = 0.5
tls = false
timeout = "250ms"
hosts = []

[labels]
"#,
    aliases: &[("TANDEM_REDIS_URL", "redis.url")],
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    redis: Redis,
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redis {
    url: Secret,
    token: Secret,
    pool: usize,
    ratio: f64,
    tls: bool,
    #[serde(with = "tandem_runtime::config::duration")]
    timeout: Duration,
    hosts: Vec<String>,
}

type Outcome = Result<Loaded<Config>, ConfigError>;

fn from(file: Option<&Path>, environment: &[(&str, &str)], flags: &[&str]) -> Outcome {
    let args = ConfigArgs {
        config: file.map(Into::into),
        set: flags.iter().map(ToString::to_string).collect(),
        ..ConfigArgs::default()
    };
    let environment = environment
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    load(&LAYOUT, &args, environment)
}

fn from_file(text: &str, environment: &[(&str, &str)], flags: &[&str]) -> Outcome {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("tandem.toml");
    fs::write(&path, text).expect("a writable folder");
    from(Some(&path), environment, flags)
}

fn error(outcome: Outcome) -> String {
    outcome.expect_err("a mistake").to_string()
}

#[test]
fn without_other_layers_the_documented_defaults_hold() {
    let loaded = from(None, &[], &[]).unwrap();
    assert_eq!(loaded.config.redis.url.expose(), "redis://127.0.0.1:6379/");
    assert_eq!(loaded.config.redis.timeout, Duration::from_millis(250));
    assert!(loaded.config.redis.token.is_empty());
    assert_eq!(loaded.runtime.log.format, LogFormat::Pretty);
    assert_eq!(loaded.runtime.admin.listen, None);
    assert_eq!(loaded.runtime.shutdown.drain, Duration::from_secs(20));
}

#[test]
fn a_process_gives_the_common_sections_other_defaults() {
    let loaded = from(None, &[], &[]).unwrap();
    assert_eq!(
        loaded.runtime.server.listen,
        Some("127.0.0.1:7410".parse().unwrap())
    );
    assert_eq!(loaded.runtime.server.max_streams, 100, "and keeps the others");
}

#[test]
fn each_layer_outranks_the_one_below() {
    let file = "[redis]\npool = 5\nratio = 1\ntls = true\n[log]\nformat = \"json\"";
    let environment = [
        ("TANDEM__REDIS__POOL", "6"),
        ("TANDEM__REDIS__TIMEOUT", "2s"),
        ("HOME", "/root"),
    ];
    let loaded = from_file(file, &environment, &["redis.pool=7"]).unwrap();
    let redis = &loaded.config.redis;
    assert_eq!(
        (redis.pool, redis.ratio, redis.tls, redis.timeout),
        (7, 1.0, true, Duration::from_secs(2))
    );
    assert_eq!(loaded.runtime.log.format, LogFormat::Json);
}

#[test]
fn a_well_known_variable_stands_for_its_key_and_the_keys_own_variable_outranks_it() {
    let alias = ("TANDEM_REDIS_URL", "redis://a/");
    assert_eq!(
        from(None, &[alias], &[]).unwrap().config.redis.url.expose(),
        "redis://a/"
    );
    let loaded = from(None, &[alias, ("TANDEM__REDIS__URL", "redis://b/")], &[]).unwrap();
    assert_eq!(loaded.config.redis.url.expose(), "redis://b/");
}

#[test]
fn lists_and_open_sections_can_be_set() {
    let loaded = from_file(
        "[labels]\nzone = \"east\"",
        &[("TANDEM__REDIS__HOSTS", "a, b")],
        &[],
    )
    .unwrap();
    assert_eq!(loaded.config.redis.hosts, ["a", "b"]);
    assert_eq!(loaded.config.labels["zone"], "east");
    let loaded = from(None, &[], &[r#"redis.hosts=["c"]"#]).unwrap();
    assert_eq!(loaded.config.redis.hosts, ["c"]);
}

#[test]
fn an_unknown_key_is_refused_in_every_layer_with_its_place_and_a_suggestion() {
    let in_file = error(from_file("[redis]\npol = 5", &[], &[]));
    assert!(in_file.contains("unknown key `redis.pol` in /"), "{in_file}");
    assert!(
        in_file.ends_with("tandem.toml; did you mean `redis.pool`?"),
        "{in_file}"
    );
    assert_eq!(
        error(from(None, &[("TANDEM__LOG__FORMT", "json")], &[])),
        "unknown key `log.formt` in environment variable TANDEM__LOG__FORMT; did you mean `log.format`?"
    );
    assert_eq!(
        error(from(None, &[], &["server.drain=5s"])),
        "unknown key `server.drain` in --set; did you mean `shutdown.drain`?"
    );
    assert_eq!(error(from(None, &[], &["zzz=5"])), "unknown key `zzz` in --set");
    let section = error(from_file("[reddis]\npool = 5", &[], &[]));
    assert!(section.starts_with("unknown key `reddis` in "), "{section}");
    assert!(section.ends_with("did you mean `redis`?"), "{section}");
}

#[test]
fn a_value_of_another_kind_is_refused_with_its_place() {
    let in_file = error(from_file("[redis]\npool = \"five\"", &[], &[]));
    assert!(in_file.starts_with("`redis.pool` in /"), "{in_file}");
    assert!(
        in_file.ends_with(r#"expected a whole number, found the string "five""#),
        "{in_file}"
    );
    assert_eq!(
        error(from(None, &[("TANDEM__REDIS__TLS", "yes")], &[])),
        r#"`redis.tls` in environment variable TANDEM__REDIS__TLS: expected true or false, found the string "yes""#
    );
    assert_eq!(
        error(from(None, &[], &["redis=1"])),
        "`redis` in --set: expected a section, found 1"
    );
}

#[test]
fn a_value_that_cannot_be_used_is_refused_with_its_place() {
    assert_eq!(
        error(from(None, &[], &["redis.timeout=10x"])),
        r#"`redis.timeout` in --set: "10x" is not a duration: write e.g. 250ms, 10s or 5m"#
    );
    assert!(error(from(None, &[], &["redis.timeout=-1s"])).contains("is not a duration"));
    let address = error(from(None, &[("TANDEM__ADMIN__LISTEN", "here")], &[]));
    assert!(
        address.starts_with("`admin.listen` in environment variable TANDEM__ADMIN__LISTEN: \"here\": "),
        "{address}"
    );
    let format = error(from(None, &[], &["log.format=yaml"]));
    assert!(format.contains("unknown variant `yaml`"), "{format}");
    let share = error(from(None, &[], &["telemetry.sample_ratio=2"]));
    assert_eq!(
        share,
        "`telemetry.sample_ratio` in --set: 2 is not between 0 and 1"
    );
    let negative = error(from_file("[redis]\npool = -1", &[], &[]));
    assert!(negative.starts_with("`redis.pool` in /"), "{negative}");
}

#[test]
fn the_file_may_be_named_by_the_environment_and_the_flag_outranks_it() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one.toml"), dir.path().join("other.toml"));
    fs::write(&one, "[redis]\npool = 1").unwrap();
    fs::write(&other, "[redis]\npool = 2").unwrap();
    let environment = [("TANDEM_CONFIG", one.to_str().unwrap())];
    assert_eq!(from(None, &environment, &[]).unwrap().config.redis.pool, 1);
    assert_eq!(
        from(Some(&other), &environment, &[]).unwrap().config.redis.pool,
        2
    );
}

#[test]
fn an_unusable_file_or_flag_is_named() {
    assert_eq!(
        error(from(Some(Path::new("/no/such.toml")), &[], &[])),
        "cannot read configuration file /no/such.toml"
    );
    assert!(error(from_file("[redis", &[], &[])).ends_with("tandem.toml is not valid TOML"));
    assert_eq!(
        error(from(None, &[], &["redis.pool"])),
        "--set redis.pool: expected SECTION.KEY=VALUE"
    );
}

#[test]
fn the_dump_is_the_effective_configuration_without_secrets() {
    let flags = [
        "redis.token=hush",
        "redis.url=redis://me:hush@db:6379/0?x=1",
        "redis.pool=9",
    ];
    let dump = from(None, &[], &flags).unwrap().dump();
    assert!(!dump.contains("hush"), "{dump}");
    assert!(dump.contains(r#"url = "redis://me:***@db:6379/0?x=1""#), "{dump}");
    assert!(dump.contains(r#"token = "***""#), "{dump}");
    assert!(dump.contains("pool = 9"), "{dump}");
    assert!(dump.contains("[shutdown]"), "{dump}");
}

#[test]
fn a_dump_without_secrets_can_be_loaded_again() {
    let dump = from(None, &[], &["redis.pool=9"]).unwrap().dump();
    assert_eq!(from_file(&dump, &[], &[]).unwrap().dump(), dump);
}

#[test]
fn debug_output_shows_no_secret() {
    let flags = ["redis.token=hush", "redis.url=redis://me:hush@db/"];
    let shown = format!("{:?}", from(None, &[], &flags).unwrap());
    assert!(!shown.contains("hush"), "{shown}");
}
