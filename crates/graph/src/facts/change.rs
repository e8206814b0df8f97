//! Baskets that later rows changed.

use rustc_hash::FxHashSet;

use super::NONE;
use super::basket::Netted;
use super::laying::Gathered;
use super::table::{BasketKey, Before};

/// What became of the baskets of one signal when later rows came.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Products that a changed basket held before or holds now; what a cap pushed out and what came back among them.
    pub(super) items: Vec<u32>,
    /// Changed baskets as they were and as they are.
    pub(super) versions: Vec<Version>,
}

/// A changed basket, before or after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    /// Number of the basket in its table.
    pub(super) key: u32,
    pub(super) visitor: u32,
    pub(super) time_ms: i64,
}

impl Changes {
    /// Compares the touched baskets, ascending, as they were with what they are.
    pub(super) fn between(touched: &[u32], netted: &Netted, standing: &Before, now: &Gathered) -> Self {
        let mut changes = Self::default();
        for &key in touched {
            let was = netted.find(key).map(|at| (netted, at, standing.of(key)));
            let owner = (now.generated[key as usize], now.visitors[key as usize]);
            let is = now.netted.find(key).map(|at| (&now.netted, at, owner));
            if was.map(content) == is.map(content) {
                continue;
            }
            for (netted, at, (_, visitor)) in was.into_iter().chain(is) {
                changes.items.extend_from_slice(netted.items(at));
                changes.versions.push(Version {
                    key,
                    visitor,
                    time_ms: netted.times_ms[at],
                });
            }
        }
        changes
    }

    /// As the baskets are that `orders` are joined into: everything of a basket that a changed order left or entered
    /// counts as changed.
    pub(super) fn joined(orders: &Gathered, key: impl Fn(Version) -> BasketKey) -> Self {
        let changed = &orders.changes;
        let keys: FxHashSet<BasketKey> = changed.versions.iter().map(|&version| key(version)).collect();
        let mut items = changed.items.clone();
        for (order, version) in orders.versions().enumerate() {
            if !keys.is_empty() && keys.contains(&key(version)) {
                items.extend_from_slice(orders.netted.items(order));
            }
        }
        Self {
            items,
            versions: changed.versions.clone(),
        }
    }

    /// Whose changed baskets were or are.
    fn visitors(&self) -> impl Iterator<Item = u32> {
        let visitors = self.versions.iter().map(|version| version.visitor);
        visitors.filter(|&visitor| visitor != NONE)
    }
}

/// A basket at its place, whether it is generated, and whose it is.
type Side<'a> = (&'a Netted, usize, (bool, u32));

fn content((netted, at, owner): Side<'_>) -> impl PartialEq {
    (netted.content(at), owner)
}

/// Products whose rows read who viewed and then bought, where one of these visitors did anything new: all that they
/// viewed.
pub(super) fn followed(sessions: &Gathered, orders: &Gathered) -> Vec<u32> {
    let visitors = orders.changes.visitors().chain(sessions.changes.visitors());
    let visitors: FxHashSet<u32> = visitors.collect();
    let mut items = Vec::new();
    if visitors.is_empty() {
        return items;
    }
    for (session, version) in sessions.versions().enumerate() {
        if visitors.contains(&version.visitor) {
            items.extend_from_slice(sessions.netted.items(session));
        }
    }
    items
}

/// Ascending, each once.
pub(super) fn distinct(mut items: Vec<u32>) -> Vec<u32> {
    items.sort_unstable();
    items.dedup();
    items
}
