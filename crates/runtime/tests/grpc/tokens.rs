//! Whom a server lets in: tokens, the rotation of keys, quotas.

use std::time::Duration;

use serde_json::{Value, json};
use tandem_testing::{Signing, TokenKey, jwks, wait_until};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::house::{AUDIENCE, House, Keys, NOW, checked, claims, code_and_reason};
use super::server::LONG;

fn key(kid: &str) -> TokenKey {
    TokenKey::new(kid, Signing::Es256).expect("randomness")
}

/// `claims()` with one of them changed.
fn claiming(name: &str, value: Value) -> Value {
    let mut claims = claims("mall");
    claims[name] = value;
    claims
}

#[tokio::test]
async fn tokens_of_both_algorithms_are_taken_and_tell_the_caller() {
    let edwards = TokenKey::new("e", Signing::EdDsa).unwrap();
    let house = House::over(Keys::file(&jwks(&[&key("p"), &edwards])), |_| {}).await;
    house.call(&edwards.token(&claims("mall"))).await.unwrap();

    let p = key("p");
    let house = House::over(Keys::file(&jwks(&[&p])), |_| {}).await;
    let token = p.token(&claims("mall"));
    for _ in 0..3 {
        house.call(&token).await.unwrap();
    }
    house
        .call(&p.token(&claiming("aud", json!(["others", AUDIENCE]))))
        .await
        .unwrap();
    let nameless = p.token_with(&json!({ "alg": "ES256" }), &claims("mall"));
    house.call(&nameless).await.unwrap();
}

