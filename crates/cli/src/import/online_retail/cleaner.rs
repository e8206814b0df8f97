//! The walk through the file, invoice by invoice.

use std::collections::{HashSet, VecDeque};
use std::io::Read;

use tandem_domain::catalog::ProductInput;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::ProductId;
use tandem_domain::money::Money;

use super::catalogue::Catalogue;
use super::draft::{Added, Draft};
use super::invoice::{Class, classify};
use super::ledger::{Ledger, Taken};
use super::line::{Line, SCHEMA};
use super::report::CleaningReport;
use super::time::LocalTime;
use super::window::Window;
use crate::import::BATCH_ROWS;
use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::generic::Faults;
use crate::import::mapping::Mapping;
use crate::import::table::{Input, Table};

/// Hands out the events of a file, up to [`BATCH_ROWS`] at a time and in the order of the file.
/// Memory grows with customers × products, not with lines.
pub struct Cleaner<R> {
    table: Table<R>,
    zone: LocalTime,
    faults: Faults,
    errors: RowErrors,
    open: Window,
    invoices: HashSet<String>,
    ledger: Ledger,
    catalogue: Catalogue,
    codes: HashSet<ProductId>,
    customers: HashSet<String>,
    report: CleaningReport,
    ready: VecDeque<Event>,
}

/// What a file says beside its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned {
    /// Products that were sold, by id.
    pub products: Vec<ProductInput>,
    /// What became of each line.
    pub report: CleaningReport,
    /// Lines that were left out.
    pub errors: RowErrors,
}

/// Starts to clean `input`. With [`Faults::Stop`] call [`validate`] first.
///
/// # Errors
/// What is wrong with the header.
pub fn clean<R: Read>(input: R, faults: Faults) -> Result<Cleaner<R>, RowErrors> {
    Ok(Cleaner {
        table: Table::open(&SCHEMA, Input::Csv(input), &Mapping::default())?,
        zone: LocalTime::london(),
        faults,
        errors: RowErrors::default(),
        open: Window::default(),
        invoices: HashSet::new(),
        ledger: Ledger::default(),
        catalogue: Catalogue::default(),
        codes: HashSet::new(),
        customers: HashSet::new(),
        report: CleaningReport::default(),
        ready: VecDeque::new(),
    })
}

/// Walks the whole file and keeps nothing but the report; stops at the twentieth error.
///
/// # Errors
/// The faults of the file.
pub fn validate(input: impl Read) -> Result<CleaningReport, RowErrors> {
    let mut cleaner = clean(input, Faults::Skip)?;
    while !cleaner.errors.is_full() && cleaner.next().is_some() {}
    let cleaned = cleaner.finish();
    if cleaned.errors.is_empty() {
        Ok(cleaned.report)
    } else {
        Err(cleaned.errors)
    }
}

