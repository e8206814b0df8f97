//! What became of each line.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;

use super::kind::NotProduct;

/// Every line is counted in exactly one of the line counters, so that they add up to `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CleaningReport {
    /// Lines below the header.
    pub lines: u64,

    /// Lines that became a purchase.
    pub purchases: u64,
    /// Exact copies of another line of the invoice; their units went to it.
    pub merged_copies: u64,
    /// Further lines of the same product at the same price in the invoice; their units went to the first.
    pub merged_repeats: u64,
    /// Returns whose units all left orders in the file.
    pub returns_matched: u64,
    /// Returns of which only a part did.
    pub returns_partly_matched: u64,
    /// Returns by a customer who has no such purchase left in the file.
    pub returns_without_purchase: u64,
    /// Returns that name no customer.
    pub returns_without_customer: u64,
    /// Stock written off.
    pub stock_written_off: u64,
    /// Stock that was found or put back.
    pub stock_written_on: u64,
    /// Units given away.
    pub free_of_charge: u64,
    /// Lines that charge for something else than a product.
    pub not_products: BTreeMap<NotProduct, u64>,
    /// Lines that could not be read and were left out.
    pub unreadable: u64,

    /// Invoices in which something was bought.
    pub orders: u64,
    /// Of these, without a customer.
    pub orders_without_customer: u64,
    /// Purchase lines (merged ones included) without a customer, kept in their orders.
    pub lines_without_customer: u64,
    /// `C…` invoices.
    pub cancellations: u64,
    /// Invoices with lines of others between their own.
    pub invoices_interrupted: u64,
    /// Purchase events.
    pub purchase_events: u64,
    /// Return events: one for each order that a return takes units from.
    pub return_events: u64,
    /// Return lines whose units came out of several orders.
    pub returns_split: u64,
    /// Units sent back that were matched.
    pub return_units_matched: u64,
    /// Units sent back that were left out.
    pub return_units_left_out: u64,
    /// Lines whose stock code has small letters.
    pub small_letter_codes: u64,
    /// Customers who bought.
    pub customers: u64,
    /// Products that were sold.
    pub products: u64,
    /// Codes of products that were adjusted, given away or sent back, but never sold.
    pub codes_never_sold: u64,
    /// Time of the first line.
    pub first: Option<Timestamp>,
    /// Time of the last line.
    pub last: Option<Timestamp>,
}

impl CleaningReport {
    /// The sum of the line counters; equal to `lines`.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        let sum = |rows: Vec<(&str, u64)>| rows.iter().map(|(_, n)| n).sum::<u64>();
        sum(self.line_rows()) + self.not_products.values().sum::<u64>()
    }

    fn line_rows(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("purchases", self.purchases),
            ("exact copies, merged", self.merged_copies),
            ("repeats of a product, merged", self.merged_repeats),
            ("returns matched to their orders", self.returns_matched),
            ("returns matched in part", self.returns_partly_matched),
            (
                "returns without a purchase in the file",
                self.returns_without_purchase,
            ),
            ("returns without a customer", self.returns_without_customer),
            ("stock written off", self.stock_written_off),
            ("stock written on", self.stock_written_on),
            ("free of charge", self.free_of_charge),
            ("unreadable", self.unreadable),
        ]
    }

    fn fact_rows(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("orders", self.orders),
            ("  without a customer", self.orders_without_customer),
            ("  their purchase lines", self.lines_without_customer),
            ("cancelling invoices", self.cancellations),
            ("interrupted invoices", self.invoices_interrupted),
            ("purchase events", self.purchase_events),
            ("return events", self.return_events),
            ("  returns split over several orders", self.returns_split),
            ("  units matched", self.return_units_matched),
            ("  units left out", self.return_units_left_out),
            ("lines with small letters in the code", self.small_letter_codes),
            ("customers", self.customers),
            ("products", self.products),
            ("codes never sold", self.codes_never_sold),
        ]
    }
}

impl fmt::Display for CleaningReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        for (name, count) in self.line_rows() {
            table.add_row([name.to_owned(), grouped(count)]);
        }
        for (kind, count) in &self.not_products {
            table.add_row([format!("no product: {kind}"), grouped(*count)]);
        }
        table.add_row(["lines read".to_owned(), grouped(self.lines)]);
        table.add_row(["", ""]);
        for (name, count) in self.fact_rows() {
            table.add_row([name.to_owned(), grouped(count)]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{}", table.trim_fmt())
    }
}

/// `541909` → `541,909`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
