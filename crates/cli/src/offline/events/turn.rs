//! Threads that read chunks side by side and hand them over in the order of the file.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

/// Something that is changed by one chunk after the other.
pub(super) struct Turns<T> {
    queue: Mutex<Queue<T>>,
    moved: Condvar,
}

struct Queue<T> {
    /// Whose turn it is.
    next: usize,
    /// A chunk whose thread is gone: no later one has its turn any more.
    given_up: Option<usize>,
    state: T,
}

impl<T> Turns<T> {
    pub(super) const fn new(state: T) -> Self {
        Self {
            queue: Mutex::new(Queue {
                next: 0,
                given_up: None,
                state,
            }),
            moved: Condvar::new(),
        }
    }

    /// The turn of the chunk `number`, to be had by one thread.
    pub(super) const fn of(&self, number: usize) -> Turn<'_, T> {
        Turn {
            turns: self,
            number,
            is_over: false,
        }
    }

    /// Looks at the state between turns.
    pub(super) fn look<V>(&self, look: impl FnOnce(&T) -> V) -> V {
        look(&self.lock().state)
    }

    pub(super) fn into_inner(self) -> T {
        self.queue
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .state
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn to come. Dropped unused, as by a panic, it keeps nobody waiting.
pub(super) struct Turn<'t, T> {
    turns: &'t Turns<T>,
    number: usize,
    is_over: bool,
}

impl<T> Turn<'_, T> {
    /// Whether nobody need be waited for.
    pub(super) fn is_due(&self) -> bool {
        match self.turns.queue.try_lock() {
            Ok(queue) => queue.next == self.number,
            Err(TryLockError::Poisoned(queue)) => queue.into_inner().next == self.number,
            // Somebody has a turn.
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Runs `change` once all chunks before had their turn; `None` when one of them never will.
    pub(super) fn take<V>(mut self, change: impl FnOnce(&mut T) -> V) -> Option<V> {
        let mut queue = self.turns.lock();
        while queue.next != self.number {
            if queue.given_up.is_some_and(|chunk| chunk < self.number) {
                return None;
            }
            queue = self
                .turns
                .moved
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let value = change(&mut queue.state);
        queue.next += 1;
        drop(queue);
        self.is_over = true;
        self.turns.moved.notify_all();
        Some(value)
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut queue = self.turns.lock();
            let first = queue.given_up.unwrap_or(self.number).min(self.number);
            queue.given_up = Some(first);
            drop(queue);
            self.turns.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_had_in_order() {
        let turns = Turns::new(Vec::new());
        std::thread::scope(|scope| {
            for number in (0..8).rev() {
                let turns = &turns;
                scope.spawn(move || turns.of(number).take(|order| order.push(number)));
            }
        });
        assert_eq!(turns.into_inner(), (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_turn_is_due_once_all_before_it_are_over() {
        let turns = Turns::new(());
        let (first, second) = (turns.of(0), turns.of(1));
        assert!(first.is_due() && !second.is_due());
        first.take(|()| assert!(!second.is_due(), "while another has its turn"));
        assert!(second.is_due());
        assert_eq!(second.take(|()| ()), Some(()));
    }

    #[test]
    fn nobody_waits_for_a_turn_that_was_given_up() {
        let turns = Turns::new(Vec::new());
        std::thread::scope(|scope| {
            let later = scope.spawn(|| turns.of(2).take(|order| order.push(2)));
            drop(turns.of(1));
            assert_eq!(turns.of(0).take(|order| order.push(0)), Some(()));
            assert_eq!(later.join().unwrap(), None);
        });
        assert_eq!(turns.into_inner(), [0]);
    }
}
