use super::orders::PoolMarks;
use super::search::places;
use crate::facts::{NONE, dense};
use crate::params::Bundles;
use crate::relation::price_in_band;
use crate::row::{Chosen, Row};
use crate::signals::Input;

/// Members are bits of a `u32`.
const LARGEST: usize = 32;
/// Orders that weigh as much as the habits of two categories.
const PRIOR: f64 = 5.0;
/// Sessions of the anchor with both, from which on two companions may be told to be substitutes.
const SEEN_APART: u32 = 3;

/// What sets are drawn from. A set is the bits of its members' places.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) members: Vec<Member>,
    /// How well two members go with each other, 0 to 1; row by row.
    pub(super) pairs: Vec<f64>,
    /// Members that each member must not stand beside, itself included.
    pub(super) apart: Vec<u32>,
    /// Combinations of two or more members in the anchor's orders, and how often.
    pub(super) orders: Vec<(u32, u32)>,
    /// Price of the anchor and usual price of a companion, in minor units.
    pub(super) spending: Option<(f64, f64)>,
}

/// A companion that may join a set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Member {
    pub(super) item: u32,
    /// s(a, j): its score over the best complement's.
    pub(super) affinity: f64,
    /// Leaf category, or its own number where the catalogue has none.
    pub(super) role: u32,
    pub(super) price: Option<f64>,
    /// Orders that hold the anchor and it.
    pub(super) support: u32,
    pub(super) generated: bool,
}

