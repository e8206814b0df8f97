//! What a running worker is called where workers meet: leases, consumer groups, claimed jobs.

use ulid::Ulid;

/// A name that no other running worker has, be it of the same process: host and process for people to find it by, and a
/// random number.
#[must_use]
pub fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}-{}", host.trim(), std::process::id(), Ulid::generate())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn workers_that_start_at_once_have_names_of_their_own() {
        let names: BTreeSet<String> = (0..1000).map(|_| super::name()).collect();
        assert_eq!(names.len(), 1000);
    }
}
