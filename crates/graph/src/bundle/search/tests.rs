use proptest::prelude::*;

use super::super::pool::{Member, Pool};
use super::*;

fn pool_of(size: usize) -> impl Strategy<Value = Pool> {
    let members = proptest::collection::vec((0.01..1.0_f64, 0..5_u32, 1..5000_u32, 0..9_u32), size);
    let pairs = proptest::collection::vec(0.0..1.0_f64, size * size);
    let orders = proptest::collection::vec((0..(1_u32 << size), 1..9_u32), 0..12);
    (
        members,
        pairs,
        orders,
        proptest::option::of((100.0..5000.0_f64, 50.0..2000.0_f64)),
    )
        .prop_map(move |(members, pairs, orders, spending)| {
            let members: Vec<Member> = members
                .into_iter()
                .enumerate()
                .map(|(at, (affinity, role, price, support))| Member {
                    item: u32::try_from(at).unwrap(),
                    affinity,
                    role,
                    price: (price % 7 > 0).then_some(f64::from(price)),
                    support,
                    generated: false,
                })
                .collect();
            let apart = |j: usize| {
                (0..size)
                    .filter(|&k| members[j].role == members[k].role)
                    .fold(0, |bits, k| bits | 1 << k)
            };
            Pool {
                apart: (0..size).map(apart).collect(),
                pairs,
                orders: orders
                    .into_iter()
                    .filter(|(held, _)| held.count_ones() > 1)
                    .collect(),
                spending,
                members,
            }
        })
}

/// All subsets, tried one by one, with F(S) written out once more.
fn brute_force(pool: &Pool, params: &Bundles) -> Vec<(u32, f64, u32)> {
    let size = pool.members.len();
    let mut sets = Vec::new();
    for set in 0..1_u32 << size {
        let chosen: Vec<usize> = (0..size).filter(|place| set & (1 << place) != 0).collect();
        let mut roles: Vec<u32> = chosen.iter().map(|&place| pool.members[place].role).collect();
        roles.sort_unstable();
        roles.dedup();
        if chosen.len() < params.fewest || chosen.len() > params.most || roles.len() < chosen.len() {
            continue;
        }
        let mut value = params.roles * roles.len() as f64;
        let (mut pairs, mut pair_sum) = (0.0, 0.0);
        for (at, &j) in chosen.iter().enumerate() {
            value += pool.members[j].affinity;
            for &k in &chosen[at + 1..] {
                pairs += 1.0;
                pair_sum += pool.pairs[j * size + k];
            }
        }
        value += params.cohesion * pair_sum / pairs;
        let prices: Vec<f64> = chosen
            .iter()
            .filter_map(|&place| pool.members[place].price)
            .collect();
        if let (Some((own, usual)), true) = (pool.spending, prices.len() == chosen.len()) {
            let sum = own + prices.iter().sum::<f64>();
            value -= params.price * (sum / (own + usual * chosen.len() as f64)).ln().abs();
        }
        let support = pool
            .orders
            .iter()
            .filter(|(held, _)| held & set == set)
            .map(|(_, times)| times)
            .sum();
        sets.push((set, value, support));
    }
    sets
}

proptest! {
    #[test]
    fn the_exact_search_finds_what_trying_everything_finds(pool in (2..=9_usize).prop_flat_map(pool_of)) {
        let params = Bundles::default();
        let found = exact(&pool, &params);
        let mut expected = brute_force(&pool, &params);
        prop_assert_eq!(found.len(), expected.len());
        expected.sort_by(|a, b| (b.2 > 0).cmp(&(a.2 > 0)).then(b.1.total_cmp(&a.1)));
        for (ranked, (_, value, support)) in found.iter().zip(&expected) {
            prop_assert!((ranked.value - value).abs() < 1e-9);
            prop_assert_eq!(ranked.support > 0, *support > 0);
        }
        let find = |set: u32| expected.iter().find(|one| one.0 == set).unwrap();
        for ranked in &found {
            prop_assert_eq!(ranked.support, find(ranked.members).2);
            prop_assert!((ranked.value - find(ranked.members).1).abs() < 1e-9);
        }
    }

    #[test]
    fn a_beam_finds_only_feasible_sets_and_misses_no_real_one_entirely(pool in pool_of(14)) {
        let params = Bundles::default();
        let (narrow, all) = (beam(&pool, &params), exact(&pool, &params));
        for set in &narrow {
            prop_assert!(all.contains(set));
        }
        prop_assert_eq!(narrow.is_empty(), all.is_empty());
    }

    #[test]
    fn a_beam_as_wide_as_the_pool_is_exact(pool in pool_of(8)) {
        let params = Bundles { beam: 1000, ..Bundles::default() };
        prop_assert_eq!(beam(&pool, &params), exact(&pool, &params));
    }
}

#[test]
fn two_members_of_one_role_are_no_set() {
    let member = |item| Member {
        item,
        affinity: 1.0,
        role: 7,
        price: None,
        support: 4,
        generated: false,
    };
    let pool = Pool {
        members: vec![member(0), member(1)],
        pairs: vec![0.0; 4],
        apart: vec![3, 3],
        orders: vec![(3, 4)],
        spending: None,
    };
    assert!(exact(&pool, &Bundles::default()).is_empty());
    assert!(beam(&Pool::default(), &Bundles::default()).is_empty());
}