impl Pool {
    /// The best complements inside the price band, a few per role.
    pub(super) fn draw(row: &Row<'_>, complements: &[Chosen], marks: &mut PoolMarks) -> Self {
        let params = &row.frame.epoch.params.bundles;
        let members = members(row, complements, params);
        if members.len() < params.fewest.max(1) {
            return Self::default();
        }
        let items: Vec<u32> = members.iter().map(|member| member.item).collect();
        let orders = marks.combinations(&row.frame.facts.purchases, row.anchor, &items);
        let sessions = if row.frame.leaves.are_known() {
            Vec::new()
        } else {
            marks.combinations(&row.frame.facts.views, row.anchor, &items)
        };
        let sold = PairCounts::new(&orders, members.len());
        let seen = PairCounts::new(&sessions, members.len());
        Self {
            pairs: pairs(row, &members, &sold),
            apart: apart(row, &members, &sold, &seen),
            spending: spending(row, &members),
            members,
            orders,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn item(&self, place: usize) -> u32 {
        self.members[place].item
    }

    pub(super) fn is_generated(&self, place: usize) -> bool {
        self.members[place].generated
    }
}

fn members(row: &Row<'_>, complements: &[Chosen], params: &Bundles) -> Vec<Member> {
    let best = complements.first().map_or(0.0, |best| f64::from(best.score));
    let mut members: Vec<Member> = Vec::new();
    for one in complements {
        let role = role(row, one.item);
        let held = members.iter().filter(|member| member.role == role).count();
        if members.len() < params.pool.min(LARGEST) && held < params.per_role && fits(row, one.item) {
            members.push(Member {
                item: one.item,
                affinity: f64::from(one.score) / best.max(f64::MIN_POSITIVE),
                role,
                price: row.frame.price[one.item as usize].map(|minor| minor as f64),
                support: row.support(Input::CoPurchase, one.item),
                generated: one.generated,
            });
        }
    }
    members
}

fn role(row: &Row<'_>, item: u32) -> u32 {
    let products = &row.frame.facts.products;
    let leaf = products.leaf[item as usize];
    // Numbers of products begin where those of leaves end.
    if leaf == NONE {
        dense(products.leaves.len()) + item
    } else {
        leaf
    }
}

/// Whether the price ratio lies inside the band of the categories.
pub(super) fn fits(row: &Row<'_>, item: u32) -> bool {
    let (frame, leaf) = (row.frame, &row.frame.facts.products.leaf);
    let (own, other) = (leaf[row.anchor as usize], leaf[item as usize]);
    let pair = frame.leaves.pair(row.shop(), own, other);
    let ratio = frame.ln_ratio(row.anchor, item);
    price_in_band(ratio, pair.and_then(|pair| pair.band), &frame.epoch.params.prices)
}

/// `(c + κ · P) / (√(c_j · c_k) + κ)` over the anchor's orders, P what the two categories usually do.
fn pairs(row: &Row<'_>, members: &[Member], both: &PairCounts) -> Vec<f64> {
    let mut pairs = vec![0.0; members.len() * members.len()];
    for (j, a) in members.iter().enumerate() {
        for (k, b) in members.iter().enumerate().skip(j + 1) {
            let usual = habit(row, a.item, b.item);
            let scale = (f64::from(a.support) * f64::from(b.support)).sqrt();
            let value = ((f64::from(both.of(j, k)) + PRIOR * usual) / (scale + PRIOR)).min(1.0);
            pairs[j * members.len() + k] = value;
            pairs[k * members.len() + j] = value;
        }
    }
    pairs
}

/// How many combinations hold each pair of members.
struct PairCounts {
    counts: Vec<u32>,
    size: usize,
}

impl PairCounts {
    fn new(combinations: &[(u32, u32)], size: usize) -> Self {
        let mut counts = vec![0; size * size];
        for &(held, times) in combinations {
            for j in places(held) {
                for k in places(held) {
                    counts[j * size + k] += times;
                }
            }
        }
        Self { counts, size }
    }

    fn of(&self, j: usize, k: usize) -> u32 {
        self.counts[j * self.size + k]
    }
}

/// The mean of P(leaf_k | leaf_j) and P(leaf_j | leaf_k).
fn habit(row: &Row<'_>, a: u32, b: u32) -> f64 {
    let leaf = &row.frame.facts.products.leaf;
    let share = |from: u32, to: u32| {
        row.frame
            .leaves
            .pair(row.shop(), leaf[from as usize], leaf[to as usize])
            .map_or(0.0, |pair| pair.share)
    };
    0.5 * (share(a, b) + share(b, a))
}

/// Same role, or of categories that a rule keeps apart, or, without categories, rather viewed than bought together around
/// this anchor.
fn apart(row: &Row<'_>, members: &[Member], sold: &PairCounts, seen: &PairCounts) -> Vec<u32> {
    let (orders, sessions) = (
        row.frame.facts.purchases.count(row.anchor),
        row.frame.facts.views.count(row.anchor),
    );
    let substitutes = |j: usize, k: usize| {
        let (a, b) = (members[j].item, members[k].item);
        let over_chance = |input: Input, both: u32, total: u32| {
            let product = f64::from(row.support(input, a)) * f64::from(row.support(input, b));
            (f64::from(both) + 3.0) / (product / f64::from(total.max(1)) + 3.0)
        };
        seen.of(j, k) >= SEEN_APART
            && over_chance(Input::CoPurchase, sold.of(j, k), orders)
                < over_chance(Input::CoView, seen.of(j, k), sessions)
    };
    let (rules, leaf) = (row.frame.leaves.rules(), &row.frame.facts.products.leaf);
    let forbidden = |j: usize, k: usize| {
        let (a, b) = (members[j].item, members[k].item);
        rules.part(row.shop(), leaf[a as usize], leaf[b as usize])
    };
    let excludes = |j: usize, k: usize| {
        j == k || members[j].role == members[k].role || forbidden(j, k) || substitutes(j, k)
    };
    let bits = |j: usize| {
        (0..members.len())
            .filter(|&k| excludes(j, k))
            .fold(0, |bits, k| bits | (1 << k))
    };
    (0..members.len()).map(bits).collect()
}

/// The anchor's price, and the usual one of its companions: their geometric mean, weighted by orders.
fn spending(row: &Row<'_>, members: &[Member]) -> Option<(f64, f64)> {
    let own = row.frame.price[row.anchor as usize]? as f64;
    let weight = |member: &Member| 1.0 + f64::from(member.support);
    let priced = members
        .iter()
        .filter_map(|member| Some((member.price?.ln(), weight(member))));
    let (sum, all) = priced.fold((0.0, 0.0), |(sum, all), (ln, weight)| {
        (sum + ln * weight, all + weight)
    });
    (all > 0.0).then(|| (own, (sum / all).exp()))
}
