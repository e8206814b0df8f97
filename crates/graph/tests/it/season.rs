use tandem_domain::clock::DAY_MS;
use tandem_domain::event::EventKind::{Purchase, View};
use tandem_domain::relation::Relation;
use tandem_graph::params::{Calendar, Window};
use tandem_graph::{EpochRecord, Facts, Params, build};

use crate::market::{Happening, TODAY, companions, edge, facts, product, repeated};

/// 2023-12-10.
const ADVENT: i64 = 19_701;

/// All year a lamp is bought with a mat, and in advent with a wreath; looked at as often, too.
fn year(today: i64) -> Vec<Happening> {
    let mut all = Vec::new();
    let mut on = |day: i64, products: &[&str]| {
        for kind in [Purchase, View] {
            let mut these = repeated(kind, &format!("{day}-{products:?}"), 1, products);
            these
                .iter_mut()
                .for_each(|one| one.time_ms += (day - TODAY) * DAY_MS);
            all.extend(these);
        }
    };
    for fortnight in 0..24 {
        on(ADVENT - 350 + fortnight * 14, &["lamp", "mat"]);
    }
    // In June more often.
    (0..15).for_each(|step| on(ADVENT - 190 + step * 2, &["lamp", "mat"]));
    for day in 0..12 {
        (0..3).for_each(|step| {
            on(
                ADVENT - 365 + day,
                &["lamp", "wreath", ["star", "bell", "pin"][step]],
            )
        });
    }
    on(today, &["lamp", "mat"]);
    all.retain(|one| one.time_ms <= (today + 1) * DAY_MS);
    all
}

fn catalogue(all: &[Happening]) -> Facts {
    let products = ["lamp", "mat", "wreath", "star", "bell", "pin"].map(product);
    facts(products.to_vec(), all)
}

fn order(today: i64, params: &Params, relation: Relation) -> (Option<String>, Vec<String>, Vec<f32>) {
    let facts = catalogue(&year(today));
    let epoch = EpochRecord::freeze(&facts, params);
    let build = build(&facts, &epoch, &|_| ());
    let list = companions(&build, "lamp", relation);
    let score = |id: &&str| edge(&build, "lamp", relation, id).unwrap().score;
    let scores = list.iter().map(score).collect();
    let list = list.iter().map(|id| (*id).to_owned()).collect();
    (epoch.season().map(str::to_owned), list, scores)
}

#[test]
fn what_sells_in_a_window_comes_forward_while_it_is_open() {
    let mut params = Params::default();
    params.together.trend = 0.0;
    params.season.gamma = 0.5;
    let (season, advent, _) = order(ADVENT, &params, Relation::Together);
    assert_eq!(
        (season.as_deref(), advent[0].as_str()),
        (Some("christmas"), "wreath")
    );
    let (season, autumn, _) = order(ADVENT - 60, &params, Relation::Together);
    assert_eq!((season, autumn[0].as_str()), (None, "mat"));
}

#[test]
fn a_window_learns_from_its_earlier_years_and_not_from_its_own_first_days() {
    let mut params = Params::default();
    params.together.trend = 0.0;
    params.season.gamma = 0.5;
    // In June, when it is open, a mat sells more often than before; no earlier summer is known.
    let summer = ADVENT - 150;
    let (season, _, scores) = order(summer, &params, Relation::Together);
    params.season.gamma = 0.0;
    assert_eq!(
        (season, &scores),
        (None, &order(summer, &params, Relation::Together).2)
    );

    // Whatever sells in this advent, it is last year's that says what advent sells.
    let mut all = year(ADVENT);
    params.season.gamma = 0.5;
    let learned = EpochRecord::freeze(&catalogue(&all), &params);
    for day in 0..20 {
        let mut hype = repeated(Purchase, &format!("hype{day}"), 3, &["lamp", "pin"]);
        hype.iter_mut()
            .for_each(|one| one.time_ms += (ADVENT - day - TODAY) * DAY_MS);
        all.extend(hype);
    }
    let facts = catalogue(&all);
    let epoch = EpochRecord::freeze(&facts, &params);
    assert_eq!(epoch.season(), Some("christmas"));
    let of = |record: &EpochRecord| serde_json::to_value(record).unwrap()["season"].clone();
    assert_eq!(of(&epoch), of(&learned));
}

#[test]
fn without_gamma_or_window_the_year_plays_no_part() {
    let mut off = Params::default();
    off.season.gamma = 0.0;
    let mut never = Params::default();
    never.season.windows.clear();
    let mut empty = Params::default();
    // Nothing was ever sold in it.
    empty.season.windows = vec![Window {
        name: "the day after".into(),
        calendar: Calendar::Solar,
        from: (12, 30),
        until: (12, 31),
    }];
    let plain = order(ADVENT, &off, Relation::Together);
    assert_eq!(plain.0, None);
    assert_eq!(order(ADVENT, &never, Relation::Together), plain);
    assert_eq!(order(ADVENT, &empty, Relation::Together), plain);
}

#[test]
fn a_lift_is_bounded_by_gamma() {
    let mut params = Params::default();
    let plain = {
        params.season.gamma = 0.0;
        order(ADVENT, &params, Relation::AlsoViewed)
    };
    params.season.gamma = 0.5;
    let lifted = order(ADVENT, &params, Relation::AlsoViewed);
    for (id, score) in lifted.1.iter().zip(&lifted.2) {
        let at = plain.1.iter().position(|other| other == id).unwrap();
        let ratio = score / plain.2[at];
        assert!((0.749..=1.501).contains(&ratio), "{id}: {ratio}");
    }
}

#[test]
fn days_that_no_calendar_has_are_refused_by_name() {
    let mut params = Params::default();
    params.season.windows[0].until = (13, 1);
    let error = params.check().unwrap_err().to_string();
    assert!(error.contains("season.windows"), "{error}");
}
