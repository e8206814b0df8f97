//! The events of the invoice at hand.

use std::collections::HashMap;

use tandem_domain::catalog::Provenance;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::EventId;
use tandem_domain::money::Money;

use super::line::Line;
use crate::import::fault::{Problem, RowError};

/// The events of the invoice at hand.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) events: Vec<Event>,
    /// Event and lines by event id.
    places: HashMap<String, (usize, Vec<&'a Line>)>,
}

/// What became of a line's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// An event of their own.
    New,
    /// Added to the event of a line that says the same.
    Copy,
    /// Added to the event of a line that differs in quantity, description or minute.
    Repeat,
}

impl<'a> Draft<'a> {
    /// Adds `units` to the event with id `key`, which is made if it is new.
    pub(super) fn add(
        &mut self,
        line: &'a Line,
        key: String,
        (kind, group): (EventKind, &str),
        units: u32,
    ) -> Result<Added, RowError> {
        if let Some((place, lines)) = self.places.get_mut(&key) {
            let event = &mut self.events[*place];
            event.quantity = event.quantity.saturating_add(units);
            let is_copy = lines.iter().any(|earlier| earlier.is_copy_of(line));
            lines.push(line);
            return Ok(if is_copy { Added::Copy } else { Added::Repeat });
        }
        let id = EventId::new(&key).map_err(|why| line.invoice_fault(Problem::Id(key.clone(), why)))?;
        self.places.insert(key, (self.events.len(), vec![line]));
        self.events.push(Event {
            id,
            kind,
            product: line.code.clone(),
            user: line.customer.clone(),
            group: Some(group.to_owned()),
            scene: None,
            quantity: units,
            unit_price: Money::price(line.pence).ok(),
            time: line.time,
            provenance: Provenance::Real,
            dwell_ms: None,
            attribution: None,
        });
        Ok(Added::New)
    }
}
