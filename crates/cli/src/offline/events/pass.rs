//! A file of events, gone through once: threads take pages in turn, read them side by side, and hand them over in the
//! order of the file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tandem_graph::{EventBatch, FactsBuilder, NumberedBatch};

use super::turn::{Turn, Turns};
use super::{SCHEMA, Sheet};
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::header::Header;
use crate::offline::pages::{Page, PageRows, Pages};
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
/// for it. Rather than wait at once, a thread whose turn is not due reads another page.
fn work(header: &Header, pages: &Mutex<Pages>, gathered: &Turns<Gathered>, skip: &BTreeSet<u64>) {
    let reader = Reader {
        header,
        pages,
        gathered,
        skip,
        empty: gathered.look(|gathered| gathered.builder.batch()),
    };
    let (mut page, mut ahead) = (Page::default(), Page::default());
    loop {
        let Some(taken) = reader.take(&mut page) else {
            return;
        };
        let rows = page.rows();
        let read = reader.read(taken, &rows);
        let goes_on = if read.turn.is_due() {
            read.hand_over()
        } else {
            let taken = reader.take(&mut ahead);
            let rows = ahead.rows();
            let next = taken.map(|taken| reader.read(taken, &rows));
            read.hand_over() && next.is_some_and(Read::hand_over)
        };
        if !goes_on {
            return;
        }
    }
}

/// What a thread reads with.
struct Reader<'r> {
    header: &'r Header,
    pages: &'r Mutex<Pages>,
    gathered: &'r Turns<Gathered>,
    skip: &'r BTreeSet<u64>,
    /// Once for all pages: whoever has a turn would keep everybody waiting who asks for another.
    empty: EventBatch<'static>,
}

/// A page that a thread has taken, by its number, or why it could not.
struct Taken<'r> {
    turn: Turn<'r, Gathered>,
    page: Result<usize, Problem>,
}

/// A page that was read, to be handed over in its turn.
struct Read<'r, 'a> {
    turn: Turn<'r, Gathered>,
    found: Result<Found<'a>, Problem>,
}

/// What a page held.
struct Found<'a> {
    batch: NumberedBatch<'a>,
    errors: RowErrors,
    lines: u64,
    marks: Marks,
}

impl<'r> Reader<'r> {
    /// Puts the next rows into `page`; `None` where there are none.
    fn take(&self, page: &mut Page) -> Option<Taken<'r>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, next) = pages.next(page);
        let page = next.map(|is_there| is_there.then_some(number)).transpose()?;
        Some(Taken {
            turn: self.gathered.of(number),
            page,
        })
    }

    fn read<'a>(&self, Taken { turn, page }: Taken<'r>, rows: &'a PageRows<'a>) -> Read<'r, 'a> {
        Read {
            turn,
            found: page.map(|number| self.find(number, rows)),
        }
    }

    /// What is in the rows of a page.
    fn find<'a>(&self, number: usize, rows: &'a PageRows<'a>) -> Found<'a> {
        let mut reading = Reading {
            sheet: Sheet::new(self.empty.clone()),
            header: self.header,
            marks: Marks::default(),
            skips: |row| self.skip.contains(&place(number, row)),
        };
        let lines = rows.walk(self.header, &mut reading);
        let Reading { sheet, marks, .. } = reading;
        let Sheet { batch, errors, .. } = sheet;
        Found {
            batch: batch.number(),
            errors,
            lines,
            marks,
        }
    }
}

impl Read<'_, '_> {
    /// Hands over once all pages before it were; whether it is worth reading on.
    fn hand_over(self) -> bool {
        let taken = self.turn.take(|gathered| match self.found {
            Ok(found) => gathered.absorb(found),
            Err(problem) => gathered.fail(problem),
        });
        taken == Some(true)
    }
}

/// One page on its way into a sheet.
struct Reading<'r, 'a, S> {
    sheet: Sheet<'a>,
    header: &'r Header,
    marks: Marks,
    skips: S,
}

impl<'a, S: Fn(u64) -> bool> Visit<'a> for Reading<'_, 'a, S> {
    fn row(&mut self, row: u64, line: u64, fields: &impl Fields<'a>) {
        if !(self.skips)(row) {
            self.sheet.take(fields, self.header, line, &mut self.marks);
        }
    }

    fn fault(&mut self, error: RowError) {
        self.sheet.errors.push(error);
    }
}

impl Gathered {
    /// Takes what a page held; whether it is worth reading on.
    fn absorb(&mut self, found: Found<'_>) -> bool {
        // Others may have read ahead by then.
        if self.errors.is_full() {
            return false;
        }
        self.errors.append(found.errors, self.lines);
        self.builder.take(&found.batch);
        self.trail.add(&found.marks);
        self.lines += found.lines;
        !self.errors.is_full()
    }

    /// Takes down why there is no further page.
    fn fail(&mut self, problem: Problem) -> bool {
        let error = RowError::of_line(1, problem);
        self.errors.append(error.into(), self.lines);
        false
    }
}
