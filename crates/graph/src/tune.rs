//! Fits the two scores to a catalogue, on a part of its own history, once per epoch.

mod ballot;
mod basket;
mod border;
mod finding;
mod guard;
mod query;
mod regress;
mod seed;
mod session;
mod shortlist;
mod split;

pub use finding::{Attempt, Finding, Tuning};
pub use split::Split;

use basket::Court;
use query::queries;
use seed::Sales;
use session::{Hall, questions};
use split::Parts;

use crate::epoch::{RECENT_ONE, SeasonRecord, recent};
use crate::facts::{Baskets, Facts, dense};
use crate::ground::Ground;
use crate::params::{Params, Season, Together, Viewed};
use crate::signals::Input;

/// Fewer questions than this teach nothing: a rate of a tenth has a standard error of a sixth of itself.
const FEWEST: usize = 300;

/// Fits the scores of `facts`, starting from `params`: what is not fitted, or cannot be, stays as it is there.
pub(crate) fn tune(facts: &Facts, params: &Params) -> (Params, Tuning) {
    let mut tuning = Tuning::default();
    let (mut params, start) = (params.clone(), params);
    if facts.wanted.counts(Input::CoPurchase) {
        (params.together, params.season.gamma) = together(facts, start, &mut tuning);
    }
    if facts.wanted.counts(Input::CoView) {
        params.viewed = viewed(facts, start, &mut tuning);
    }
    (params, tuning)
}

/// Both scores, and γ of the season.
fn together(facts: &Facts, params: &Params, tuning: &mut Tuning) -> (Together, f64) {
    let start = Together {
        ridge: None,
        ..params.together.clone()
    };
    let parts = split::split(&facts.purchases);
    let ground = Ground::new(&parts.train, &facts.products.listed, &params.gates);
    let queries = queries(&facts.purchases, &parts, &ground.counts);
    if queries.len() < FEWEST {
        thin(
            tuning,
            &[Attempt::BasketScore, Attempt::Ridge, Attempt::Score],
            parts.by,
            queries.len(),
            "orders",
        );
        return (params.together.clone(), params.season.gamma);
    }
    let court = Court {
        ground: &ground,
        queries: &queries,
        split: parts.by,
        cap: facts.windows.purchase_cap,
    };
    let mut closed = basket::fit(&court, &start);
    let (ridge, regressed) = regress::fit(&court, &mut closed);
    let sales = Sales {
        ratios: ratios(facts, &parts.train, &ground.counts, start.trend_half_life_days),
        lifts: lifts(&parts, ground.products(), &params.season),
    };
    let (together, gamma, single) = seed::fit(&court, &closed.together, params.season.gamma, &sales);
    tuning.findings.extend([closed.finding, regressed, single]);
    (regress::with(together, ridge), gamma)
}

fn viewed(facts: &Facts, params: &Params, tuning: &mut Tuning) -> Viewed {
    let parts = split::split(&facts.views);
    let ground = Ground::new(&parts.train, &facts.products.listed, &params.gates);
    let questions = questions(&facts.views, &parts, &ground.counts);
    if questions.len() < FEWEST {
        thin(
            tuning,
            &[Attempt::AlsoViewed, Attempt::TwoHop],
            parts.by,
            questions.len(),
            "views in sessions",
        );
        return params.viewed.clone();
    }
    let hall = Hall {
        ground: &ground,
        sessions: &parts.train,
        questions: &questions,
        split: parts.by,
        cap: facts.windows.view_cap,
        least: params.gates.least_support,
    };
    let (viewed, findings) = session::fit(&hall, &params.viewed);
    tuning.findings.extend(findings);
    viewed
}

/// Everything stays, and why.
fn thin(tuning: &mut Tuning, attempts: &[Attempt], split: Split, found: usize, what: &str) {
    let finding = |&attempt: &Attempt| Finding {
        attempt,
        split,
        queries: dense(found),
        before: 0,
        after: 0,
        error: 0,
        verdict: format!("as given: {found} {what} can judge, {FEWEST} are needed"),
    };
    tuning.findings.extend(attempts.iter().map(finding));
}

/// Orders in the window that is open at the end of the training part against what is usual; empty where none is, or
/// where the validation part is no stretch of time that could lie in it.
fn lifts(parts: &Parts, products: usize, season: &Season) -> Vec<f64> {
    let last = match parts.by {
        Split::Time => dense(parts.train.len()).checked_sub(1),
        Split::Hash => None,
    };
    let record = last.and_then(|last| {
        let today = parts.train.day(last);
        SeasonRecord::freeze(&parts.train, products, today, season)
    });
    record.map_or_else(Vec::new, |record| record.lifts(season.shrink))
}

/// Orders of late against what is usual, at the end of the training part.
fn ratios(facts: &Facts, train: &Baskets, counts: &[u32], half_life: u32) -> Vec<f64> {
    let Some(last) = dense(train.len()).checked_sub(1) else {
        return vec![1.0; counts.len()];
    };
    let recent: Vec<f64> = recent(facts, train, train.day(last), half_life)
        .into_iter()
        .map(|recent| recent as f64 / RECENT_ONE as f64)
        .collect();
    let sold: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let usual = recent.iter().sum::<f64>() / sold.max(1) as f64;
    let ratio = |(&recent, &count): (&f64, &u32)| (recent + 5.0) / (f64::from(count) * usual + 5.0);
    recent.iter().zip(counts).map(ratio).collect()
}
