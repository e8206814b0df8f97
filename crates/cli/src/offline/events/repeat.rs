//! Which rows of a file repeat an event id.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::pass::place;
use super::{EVENT_ID, SCHEMA};
use crate::import::fault::{RowError, RowErrors};
use crate::offline::pages::{Page, Pages};
use crate::offline::rows::{Fields, Visit};
use crate::offline::trail::mark;

/// The places of all rows whose id had come before. Goes through the file twice: once for what stands for the ids,
/// once for the ids behind what came up again.
pub(super) fn find(path: &Path) -> Result<BTreeSet<u64>, RowErrors> {
    let mut marks = Vec::new();
    each_id(path, |_, id| marks.push(mark(id)))?;
    marks.sort_unstable();
    let again: HashSet<u64> = marks
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    drop(marks);
    let (mut seen, mut repeated) = (HashSet::<String>::new(), BTreeSet::new());
    if !again.is_empty() {
        each_id(path, |place, id| {
            if again.contains(&mark(id)) && !seen.insert(id.to_owned()) {
                repeated.insert(place);
            }
        })?;
    }
    Ok(repeated)
}

fn each_id(path: &Path, show: impl FnMut(u64, &str)) -> Result<(), RowErrors> {
    let mut pages = Pages::open(path, &SCHEMA, "comparing event ids")?;
    let mut ids = Ids { page: 0, show };
    let mut page = Page::default();
    while let (number, Ok(true)) = pages.next(&mut page) {
        ids.page = number;
        page.rows().walk(&pages.header, &mut ids);
    }
    Ok(())
}

struct Ids<S> {
    page: usize,
    show: S,
}

impl<'a, S: FnMut(u64, &str)> Visit<'a> for Ids<S> {
    fn row(&mut self, row: u64, _line: u64, fields: &impl Fields<'a>) {
        // The file was read before: its ids are text.
        if let Ok(Some(id)) = fields.text(&EVENT_ID) {
            (self.show)(place(self.page, row), id);
        }
    }

    fn fault(&mut self, _error: RowError) {}
}
