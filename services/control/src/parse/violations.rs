//! Collecting what is wrong with a request, all of it at once.

use std::collections::HashSet;
use std::fmt::Display;

use tandem_runtime::status::{self, Refusal};

use super::Path;

/// What is wrong with a request so far.
///
/// Every method reads one field: `None` means that the field is wrong and a violation says why, so that a
/// parser reads all fields first and then puts the whole together with `?`.
#[derive(Debug, Default)]
pub(crate) struct Violations(status::Violations);

impl Violations {
    /// Nothing wrong yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Notes that the field at `at` is wrong.
    pub(crate) fn add(&mut self, at: &Path<'_>, why: impl Display) {
        self.0.add(at, why);
    }

    /// The same, in the place of a value.
    pub(crate) fn refuse<T>(&mut self, at: &Path<'_>, why: impl Display) -> Option<T> {
        self.add(at, why);
        None
    }

    /// The value of a field, or its violation.
    pub(crate) fn check<T, E: Display>(&mut self, at: &Path<'_>, value: Result<T, E>) -> Option<T> {
        value.map_err(|why| self.add(at, why)).ok()
    }

    /// Notes `id` if it came before.
    pub(crate) fn once<'v>(&mut self, at: &Path<'_>, id: &'v str, seen: &mut HashSet<&'v str>) {
        if !seen.insert(id) {
            self.add(at, "came before in this request");
        }
    }

    /// Notes a list that must not be empty.
    pub(crate) fn at_least_one(&mut self, at: &Path<'_>, length: usize) {
        if length == 0 {
            self.add(at, "must not be empty");
        }
    }

    /// The parsed request, if nothing is wrong with it.
    pub(crate) fn finish<T>(self, parsed: Option<T>) -> Result<T, Refusal> {
        match parsed {
            Some(parsed) if self.0.found() == 0 => Ok(parsed),
            _ => Err(self.0.into()),
        }
    }
}

/// Refuses a list that is longer than one request may be.
pub(crate) fn bound(field: &'static str, length: usize, limit: usize) -> Result<(), Refusal> {
    if length <= limit {
        return Ok(());
    }
    let why = format!("holds {length}, {limit} is the limit");
    Err(Refusal::new(
        tonic::Code::InvalidArgument,
        "BATCH_TOO_LARGE",
        format!("{field} {why}: send it in parts"),
    )
    .field(field, why)
    .with("limit", limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_passes() {
        assert_eq!(Violations::new().finish(Some(7)).unwrap(), 7);
    }
}
