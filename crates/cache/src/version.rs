//! Which of two writes is newer.

/// Compared epoch first: restoring SQL from a backup raises the epoch and starts versions anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) store_epoch: u64,
    pub(crate) version: u64,
}

impl Version {
    pub(crate) const fn new(store_epoch: u64, version: u64) -> Self {
        Self { store_epoch, version }
    }

    /// The one before in the same epoch; none before the first.
    pub(crate) fn before(self) -> Option<Self> {
        let version = self.version.checked_sub(1)?;
        Some(Self { version, ..self })
    }
}
