//! Tokens: what one says comes back, and nothing else is believed.

use proptest::prelude::*;
use tandem_domain::attribution::{
    Answered, Attribution, InvalidKeys, KeyRing, MAX_TOKEN_CHARS, Mark, NotBelieved,
};
use tandem_domain::id::{MarketplaceId, ProductId, SurfaceId};
use tandem_domain::surface::{Experiment, Surface};

const OLD: &str = "the key of last year";
const NEW: &str = "the key of this year";

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn marketplace(name: &str) -> MarketplaceId {
    MarketplaceId::new(name).expect("a valid id")
}

fn ring(keys: &[&str]) -> KeyRing {
    KeyRing::new(keys).expect("keys that are long enough")
}

fn surface(experiment: bool) -> Surface {
    Surface {
        version: 300,
        experiment: experiment.then(|| Experiment {
            id: "sizes".to_owned(),
            arm: "b".to_owned(),
        }),
        ..Surface::with_defaults(SurfaceId::new("cart").expect("a valid id"))
    }
}

fn token(keys: &[&str], experiment: bool) -> String {
    let (surface, marketplace, anchor) = (surface(experiment), marketplace("m"), product("anchor"));
    let answer = Answered {
        marketplace: &marketplace,
        surface: &surface,
        generation: 7,
        anchor: Some(&anchor),
        offset: 20,
        explored: None,
    };
    let items = ["a", "b", "c"].map(Mark::of);
    ring(keys).sign(&answer, items.into_iter()).expect("a token")
}

#[test]
fn a_token_tells_where_a_product_stood() {
    for experiment in [false, true] {
        let claim = ring(&[NEW])
            .verify(&marketplace("m"), &token(&[NEW], experiment))
            .expect("it holds");
        let expected = Attribution {
            surface: SurfaceId::new("cart").expect("a valid id"),
            surface_version: 300,
            generation: 7,
            experiment: surface(experiment).experiment,
            anchor: Some(product("anchor")),
            position: 22,
            explored: None,
        };
        assert_eq!(claim.of(&product("b")), Some(expected));
        assert_eq!(claim.of(&product("d")), None, "it was not shown");
    }
}

#[test]
fn a_token_tells_which_place_was_dealt_and_among_how_many() {
    let (surface, marketplace) = (surface(false), marketplace("m"));
    let answer = Answered {
        marketplace: &marketplace,
        surface: &surface,
        generation: 7,
        anchor: None,
        offset: 20,
        explored: Some((2, 300)),
    };
    let items = ["a", "b", "c"].map(Mark::of);
    let token = ring(&[NEW]).sign(&answer, items.into_iter()).expect("a token");
    let claim = ring(&[NEW]).verify(&marketplace, &token).expect("it holds");
    let explored = ["a", "b", "c"].map(|name| claim.of(&product(name)).expect("shown").explored);
    assert_eq!(explored, [None, Some(300), None]);
}

#[test]
fn the_same_answer_has_the_same_token_and_a_short_one() {
    assert_eq!(token(&[NEW], false), token(&[NEW], false));
    assert!(token(&[NEW], false).len() < 80);
}

#[test]
fn keys_are_rotated_without_losing_a_token() {
    let old = token(&[OLD], false);
    let verify = |keys: &[&str], token: &str| ring(keys).verify(&marketplace("m"), token).map(drop);
    assert_eq!(verify(&[OLD, NEW], &old), Ok(()));
    assert_eq!(verify(&[NEW, OLD], &old), Ok(()));
    assert_eq!(verify(&[NEW, OLD], &token(&[NEW, OLD], false)), Ok(()));
    assert_eq!(
        verify(&[OLD], &token(&[NEW, OLD], false)),
        Err(NotBelieved::UnknownKey),
        "the first one signs"
    );
    assert_eq!(verify(&[NEW], &old), Err(NotBelieved::UnknownKey));
    assert_eq!(verify(&[], &old), Err(NotBelieved::UnknownKey));
}

#[test]
fn a_token_holds_in_its_marketplace_alone() {
    let elsewhere = ring(&[NEW]).verify(&marketplace("n"), &token(&[NEW], false));
    assert_eq!(elsewhere, Err(NotBelieved::Forged));
}

#[test]
fn without_key_or_items_there_is_no_token() {
    let (surface, marketplace) = (surface(false), marketplace("m"));
    let answer = Answered {
        marketplace: &marketplace,
        surface: &surface,
        generation: 0,
        anchor: None,
        offset: 0,
        explored: None,
    };
    let item = || [Mark::of("a")].into_iter();
    assert_eq!(KeyRing::default().sign(&answer, item()), None);
    assert_eq!(ring(&[NEW]).sign(&answer, std::iter::empty()), None);
    let of_a_basket = ring(&[NEW]).sign(&answer, item()).expect("a token");
    let claim = ring(&[NEW]).verify(&marketplace, &of_a_basket).expect("it holds");
    assert_eq!(claim.of(&product("a")).and_then(|found| found.anchor), None);
}

#[test]
fn keys_that_are_none_are_named() {
    assert_eq!(
        KeyRing::new([NEW, "short"]).unwrap_err(),
        InvalidKeys::Short { place: 2, bytes: 5 }
    );
    assert_eq!(
        KeyRing::new([NEW, OLD, NEW]).unwrap_err(),
        InvalidKeys::Twice { place: 3 }
    );
    assert_eq!(
        format!("{:?}", ring(&[NEW])),
        "KeyRing of 1",
        "no secret is shown"
    );
}

#[test]
fn the_longest_token_is_short_enough() {
    let long = "x".repeat(128);
    let surface = Surface {
        version: u64::MAX,
        experiment: Some(Experiment {
            id: long.clone(),
            arm: long.clone(),
        }),
        ..Surface::with_defaults(SurfaceId::new(&long).expect("a valid id"))
    };
    let (marketplace, anchor) = (marketplace("m"), product(&long));
    let answer = Answered {
        marketplace: &marketplace,
        surface: &surface,
        generation: u64::MAX,
        anchor: Some(&anchor),
        offset: 10_000,
        explored: Some((49, u32::MAX)),
    };
    let items = (0..50).map(|no| Mark::of(&no.to_string()));
    let token = ring(&[NEW]).sign(&answer, items).expect("a token");
    assert!(token.len() <= MAX_TOKEN_CHARS, "{}", token.len());
    assert!(ring(&[NEW]).verify(&marketplace, &token).is_ok());
}

proptest! {
    #[test]
    fn no_changed_or_cut_token_is_believed(at in 0..1_000_usize, change in 1..64_u8, keep in 0..1_000_usize) {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let whole = token(&[NEW], true);
        let ring = ring(&[NEW]);
        let mut changed = whole.clone().into_bytes();
        let at = at % changed.len();
        let letter = LETTERS.iter().position(|letter| *letter == changed[at]).expect("base64");
        changed[at] = LETTERS[(letter + usize::from(change)) % 64];
        let changed = String::from_utf8(changed).expect("letters");
        prop_assert!(ring.verify(&marketplace("m"), &changed).is_err());
        let cut = &whole[..keep % whole.len()];
        prop_assert!(ring.verify(&marketplace("m"), cut).is_err());
    }

    #[test]
    fn nonsense_is_refused_without_harm(text in "\\PC{0,300}") {
        prop_assert!(ring(&[NEW]).verify(&marketplace("m"), &text).is_err());
    }
}
