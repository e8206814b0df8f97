//! What holds of the answer in any world.

use std::collections::HashSet;

use proptest::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;
use tandem_domain::link::{LinkEffect, LinkInput};
use tandem_domain::overlay::{DropReason, Item, Marks, Window};
use tandem_domain::stock::{Availability, SellableCount};

use crate::samples::{ALL, link, links, surface};
use crate::world::{any_product, any_world};

fn products(items: &[Item]) -> Vec<ProductId> {
    items.iter().map(|item| item.offer.product.clone()).collect()
}

proptest! {
    #[test]
    fn the_answer_is_the_naive_one(world in any_world()) {
        prop_assert_eq!(products(&world.answer(ALL).items), world.naive());
    }

    #[test]
    fn pages_join_into_the_whole_and_only_the_last_has_no_next(world in any_world(), size in 1..5_usize) {
        let whole = products(&world.answer(ALL).items);
        let mut joined = Vec::new();
        loop {
            let page = world.answer(Window { offset: joined.len(), size });
            prop_assert!(page.items.len() <= size);
            joined.extend(products(&page.items));
            prop_assert_eq!(page.more, joined.len() < whole.len());
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn stock_laid_over_a_line_gives_the_same_page(world in any_world(), offset in 0..6_usize, size in 0..6_usize) {
        let window = Window { offset, size };
        let answer = world.answer(window);
        prop_assert_eq!(world.laid(window), (answer.items, answer.more));
    }

    #[test]
    fn links_hold_the_same_for_a_whole_span(
        edges in prop::collection::vec((prop::option::of(0..9_i64), prop::option::of(0..9_i64)), 0..4),
        now in 0..9_i64,
        other in 0..9_i64,
    ) {
        let inputs = edges.iter().enumerate().map(|(no, (from, until))| LinkInput {
            valid_from: from.map(Timestamp::from_ms),
            valid_until: until.map(Timestamp::from_ms),
            ..link(&format!("p{no}"), LinkEffect::Exclude)
        });
        let links = links(inputs.collect());
        let [now, other] = [now, other].map(Timestamp::from_ms);
        let of = |moment| Marks::of(&links, &surface().id, moment);
        let span = Marks::span(&links, &surface().id, now);
        prop_assert!(span.holds(now));
        prop_assert!(!span.holds(other) || of(now) == of(other));
    }

    #[test]
    fn nothing_unbuyable_unwanted_or_doubled_is_shown_and_nothing_vanishes(world in any_world(), size in 0..9_usize) {
        let answer = world.answer(Window { offset: 0, size });
        let mut seen = HashSet::new();
        for item in &answer.items {
            prop_assert!(seen.insert(item.offer.product.clone()));
            prop_assert!(world.shown(&item.offer.product, item.offer.relation));
        }
        let chain = &world.surface.fallback;
        let proposed = world.offers.iter().filter(|offer| chain.contains(&offer.source));
        for offer in proposed {
            let kept = seen.contains(&offer.product);
            let dropped = answer.dropped.iter().any(|dropped| dropped.product == offer.product);
            prop_assert!(kept || dropped, "{:?} has no verdict", offer.product);
        }
        if answer.items.len() < size {
            prop_assert!(answer.dropped.iter().all(|dropped| dropped.reason != DropReason::BelowLimit));
        }
    }

    #[test]
    fn a_flip_and_its_restore_leave_no_trace(world in any_world(), victim in any_product()) {
        let before = world.answer(ALL);
        let mut flipped = world.clone();
        flipped.states.insert(victim.clone(), Availability::of(SellableCount::NONE));
        prop_assert!(!products(&flipped.answer(ALL).items).contains(&victim));
        match world.states.get(&victim) {
            Some(state) => flipped.states.insert(victim, *state),
            None => flipped.states.remove(&victim),
        };
        prop_assert_eq!(flipped.answer(ALL), before);
    }
}
