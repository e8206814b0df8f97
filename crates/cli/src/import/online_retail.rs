//! The Online Retail data set of the UCI repository: a wholesaler's invoice lines, dirty as they come.
//!
//! A [`Cleaner`] hands out events invoice by invoice and, at the end, products and a [`CleaningReport`] in which every line of the file
//! is counted once. The rules, in the order in which a line meets them:
//!
//! 1. **No product**: postage, carriage, manual entries, discounts, samples, fees, commission, vouchers, bad debt, test codes
//!    ([`NotProduct`]), told by stock code. Stock codes are compared in upper case, since `85123a` and `85123A` are one product.
//! 2. **Return**: the lines of `C…` invoices, and negative quantities with a price. Its units leave the latest earlier purchase of the same
//!    customer and product that has enough units left; where none has, they are split over several, latest first.
//!    Units that no purchase in the file explains are left out and counted: they belong to orders from before the file begins,
//!    and would count against purchases that nobody sent back.
//! 3. **Stock adjustment**: a quantity of 0 or less without a price ("damaged", "lost", "check", nothing), or units that appear at
//!    no price in an invoice without customer and without any sale ("found").
//! 4. **Free of charge**: units without a price (less than half a penny) in a customer's or paid invoice. Nobody chose to buy them.
//! 5. **Purchase**: what is left. Lines of one invoice with the same product and price are one event, their quantities added.
//!    A line without customer keeps its order.
//!
//! Event ids are made of invoice, stock code and price in pence (returns: and the order that they leave), so that importing twice changes nothing.
//! Times are London's, without zone in the file. A product's title is the description that most of its sales carry, in title case,
//! its price the median of its events in pence.

mod catalogue;
mod cleaner;
mod draft;
mod invoice;
mod kind;
mod ledger;
mod line;
mod report;
mod time;
mod title;
mod window;

pub use cleaner::{Cleaned, Cleaner, clean, validate};
pub use kind::NotProduct;
pub use report::CleaningReport;

#[cfg(test)]
mod tests;
