//! A file of events, gone through once: threads take pages in turn, read them side by side, and hand them over in the
//! order of the file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tandem_graph::{FactsBuilder, NumberedBatch};

use super::turn::Turns;
use super::{SCHEMA, Sheet};
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::header::Header;
use crate::offline::pages::{Page, Pages};
use crate::offline::rows::{Fields, Visit};
use crate::offline::trail::{Marks, Trail};

/// A row's place in its file: its page, then its row there.
pub(super) const fn place(page: usize, row: u64) -> u64 {
    ((page as u64) << 32) | row
}

/// What the pages of a file add up to.
struct Gathered {
    builder: FactsBuilder,
    trail: Trail,
    errors: RowErrors,
    /// Lines of the file before the next page.
    lines: u64,
}

/// What a file held.
pub(super) struct Pass {
    pub(super) builder: FactsBuilder,
    pub(super) trail: Trail,
    pub(super) unread: Vec<String>,
}

/// Reads a file, leaving out the rows at the places in `skip`.
pub(super) fn read(path: &Path, builder: FactsBuilder, skip: &BTreeSet<u64>) -> Result<Pass, RowErrors> {
    let mut pages = Pages::open(path, &SCHEMA, "reading events")?;
    let header = std::mem::take(&mut pages.header);
    let gathered = Turns::new(Gathered {
        builder,
        trail: Trail::default(),
        errors: RowErrors::default(),
        lines: pages.lines,
    });
    let pages = Mutex::new(pages);
    rayon::broadcast(|_| work(&header, &pages, &gathered, skip));
    drop(pages);
    let gathered = gathered.into_inner();
    if !gathered.errors.is_empty() {
        return Err(gathered.errors);
    }
    Ok(Pass {
        builder: gathered.builder,
        trail: gathered.trail,
        unread: header.unread,
    })
}

/// Reads page after page until none is left or enough is wrong. Whoever takes a page also takes its turn: others wait
/// for it.
fn work(header: &Header, pages: &Mutex<Pages>, gathered: &Turns<Gathered>, skip: &BTreeSet<u64>) {
    let (mut page, mut marks) = (Page::default(), Marks::default());
    // Once for all pages: whoever has a turn would keep everybody waiting who asks for another.
    let empty = gathered.look(|gathered| gathered.builder.batch());
    loop {
        let (number, next) = pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next(&mut page);
        let turn = gathered.of(number);
        marks.clear();
        match next {
            Ok(false) => return,
            Err(problem) => {
                turn.take(|gathered| gathered.fail(problem));
                return;
            }
            Ok(true) => {}
        }
        let rows = page.rows();
        let mut reading = Reading {
            sheet: Sheet::new(empty.clone()),
            header,
            marks: &mut marks,
            skips: |row| skip.contains(&place(number, row)),
        };
        let lines = rows.walk(header, &mut reading);
        let Sheet { batch, errors, .. } = reading.sheet;
        let batch = batch.number();
        if turn.take(|gathered| gathered.absorb(&batch, &errors, lines, &marks)) != Some(true) {
            return;
        }
    }
}

/// One page on its way into a sheet.
struct Reading<'r, 'a, S> {
    sheet: Sheet<'a>,
    header: &'r Header,
    marks: &'r mut Marks,
    skips: S,
}

impl<'a, S: Fn(u64) -> bool> Visit<'a> for Reading<'_, 'a, S> {
    fn row(&mut self, row: u64, line: u64, fields: &impl Fields<'a>) {
        if !(self.skips)(row) {
            self.sheet.take(fields, self.header, line, self.marks);
        }
    }

    fn fault(&mut self, error: RowError) {
        self.sheet.errors.push(error);
    }
}

impl Gathered {
    /// Takes what a page held; whether it is worth reading on.
    fn absorb(&mut self, batch: &NumberedBatch<'_>, errors: &RowErrors, lines: u64, marks: &Marks) -> bool {
        for error in errors.as_slice() {
            let line = error.line + self.lines;
            self.errors.push(RowError {
                line,
                ..error.clone()
            });
        }
        self.builder.take(batch);
        self.trail.add(marks);
        self.lines += lines;
        !self.errors.is_full()
    }

    fn fail(&mut self, problem: Problem) {
        self.errors.push(RowError::of_line(self.lines + 1, problem));
    }
}
