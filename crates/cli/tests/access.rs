//! `tandem` as a caller that is told apart: token, TLS, a certificate of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/serving.rs"]
mod serving;
#[path = "support/shop.rs"]
mod shop;
#[path = "support/tandem.rs"]
mod tandem;

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use serde_json::json;
use serving::{Dev, PATIENCE};
use shop::Shop;
use tandem_cli::database::DatabaseArgs;
use tandem_domain::clock::SystemClock;
use tandem_runtime::config::RuntimeConfig;
use tandem_runtime::lifecycle::{Access, Shell, Shutdown, bind};
use tandem_runtime::readiness::Readiness;
use tandem_runtime::tasks::Tasks;
use tandem_testing::{Authority, Signing, TokenKey, jwks, wait_until};

const ISSUER: &str = "https://issuer.test";

/// A token of the shop that the tests' files belong to.
fn token(key: &TokenKey, scope: &str) -> String {
    key.token(&json!({
        "iss": ISSUER, "aud": "tandem", "exp": 4_000_000_000_u64, "sub": "an operator", "marketplace": "default",
        "shop": "default", "scope": scope,
    }))
}

/// A control plane that takes tokens under TLS from clients with a certificate.
struct World {
    folder: tempfile::TempDir,
    key: TokenKey,
    url: String,
    shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.abort("the test is over");
    }
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let (authority, key) = (
            Authority::new("ours").unwrap(),
            TokenKey::new("k", Signing::EdDsa).unwrap(),
        );
        std::fs::write(place("ca.pem"), authority.pem()).unwrap();
        std::fs::write(place("foreign.pem"), Authority::new("theirs").unwrap().pem()).unwrap();
        std::fs::write(place("jwks.json"), jwks(&[&key])).unwrap();
        let (cert, private) = authority.sign().unwrap().write(folder.path(), "server").unwrap();
        authority.sign().unwrap().write(folder.path(), "client").unwrap();

        let mut server = RuntimeConfig::default().server;
        (server.tls.cert, server.tls.key) = (Some(cert), Some(private));
        server.tls.client_ca = Some(place("ca.pem"));
        server.auth.issuer = Some(ISSUER.to_owned());
        server.auth.jwks = Some(place("jwks.json").display().to_string());
        let listener = bind("server", Some(([127, 0, 0, 1], 0).into())).await.unwrap();
        let shutdown = Shutdown::new();
        let tasks = Tasks::new(shutdown.clone());
        let (access, readiness) = (Access::Tokens, Readiness::new());
        let shell = Shell::new(
            server,
            listener,
            access,
            shutdown.clone(),
            tasks.clone(),
            readiness,
        );
        let url = format!("https://localhost:{}", shell.address().unwrap().port());
        let store = DatabaseArgs::in_folder(folder.path()).open().await.unwrap().store;
        let config = tandem_control::Config::default();
        tasks.spawn_critical(
            "control",
            tandem_control::serve(store, Arc::new(SystemClock), config, shell),
        );
        Self {
            folder,
            key,
            url,
            shutdown,
        }
    }

    fn token(&self, scope: &str) -> String {
        token(&self.key, scope)
    }

    /// `tandem generations list` with these flags, files named by their place in the folder.
    async fn list(&self, flags: &[(&str, &str)], token: &str) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.args(["generations", "list", "--json", "--control", &self.url]);
        for (flag, file) in flags {
            command.arg(flag).arg(self.folder.path().join(file));
        }
        command.env("TANDEM_TOKEN", token).output().await.unwrap()
    }
}

const TRUST: (&str, &str) = ("--tls-ca", "ca.pem");
const SHOW: [(&str, &str); 2] = [("--tls-cert", "client.pem"), ("--tls-key", "client.key")];

