//! The lines of one invoice, sorted into what they are.

use super::kind::NotProduct;
use super::line::Line;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    NotProduct(NotProduct),
    Return,
    WrittenOff,
    WrittenOn,
    Free,
    Purchase,
}

/// Classes of the lines of one invoice, in their order.
pub(super) fn classify(lines: &[Line]) -> Vec<Class> {
    let has_sale = lines.iter().any(|line| line.quantity > 0 && line.pence > 0);
    lines.iter().map(|line| class(line, has_sale)).collect()
}

fn class(line: &Line, in_paid_invoice: bool) -> Class {
    let is_priced = line.pence > 0;
    let is_order = in_paid_invoice || line.customer.is_some();
    match NotProduct::of(line.code.as_str(), &line.invoice) {
        Some(kind) => Class::NotProduct(kind),
        None if line.is_cancellation() || (line.quantity < 0 && is_priced) => Class::Return,
        None if line.quantity <= 0 => Class::WrittenOff,
        None if is_priced => Class::Purchase,
        None if is_order => Class::Free,
        None => Class::WrittenOn,
    }
}
