//! Threads that read chunks side by side and hand them over in the order of the file.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Something that is changed by one chunk after the other.
pub(super) struct Turns<T> {
    state: Mutex<(usize, T)>,
    moved: Condvar,
}

impl<T> Turns<T> {
    pub(super) const fn new(state: T) -> Self {
        Self {
            state: Mutex::new((0, state)),
            moved: Condvar::new(),
        }
    }

    /// Runs `change` once all chunks before `number` had their turn.
    pub(super) fn take<V>(&self, number: usize, change: impl FnOnce(&mut T) -> V) -> V {
        let mut state = self.lock();
        while state.0 != number {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let value = change(&mut state.1);
        state.0 += 1;
        drop(state);
        self.moved.notify_all();
        value
    }

    /// Looks at the state between turns.
    pub(super) fn look<V>(&self, look: impl FnOnce(&T) -> V) -> V {
        look(&self.lock().1)
    }

    pub(super) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    fn lock(&self) -> MutexGuard<'_, (usize, T)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