#[tokio::test(flavor = "multi_thread")]
async fn a_token_and_a_certificate_let_an_operator_in_and_what_is_missing_is_said() {
    let world = World::start().await;
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let good = world.token("ops.admin");

    let listed = world.list(&[TRUST, SHOW[0], SHOW[1]], &good).await;
    assert!(listed.status.success(), "{}", said(&listed));
    std::fs::write(world.folder.path().join("token"), format!("{good}\n")).unwrap();
    let flags = [TRUST, SHOW[0], SHOW[1], ("--token-file", "token")];
    let listed = world.list(&flags, "the file counts").await;
    assert!(listed.status.success(), "{}", said(&listed));

    let refusals = [
        (vec![TRUST, SHOW[0], SHOW[1]], String::new(), "UNAUTHENTICATED"),
        (
            vec![TRUST, SHOW[0], SHOW[1]],
            world.token("reco.read"),
            "ops.admin",
        ),
        (vec![TRUST], good.clone(), ""),
        (
            vec![("--tls-ca", "foreign.pem"), SHOW[0], SHOW[1]],
            good.clone(),
            "control",
        ),
        (vec![("--tls-ca", "none.pem")], good.clone(), "cannot read"),
        (vec![("--token-file", "none")], String::new(), "cannot read"),
        (vec![TRUST, SHOW[0]], good.clone(), "--tls-key"),
    ];
    for (flags, token, words) in refusals {
        let refused = world.list(&flags, &token).await;
        assert!(!refused.status.success(), "{flags:?}");
        assert!(said(&refused).contains(words), "{flags:?}: {}", said(&refused));
        assert!(
            !said(&refused).contains(&good),
            "a token is shown: {}",
            said(&refused)
        );
    }
}

/// Commands of every kind that ask gateway or control.
const COMMANDS: [&[&str]; 13] = [
    &["query", "related", "cup-roses"],
    &["query", "basket", "cup-roses", "saucer-roses"],
    &["query", "bundles", "cup-roses"],
    &["query", "explain", "cup-roses", "saucer-roses"],
    &["query", "stock", "cup-roses"],
    &["query", "pair", "cup-roses", "saucer-roses"],
    &["stock", "set", "spoon-dots", "7"],
    &["stock", "policy", "get"],
    &["stock", "policy", "set", "--low", "5"],
    &["surface", "list"],
    &["surface", "set", "cart", "--size", "8"],
    &["generations", "list"],
    &["deadletter", "list"],
];

#[tokio::test]
async fn commands_go_in_with_a_token_and_are_told_what_to_do_without() {
    let shop = Shop::new();
    let key = TokenKey::new("k", Signing::Es256).unwrap();
    let file = |name: &str, text: String| {
        let path = shop.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let keys = file("keys.json", jwks(&[&key]));
    let dev = Dev::start(&shop.data(), &["--issuer", ISSUER, "--jwks", &keys]).await;
    shop.import();
    let good = [
        "--token-file",
        &file("good", token(&key, "reco.read stock.write ops.admin")),
    ];
    let ask = |command: &[&str]| shop.ask(&dev, &[command, &good].concat());
    ask(&["build"]);
    let shown = async || !ask(COMMANDS[0])["items"].as_array().unwrap().is_empty();
    wait_until(PATIENCE, "companions", shown).await.unwrap();

    let scopeless = ["--token-file", &file("scopeless", token(&key, ""))];
    let expired =
        json!({ "iss": ISSUER, "aud": "tandem", "exp": 1, "sub": "an operator", "marketplace": "default" });
    let expired = ["--token-file", &file("expired", key.token(&expired))];
    let refused: [(&[&str], [&str; 2]); 3] = [
        (&[], ["UNAUTHENTICATED", "--token-file"]),
        (&scopeless, ["PERMISSION_DENIED", "claim `scope`"]),
        (&expired, ["UNAUTHENTICATED", "get a new one"]),
    ];
    let addresses = ["--gateway", &dev.gateway, "--control", &dev.control];
    for command in COMMANDS {
        ask(command);
        for (flags, words) in refused {
            let output = tandem::run(shop.path(), &[command, flags, &addresses].concat());
            let said = tandem::stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{command:?} {flags:?}: {said}");
            assert!(
                words.iter().all(|word| said.contains(word)),
                "{command:?} {flags:?}: {said}"
            );
        }
    }
    dev.stop().await;
}

#[test]
fn manual_pages_and_completions_know_every_command() {
    let tandem = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tandem"))
            .args(args)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let page = tandem(&["man"]);
    assert!(
        page.contains(".TH tandem 1") && page.contains("tandem\\-query"),
        "{page}"
    );
    let folder = tempfile::tempdir().unwrap();
    tandem(&["man", "--folder", folder.path().to_str().unwrap()]);
    let written = |name: &str| folder.path().join(name).exists();
    assert!(written("tandem.1") && written("tandem-query-related.1") && written("tandem-man.1"));
    assert_no_empty(folder.path());
    for shell in ["bash", "zsh", "fish"] {
        let script = tandem(&["completions", shell]);
        assert!(
            script.contains("deadletter") && script.contains("token-file"),
            "{shell}"
        );
    }
}

fn assert_no_empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert!(entry.metadata().unwrap().len() > 200, "{:?}", entry.path());
    }
}