#[tokio::test]
async fn what_is_no_valid_token_is_unauthenticated_and_says_why() {
    let (ours, theirs) = (key("a"), key("a"));
    let house = House::over(Keys::file(&jwks(&[&ours])), |_| {}).await;
    let good = ours.token(&claims("mall"));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let header = signed.split('.').next().unwrap();
    let other_payload = ours.token(&claims("someone else"));
    let other_payload = other_payload.split('.').nth(1).unwrap();
    let cases = [
        ("TOKEN_INVALID", "nonsense".to_owned()),
        ("TOKEN_INVALID", String::new()),
        ("TOKEN_INVALID", "a.b.c".to_owned()),
        ("TOKEN_INVALID", format!("{good}.x")),
        ("TOKEN_INVALID", format!("{signed}.")),
        ("TOKEN_INVALID", format!("{header}.{other_payload}.{signature}")),
        ("TOKEN_INVALID", "x".repeat(9_000)),
        ("TOKEN_INVALID", theirs.token(&claims("mall"))),
        (
            "TOKEN_INVALID",
            ours.token_with(&json!({"alg": "none", "kid": "a"}), &claims("mall")),
        ),
        (
            "TOKEN_INVALID",
            ours.token_with(&json!({"alg": "HS256", "kid": "a"}), &claims("mall")),
        ),
        (
            "TOKEN_INVALID",
            ours.token_with(&json!({"alg": "EdDSA", "kid": "a"}), &claims("mall")),
        ),
        (
            "TOKEN_INVALID",
            ours.token_with(&json!({"alg": "ES256", "kid": "b"}), &claims("mall")),
        ),
        (
            "TOKEN_INVALID",
            ours.token_with(
                &json!({"alg": "ES256", "kid": "a", "crit": ["exp"]}),
                &claims("mall"),
            ),
        ),
        (
            "TOKEN_INVALID",
            ours.token(&claiming("iss", json!("https://elsewhere.test"))),
        ),
        ("TOKEN_INVALID", ours.token(&claiming("aud", json!("others")))),
        ("TOKEN_INVALID", ours.token(&claiming("exp", Value::Null))),
        ("TOKEN_INVALID", ours.token(&claiming("sub", json!(7)))),
        ("TOKEN_INVALID", ours.token(&claiming("nbf", json!(NOW + 31)))),
        ("TOKEN_EXPIRED", ours.token(&claiming("exp", json!(NOW - 30)))),
    ];
    for (reason, token) in cases {
        let status = house.call(&token).await.unwrap_err();
        assert_eq!(
            code_and_reason(&status),
            (Code::Unauthenticated, reason.to_owned()),
            "{token}: {status:?}"
        );
    }
    // Within the leeway of 30 s.
    house
        .call(&ours.token(&claiming("exp", json!(NOW - 29))))
        .await
        .unwrap();
    house
        .call(&ours.token(&claiming("nbf", json!(NOW + 30))))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_without_a_token_is_told_how_to_send_one() {
    let house = House::over(Keys::file(&jwks(&[&key("a")])), |_| {}).await;
    for header in [None, Some("Basic dTpw"), Some("Bearer"), Some("bear")] {
        let status = house.call_with(header).await.unwrap_err();
        let missing = (Code::Unauthenticated, "TOKEN_MISSING".to_owned());
        assert_eq!(code_and_reason(&status), missing, "{header:?}");
        assert!(status.message().contains("uthorization"), "{status:?}");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_failed_call_and_an_old_key_is_refused_although_its_token_was_known() {
    let (old, new) = (key("old"), key("new"));
    let keys = Keys::url(&jwks(&[&old])).await;
    let house = House::over(keys, |auth| auth.reload_floor = Duration::ZERO).await;
    let (by_old, by_new) = (old.token(&claims("mall")), new.token(&claims("mall")));
    house.call(&by_old).await.unwrap();

    house.keys.publish(&jwks(&[&old, &new]));
    house.call(&by_new).await.unwrap();
    house.call(&by_old).await.unwrap();

    house.keys.publish(&jwks(&[&new]));
    // A name that nobody knows has the keys read.
    house
        .call(&key("unknown").token(&claims("mall")))
        .await
        .unwrap_err();
    let status = house.call(&by_old).await.unwrap_err();
    assert_eq!(code_and_reason(&status).1, "TOKEN_INVALID");
    house.call(&by_new).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_have_the_keys_read_no_more_often_than_the_floor_allows() {
    let known = key("known");
    let keys = Keys::url(&jwks(&[&known])).await;
    let house = House::over(keys, |auth| auth.reload_floor = Duration::from_secs(3600)).await;
    for name in 0..50 {
        let token = key(&name.to_string()).token(&claims("mall"));
        house.call(&token).await.unwrap_err();
    }
    assert_eq!(house.keys.reads(), 1, "the first one alone");
    house.call(&known.token(&claims("mall"))).await.unwrap();
}

#[tokio::test]
async fn keys_are_read_at_the_interval_and_those_that_are_known_stay_when_there_is_nothing_to_read() {
    let (old, new) = (key("old"), key("new"));
    let keys = Keys::url(&jwks(&[&old])).await;
    let house = House::over(keys, |auth| {
        auth.reload_interval = Duration::from_millis(20);
        auth.reload_floor = Duration::from_secs(3600);
    })
    .await;
    house.keys.publish("{");
    let by_old = old.token(&claims("mall"));
    let before = house.keys.reads();
    let read = async || house.keys.reads() > before + 3;
    wait_until(LONG, "more readings of nothing", read).await.unwrap();
    house.call(&by_old).await.unwrap();
    house.keys.publish(&jwks(&[&new]));
    let by_new = new.token(&claims("mall"));
    wait_until(LONG, "the new key", async || house.call(&by_new).await.is_ok())
        .await
        .unwrap();
    house.call(&by_old).await.unwrap_err();
}

#[tokio::test]
async fn a_token_that_is_known_is_refused_once_it_has_expired() {
    let key = key("a");
    let house = House::over(Keys::file(&jwks(&[&key])), |_| {}).await;
    // One second is left of it with its leeway.
    let token = key.token(&claiming("exp", json!(NOW - 29)));
    house.call(&token).await.unwrap();
    house.pass(60);
    house
        .call(&token)
        .await
        .expect("what is known is not looked at by the time of day");
    wait_until(LONG, "its end", async || house.call(&token).await.is_err())
        .await
        .unwrap();
    let status = house.call(&token).await.unwrap_err();
    assert_eq!(code_and_reason(&status).1, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn more_tokens_than_are_remembered_are_taken_all_the_same() {
    let key = key("a");
    let house = House::over(Keys::file(&jwks(&[&key])), |auth| auth.max_tokens = 2).await;
    let tokens: Vec<_> = (0..20).map(|no| key.token(&claims(&no.to_string()))).collect();
    for token in tokens.iter().chain(&tokens) {
        house.call(token).await.unwrap();
    }
}

#[tokio::test]
async fn a_quota_is_one_callers_whatever_its_tokens_and_leaves_the_others_alone() {
    let key = key("a");
    let house = House::with_quota(Keys::file(&jwks(&[&key])), |quota| {
        quota.rate = 1;
        quota.burst = 3;
        quota.callers.insert("vip".to_owned(), 0);
    })
    .await;
    let (first, second) = (
        key.token(&claims("mall")),
        key.token(&claiming("jti", json!("another"))),
    );
    for token in [&first, &second, &first] {
        house.call(token).await.unwrap();
    }
    let status = house.call(&second).await.unwrap_err();
    assert_eq!(
        code_and_reason(&status),
        (Code::ResourceExhausted, "QUOTA_EXCEEDED".to_owned())
    );
    let details = status.get_error_details();
    let delay = details.retry_info().and_then(|info| info.retry_delay).unwrap();
    assert!(
        delay > Duration::ZERO && delay <= Duration::from_secs(1),
        "{delay:?}"
    );
    let violation = &details.quota_failure().unwrap().violations[0];
    assert_eq!(
        (violation.subject.as_str(), violation.description.as_str()),
        ("caller:mall", "1 calls per second")
    );
    house.call(&key.token(&claims("other"))).await.unwrap();
    for _ in 0..20 {
        house.call(&key.token(&claims("vip"))).await.unwrap();
    }
}

#[test]
fn only_keys_that_can_verify_are_taken_and_a_broken_one_is_named() {
    let good = key("good").jwk();
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        json!({ "keys": [changed] }).to_string()
    };
    let cases = [
        ("[]".to_owned(), "no JSON Web Key Set"),
        (json!({ "keys": [] }).to_string(), "no key for ES256"),
        (
            json!({ "keys": [{ "kty": "oct", "k": "AAAA", "alg": "HS256" }] }).to_string(),
            "no key for ES256",
        ),
        (with("crv", json!("P-384")), "no key for ES256"),
        (with("use", json!("enc")), "no key for ES256"),
        (with("alg", json!("RS256")), "\"good\""),
        (with("x", json!("AAAA")), "x is not 32 bytes"),
        (json!({ "keys": [good, good] }).to_string(), "stands twice"),
    ];
    for (text, problem) in cases {
        let keys = Keys::file(&text);
        let error = checked(&keys.place()).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
    let mixed = json!({ "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }, good] }).to_string();
    checked(&Keys::file(&mixed).place()).unwrap();
}

#[test]
fn keys_come_from_files_from_https_and_from_http_on_loopback_alone() {
    for place in [
        "https://keys.test/jwks",
        "http://127.0.0.1:1/jwks",
        "http://[::1]:1/",
        "http://localhost/",
    ] {
        checked(place).unwrap();
    }
    for place in [
        "http://keys.test/jwks",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "https://",
    ] {
        let error = checked(place).unwrap_err();
        assert!(error.contains("on loopback"), "{place}: {error}");
    }
    let error = checked("/nowhere/jwks.json").unwrap_err();
    assert!(
        error.contains("server.auth.jwks") && error.contains("/nowhere/jwks.json"),
        "{error}"
    );
}
