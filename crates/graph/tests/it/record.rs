//! Records from elsewhere: what no build could have written is refused by name, and nothing that is accepted panics.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tandem_domain::event::EventKind;
use tandem_graph::{Answer, EpochRecord, Facts, FeedbackBuilder, build};

use crate::increments::selling;
use crate::market::{TODAY, catalogue, facts, happening, histories};
use crate::tuning::lending;

fn record(facts: &Facts) -> EpochRecord {
    let mut answers = FeedbackBuilder::new(facts);
    for (anchor, companion) in facts.ids().iter().zip(facts.ids().iter().skip(1)) {
        for kind in [EventKind::Impression, EventKind::Click] {
            answers.push(&Answer {
                anchor,
                companion,
                surface: "page",
                position: 2,
                shopper: "ann",
                day: i32::try_from(TODAY).unwrap(),
                kind,
            });
        }
    }
    let feedback = answers.finish(&lending().feedback);
    EpochRecord::freeze(facts, &lending())
        .with_feedback(&feedback)
        .with_selling(facts, &selling())
}

/// Every place in a document, the document itself left out.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    let mut one = |name: &str, below: &Value| {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        places(below, &path, found);
        found.push(path);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, below)| one(name, below)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(at, below)| one(&at.to_string(), below)),
        _ => {}
    }
}

/// What may stand where something else should.
fn nonsense() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(-1)),
        Just(json!(u32::MAX)),
        Just(json!(u64::MAX)),
        Just(json!(i64::MIN)),
        Just(json!(1e300)),
        Just(json!(-0.0)),
        Just(json!("")),
        Just(json!("AAAAAAA")),
        Just(json!("/////w8BAQ")),
        Just(json!([])),
        Just(json!({})),
        (0..20_000_u32).prop_map(|number| json!(number)),
    ]
}

#[derive(Debug, Clone)]
enum Damage {
    Replace(Value),
    Remove,
    Repeat,
    Reverse,
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => nonsense().prop_map(Damage::Replace),
        1 => Just(Damage::Remove),
        1 => Just(Damage::Repeat),
        1 => Just(Damage::Reverse),
    ]
}

fn damage(record: &mut Value, at: &Index, damage: &Damage) {
    let mut all = Vec::new();
    places(record, "", &mut all);
    let path = &all[at.index(all.len())];
    let found = record.pointer_mut(path).unwrap();
    match damage {
        Damage::Replace(value) => *found = value.clone(),
        Damage::Remove => {
            let (above, name) = path.rsplit_once('/').unwrap();
            match record.pointer_mut(above).unwrap() {
                Value::Object(members) => drop(members.remove(name)),
                Value::Array(values) => drop(values.remove(name.parse().unwrap())),
                _ => unreachable!("only these hold places"),
            }
        }
        Damage::Repeat => {
            if let Value::Array(values) = found {
                values.extend(values.clone());
            }
        }
        Damage::Reverse => {
            if let Value::Array(values) = found {
                values.reverse();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_record_that_a_build_writes_is_one(all in histories(200)) {
        prop_assert_eq!(record(&facts(catalogue(), &all)).check(), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_damaged_record_is_refused_or_does_no_harm(
        damaged in proptest::collection::vec((any::<Index>(), damages()), 1..4),
    ) {
        let (facts, mut record) = sample();
        for (at, one) in &damaged {
            damage(&mut record, at, one);
        }
        let Ok(record) = serde_json::from_value::<EpochRecord>(record) else {
            return Ok(());
        };
        match record.check() {
            Ok(()) => drop(build(facts, &record, &|_| ())),
            Err(refused) => prop_assert!(!refused.field.is_empty() && !refused.why.is_empty()),
        }
    }
}

/// Facts with something of every kind, and their record as a document.
fn sample() -> (&'static Facts, Value) {
    use EventKind::{Cart, Purchase, View};
    static SAMPLE: std::sync::LazyLock<(Facts, Value)> = std::sync::LazyLock::new(|| {
        let mut all = Vec::new();
        for group in 0..40 {
            for step in 0..4 {
                let product = format!("p{:02}", (group * 5 + step * step) % 12);
                let kind = [Purchase, View, Cart][group / 2 % 3];
                let mut one = happening(kind, &format!("g{group}"), &product);
                one.user = Some(format!("u{}", group % 7));
                one.scene = (group % 5 == 0).then(|| "live".to_owned());
                one.time_ms = (TODAY - i64::try_from(group).unwrap()) * 86_400_000;
                one.generated = group == 3;
                all.push(one);
            }
        }
        let facts = facts(catalogue(), &all);
        let record = serde_json::to_value(record(&facts)).unwrap();
        (facts, record)
    });
    (&SAMPLE.0, SAMPLE.1.clone())
}

#[test]
fn the_field_that_is_wrong_is_named() {
    let cases = [
        ("/purchases/counts/1", json!(4_000_000), "purchases.counts"),
        ("/views/total", json!(0), "views.counts"),
        ("/views/generated", json!([5, 4]), "views.generated"),
        ("/recent", json!([]), "recent"),
        ("/recent/0", json!(u64::MAX), "recent"),
        ("/prices/0", json!(-5), "prices"),
        ("/products/0", json!("zzz"), "products"),
        ("/windows/view_cap", json!(1 << 20), "windows.view_cap"),
        ("/windows/purchase_days", json!(u32::MAX), "windows.purchase_days"),
        ("/params/together/beta", json!(-1.0), "params.together.beta"),
        (
            "/params/gates/strong_support",
            json!(u32::MAX),
            "params.gates.strong_support",
        ),
        (
            "/params/recipes/0/relation",
            json!("together"),
            "params.recipes.relation",
        ),
        ("/day_zero", json!(i64::MAX), "day_zero"),
        ("/span_days", json!(u32::MAX), "span_days"),
        (
            "/categories/0/baskets",
            json!(u32::MAX),
            "categories.cable.baskets",
        ),
        ("/categories/0/sold", json!(3), "categories.cable.sold"),
        (
            "/categories/2/related/0/learned",
            json!(false),
            "categories.phone.related",
        ),
        ("/catalogue/fingerprints", json!([1]), "catalogue.fingerprints"),
        ("/catalogue/leaves/0", json!(3), "catalogue.leaves"),
        ("/catalogue/brands/2", json!(u32::MAX), "catalogue.brands"),
        ("/catalogue/series", json!([]), "catalogue.series"),
        ("/catalogue/delisted", json!([12]), "catalogue.delisted"),
        ("/windows/cart_days", json!(u32::MAX), "windows.cart_days"),
        ("/windows/scene_days", json!(u32::MAX), "windows.scene_days"),
        ("/two_hop", json!("AAAA"), "two_hop"),
        ("/ridge/unit", json!(f64::NAN.to_bits()), "ridge.unit"),
        ("/pace/leaders", json!([3, 99]), "pace.leaders"),
    ];
    for (path, value, field) in cases {
        let (_, mut record) = sample();
        *record.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
        let record: EpochRecord = serde_json::from_value(record).unwrap();
        let refused = record.check().expect_err(path);
        assert_eq!(refused.field, field, "{path}: {refused}");
    }
}
