use std::collections::BTreeSet;

use proptest::prelude::*;
use tandem_domain::edge::AnchorEdges;
use tandem_graph::{EpochRecord, Facts, FactsBuilder, build, shard};

use crate::market::{Happening, TODAY, catalogue, facts, happening, histories};
use crate::rules::rulings;
use crate::tuning::lending;

fn bytes(anchors: &[AnchorEdges]) -> Vec<u8> {
    serde_json::to_vec(anchors).unwrap()
}

fn build_on(threads: usize, facts: &Facts, epoch: &EpochRecord) -> Vec<u8> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| bytes(&build(facts, epoch, &|_| ()).anchors))
}

fn build_in_shards(shards: u32, facts: &Facts, epoch: &EpochRecord) -> Vec<u8> {
    let parts: Vec<AnchorEdges> = (0..shards)
        .flat_map(|number| shard(facts, epoch, number, shards))
        .collect();
    bytes(&parts)
}

/// Rows that a change must not touch: of products that its baskets and visitors never held.
fn untouched(anchors: &[AnchorEdges], changed: &BTreeSet<&str>) -> Vec<u8> {
    let rows: Vec<&AnchorEdges> = anchors
        .iter()
        .filter(|anchor| !changed.contains(anchor.anchor.as_str()))
        .collect();
    serde_json::to_vec(&rows).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_bytes_do_not_depend_on_threads_shards_or_the_order_of_rows(
        (all, shuffled) in histories(250).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let first = facts(catalogue(), &all);
        let second = facts(catalogue().into_iter().rev().collect(), &shuffled);
        let epoch = EpochRecord::freeze(&first, &lending());
        prop_assert_eq!(&epoch, &EpochRecord::freeze(&second, &lending()));
        let expected = build_on(1, &first, &epoch);
        for threads in [2, 4] {
            prop_assert_eq!(&build_on(threads, &first, &epoch), &expected);
        }
        prop_assert_eq!(&build_on(2, &second, &epoch), &expected);
        for shards in [1, 4, 7] {
            prop_assert_eq!(&build_in_shards(shards, &second, &epoch), &expected);
        }
    }

    #[test]
    fn an_epoch_record_comes_back_from_its_text_unchanged(
        all in histories(120),
        rules in rulings(&["phone", "case", "cable"], &["shop", "other"]),
    ) {
        let facts = facts(catalogue(), &all);
        let epoch = EpochRecord::freeze(&facts, &lending().with_rules(rules));
        let back: EpochRecord = serde_json::from_slice(&serde_json::to_vec(&epoch).unwrap()).unwrap();
        prop_assert_eq!(&back, &epoch);
        prop_assert_eq!(build_on(1, &facts, &back), build_on(1, &facts, &epoch));
    }

    #[test]
    fn under_one_epoch_new_baskets_change_only_the_rows_of_what_they_hold(
        old in histories(200),
        new in proptest::collection::vec((0..14_u8, 0..3_u8, any::<bool>()), 1..12),
    ) {
        let before = facts(catalogue(), &old);
        let epoch = EpochRecord::freeze(&before, &lending());
        let later: Vec<Happening> = new.iter().map(|&(product, group, is_view)| {
            use tandem_domain::event::EventKind::{Purchase, View};
            let kind = if is_view { View } else { Purchase };
            let mut one = happening(kind, &format!("new{group}"), &format!("p{product:02}"));
            one.time_ms = (TODAY + 1) * 86_400_000;
            one.price = Some(700);
            one
        }).collect();
        let mut builder = FactsBuilder::new(catalogue()).under(&epoch);
        old.iter().chain(&later).for_each(|one| builder.push(one.row()));
        let after = builder.finish();
        let changed: BTreeSet<&str> = later.iter().map(|one| one.product.as_str()).collect();
        prop_assert_eq!(
            untouched(&build(&before, &epoch, &|_| ()).anchors, &changed),
            untouched(&build(&after, &epoch, &|_| ()).anchors, &changed)
        );
    }
}
