use tandem_domain::edge::Signal;
use tandem_domain::event::EventKind::{Cart, Purchase, View};
use tandem_domain::id::ProductId;
use tandem_domain::pair::{PairReport, PairVerdict};
use tandem_domain::relation::Relation::Together;
use tandem_graph::{EpochRecord, Facts, Params, build, explain_pair};

use crate::market::{catalogue, facts, repeated};

fn told(facts: &Facts, epoch: &EpochRecord, anchor: &str, companion: &str) -> Option<PairReport> {
    let id = |text| ProductId::new(text).unwrap();
    explain_pair(facts, epoch, &id(anchor), &id(companion))
}

#[test]
fn a_pair_counted_anew_says_what_the_build_says() {
    let mut all = repeated(Purchase, "both", 4, &["tea", "mug"]);
    all.extend(repeated(Purchase, "tea", 3, &["tea"]));
    all.extend(repeated(Purchase, "other", 5, &["pen", "ink"]));
    all.extend(repeated(View, "seen", 6, &["tea", "pot", "mug"]));
    all.extend(repeated(Cart, "cart", 2, &["pot", "mug"]));
    let facts = facts(catalogue(), &all);
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    let (mut edges, mut counted) = (0, 0);
    for anchor in build(&facts, &epoch, &|_| {}).anchors {
        for list in &anchor.lists {
            for (place, edge) in list.edges.iter().enumerate() {
                let report = explain_pair(&facts, &epoch, &anchor.anchor, &edge.companion).unwrap();
                let at = report
                    .places
                    .iter()
                    .find(|at| at.relation == list.relation)
                    .unwrap();
                assert_eq!((at.rank as usize, at.score), (place + 1, edge.score));
                assert_eq!(at.length as usize, list.edges.len());
                edges += 1;
                let mut counts = report.counts.iter().map(|counts| counts.evidence);
                if edge.evidence.signal != Signal::Attributes {
                    let found = counts.find(|evidence| evidence.signal == edge.evidence.signal);
                    assert_eq!(found, Some(edge.evidence));
                    counted += 1;
                }
            }
        }
    }
    assert!(counted >= 4 && edges >= counted, "{counted} of {edges}");
}

#[test]
fn a_pair_in_no_list_is_told_with_the_reason_in_its_counters() {
    // Both in most baskets, together as often as chance has it.
    let mut all = repeated(Purchase, "a", 40, &["milk"]);
    all.extend(repeated(Purchase, "b", 40, &["bread"]));
    all.extend(repeated(Purchase, "ab", 2, &["milk", "bread"]));
    all.extend(repeated(Purchase, "c", 1, &["milk", "salt"]));
    let facts = facts(vec![], &all);
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    let report = told(&facts, &epoch, "milk", "bread").unwrap();
    let orders = report.counts[0];
    let counts = (
        orders.evidence.support,
        orders.evidence.anchor_count,
        orders.evidence.companion_count,
    );
    assert_eq!((counts, orders.evidence.total), ((2, 43, 42), 83));
    assert_eq!(orders.verdict, PairVerdict::Chance);
    let together = report.places.iter().find(|at| at.relation == Together).unwrap();
    assert_eq!((together.rank, together.score), (0, 0.0));
    let apart = told(&facts, &epoch, "salt", "bread").unwrap().counts[0];
    assert_eq!((apart.evidence.support, apart.verdict), (0, PairVerdict::Rare));
    assert_eq!(told(&facts, &epoch, "milk", "nobody"), None);
}
