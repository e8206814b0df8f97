//! A change, a read that fills an entry and an answer that uses it, in every order with up to three switches (loom).

#![expect(clippy::unwrap_used, reason = "a model that cannot go on has failed")]

/// The module under test over loom's atomics instead of the standard library's.
#[path = "../src/near"]
mod near {
    pub(crate) mod sync {
        pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    }
    pub(crate) mod ledger;
}

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use near::ledger::{Ledger, Ticket};

const PRODUCT: u64 = 7;
const OLD: u64 = 0;
const NEW: u64 = 1;

/// The cache that all gateways share, what this process keeps of it, and whether the change was heard.
struct World {
    shared: Mutex<u64>,
    kept: Mutex<Option<(Ticket, u64)>>,
    ledger: Ledger,
    heard: AtomicBool,
}

impl World {
    fn new() -> Arc<Self> {
        let ledger = Ledger::new(0);
        ledger.attend();
        Arc::new(Self {
            shared: Mutex::new(OLD),
            kept: Mutex::new(None),
            ledger,
            heard: AtomicBool::new(false),
        })
    }

    fn keep(&self, ticket: Ticket, value: u64) {
        if self.ledger.stands(&ticket) {
            let mut kept = self.kept.lock().unwrap();
            if !kept.is_some_and(|(known, _)| known.is_newer_than(&ticket)) {
                *kept = Some((ticket, value));
            }
        }
    }

    fn fill(&self) {
        let ticket = self.ledger.ticket(PRODUCT);
        let value = *self.shared.lock().unwrap();
        self.keep(ticket, value);
    }

    /// An answer that begins after the change was heard must not show what was before it.
    fn answer(&self) {
        let heard = self.heard.load(Ordering::Acquire);
        if !self.ledger.is_attended() {
            return;
        }
        let kept = *self.kept.lock().unwrap();
        if let Some((_, value)) = kept.filter(|(ticket, _)| self.ledger.stands(ticket)) {
            assert!(
                !heard || value == NEW,
                "a stale entry stands after its announcement"
            );
        }
    }
}

fn race(change: fn(&World), fill: fn(&World)) {
    let mut model = loom::model::Builder::new();
    // Races need few switches at the wrong moment; all orders with up to three are tried.
    model.preemption_bound = Some(3);
    model.check(move || {
        let world = World::new();
        let threads = [change, fill].map(|act| {
            let world = Arc::clone(&world);
            thread::spawn(move || act(&world))
        });
        world.answer();
        for thread in threads {
            thread.join().unwrap();
        }
        world.answer();
    });
}

fn announced(world: &World) {
    *world.shared.lock().unwrap() = NEW;
    world.ledger.announce(PRODUCT);
    world.heard.store(true, Ordering::Release);
}

#[test]
fn no_entry_outlives_the_announcement_of_its_product() {
    race(announced, World::fill);
}

#[test]
fn no_entry_outlives_a_change_of_the_whole_marketplace() {
    race(
        |world| {
            *world.shared.lock().unwrap() = NEW;
            world.ledger.turn();
            world.heard.store(true, Ordering::Release);
        },
        World::fill,
    );
}

#[test]
fn no_entry_is_used_while_announcements_may_be_missed_nor_after_when_one_was() {
    race(
        |world| {
            world.ledger.leave();
            *world.shared.lock().unwrap() = NEW;
            world.heard.store(true, Ordering::Release);
            world.ledger.turn();
            world.ledger.attend();
        },
        World::fill,
    );
}

/// The order that a cache filled on a miss has by itself: shows that the model finds what it looks for.
#[test]
#[should_panic(expected = "a stale entry stands after its announcement")]
fn a_ticket_that_is_taken_after_the_read_lets_a_stale_entry_stand() {
    race(announced, |world| {
        let value = *world.shared.lock().unwrap();
        let ticket = world.ledger.ticket(PRODUCT);
        world.keep(ticket, value);
    });
}