impl<R: Read> Iterator for Cleaner<R> {
    type Item = Result<Vec<Event>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.len() < BATCH_ROWS {
            match self
                .read_invoice()
                .and_then(|lines| self.take_invoice(&lines).map(|()| lines.is_empty()))
            {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        let batch: Vec<_> = self.ready.drain(..self.ready.len().min(BATCH_ROWS)).collect();
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

impl<R: Read> Cleaner<R> {
    /// Products and report; call it when the iterator has ended.
    #[must_use]
    pub fn finish(self) -> Cleaned {
        let mut report = self.report;
        report.invoices_interrupted = self.open.interrupted();
        report.customers = self.customers.len() as u64;
        report.codes_never_sold = self
            .codes
            .iter()
            .filter(|code| !self.catalogue.holds(code))
            .count() as u64;
        let products = self.catalogue.into_products();
        report.products = products.len() as u64;
        Cleaned {
            products,
            report,
            errors: self.errors,
        }
    }

    /// The lines of the next invoice; none at the end of the file.
    fn read_invoice(&mut self) -> Result<Vec<Line>, RowError> {
        while let Some(row) = self.table.next_row() {
            self.report.lines += 1;
            match row.and_then(|fields| Line::read(&fields, &mut self.zone)) {
                Ok(line) => {
                    if let Some(closed) = self.open.add(line) {
                        return Ok(closed);
                    }
                }
                Err(error) => self.leave_out(error, 1)?,
            }
        }
        Ok(self.open.close())
    }

    fn leave_out(&mut self, error: RowError, lines: u64) -> Result<(), RowError> {
        if self.faults == Faults::Stop {
            return Err(error);
        }
        self.errors.push(error);
        self.report.unreadable += lines;
        Ok(())
    }

    fn take_invoice(&mut self, lines: &[Line]) -> Result<(), RowError> {
        let Some(first) = lines.first() else { return Ok(()) };
        if !self.invoices.insert(first.invoice.clone()) {
            let torn = first.invoice_fault(Problem::TornInvoice(first.invoice.clone()));
            return self.leave_out(torn, lines.len() as u64);
        }
        self.count_invoice(lines);
        let mut open = Draft::default();
        for (line, class) in lines.iter().zip(classify(lines)) {
            if !matches!(class, Class::NotProduct(_)) && !self.codes.contains(&line.code) {
                self.codes.insert(line.code.clone());
            }
            match class {
                Class::NotProduct(kind) => *self.report.not_products.entry(kind).or_default() += 1,
                Class::WrittenOff => self.report.stock_written_off += 1,
                Class::WrittenOn => self.report.stock_written_on += 1,
                Class::Free => self.report.free_of_charge += 1,
                Class::Purchase => self.take_purchase(line, &mut open)?,
                Class::Return => self.take_return(line, &mut open)?,
            }
        }
        self.close(open, first);
        Ok(())
    }

    fn count_invoice(&mut self, lines: &[Line]) {
        let report = &mut self.report;
        for line in lines {
            report.small_letter_codes += u64::from(line.small_letters);
            report.first = Some(report.first.map_or(line.time, |first| first.min(line.time)));
            report.last = report.last.max(Some(line.time));
        }
        report.cancellations += u64::from(lines.iter().any(Line::is_cancellation));
    }

    fn take_purchase<'a>(&mut self, line: &'a Line, open: &mut Draft<'a>) -> Result<(), RowError> {
        let units = units(line);
        self.catalogue.name(line);
        if let Some(customer) = &line.customer {
            self.ledger
                .buy(customer, &line.code, &line.invoice, line.time, units);
        } else {
            self.report.lines_without_customer += 1;
        }
        let key = format!("{}/{}/{}", line.invoice, line.code, line.pence);
        let group = (EventKind::Purchase, line.invoice.as_str());
        match open.add(line, key, group, units)? {
            Added::New => self.report.purchases += 1,
            Added::Copy => self.report.merged_copies += 1,
            Added::Repeat => self.report.merged_repeats += 1,
        }
        Ok(())
    }

    fn take_return<'a>(&mut self, line: &'a Line, open: &mut Draft<'a>) -> Result<(), RowError> {
        let units = units(line);
        let taken = match &line.customer {
            Some(customer) => self.ledger.take(customer, &line.code, line.time, units),
            None => Vec::new(),
        };
        let matched: u32 = taken.iter().map(|taken| taken.units).sum();
        let report = &mut self.report;
        report.return_units_matched += u64::from(matched);
        report.return_units_left_out += u64::from(units - matched);
        report.returns_split += u64::from(taken.len() > 1);
        *match (&line.customer, matched) {
            (None, _) => &mut report.returns_without_customer,
            (_, 0) => &mut report.returns_without_purchase,
            (_, matched) if matched < units => &mut report.returns_partly_matched,
            _ => &mut report.returns_matched,
        } += 1;
        for Taken { order, units } in &taken {
            let key = format!("{}/{}/{}/{order}", line.invoice, line.code, line.pence);
            open.add(line, key, (EventKind::Return, order), *units)?;
        }
        Ok(())
    }

    /// Puts the events of an invoice on the way.
    fn close(&mut self, open: Draft<'_>, first: &Line) {
        let mut bought = false;
        for event in open.events {
            if event.kind == EventKind::Purchase {
                bought = true;
                self.report.purchase_events += 1;
                self.catalogue
                    .price(&event.product, event.unit_price.map_or(0, Money::minor));
            } else {
                self.report.return_events += 1;
            }
            self.ready.push_back(event);
        }
        if bought {
            self.report.orders += 1;
            match &first.customer {
                None => self.report.orders_without_customer += 1,
                Some(customer) if self.customers.contains(customer) => {}
                Some(customer) => _ = self.customers.insert(customer.clone()),
            }
        }
    }
}

/// Units of a line, whichever way they went.
fn units(line: &Line) -> u32 {
    u32::try_from(line.quantity.unsigned_abs()).unwrap_or(u32::MAX)
}
