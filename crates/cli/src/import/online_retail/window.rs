//! Invoices whose lines may still come.

use std::collections::VecDeque;

use super::line::Line;

/// Two clerks may type at once: an invoice is closed when this many others have begun after it.
const OPEN_INVOICES: usize = 16;

/// The invoices begun last, each with its lines.
#[derive(Debug, Default)]
pub(super) struct Window {
    invoices: VecDeque<Open>,
    interrupted: u64,
}

#[derive(Debug, Default)]
struct Open {
    lines: Vec<Line>,
    was_interrupted: bool,
}

impl Window {
    /// Adds a line; gives the lines of the invoice that is closed by it, if one is.
    pub(super) fn add(&mut self, line: Line) -> Option<Vec<Line>> {
        let is_of = |open: &Open| open.lines.last().is_some_and(|last| last.invoice == line.invoice);
        match self.invoices.iter().rposition(is_of) {
            Some(place) => {
                let is_behind = place + 1 < self.invoices.len();
                let open = &mut self.invoices[place];
                if is_behind && !std::mem::replace(&mut open.was_interrupted, true) {
                    self.interrupted += 1;
                }
                open.lines.push(line);
                None
            }
            None => {
                self.invoices.push_back(Open {
                    lines: vec![line],
                    was_interrupted: false,
                });
                (self.invoices.len() > OPEN_INVOICES).then(|| self.close())
            }
        }
    }

    /// Closes the oldest invoice; no lines where none is open.
    pub(super) fn close(&mut self) -> Vec<Line> {
        self.invoices
            .pop_front()
            .map(|open| open.lines)
            .unwrap_or_default()
    }

    /// Invoices with lines of others between their own.
    pub(super) const fn interrupted(&self) -> u64 {
        self.interrupted
    }
}
