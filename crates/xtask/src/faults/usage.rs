//! Memory and descriptors of a process, as the kernel tells them.

use std::fmt;

use anyhow::{Context as _, Result};

/// What a process uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) resident_kb: u64,
    pub(crate) descriptors: usize,
}

impl Usage {
    /// Of a process that runs.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok(Self {
            resident_kb: resident.context("the kernel does not tell the memory")?,
            descriptors: std::fs::read_dir(format!("/proc/{process}/fd"))?.count(),
        })
    }

    /// Flat: a quarter and 32 MB more, and 32 descriptors, are noise.
    pub(crate) fn outgrows(self, before: Self) -> bool {
        self.resident_kb > before.resident_kb * 5 / 4 + 32 * 1024
            || self.descriptors > before.descriptors + 32
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} MB and {} descriptors",
            self.resident_kb / 1024,
            self.descriptors
        )
    }
}
