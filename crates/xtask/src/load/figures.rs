//! What was measured.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

/// One line of the table.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
}

/// The table.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    #[serde(skip)]
    pub(super) anchor: String,
    figures: Vec<Figure>,
}

impl Figures {
    pub(super) fn add(&mut self, name: &str, value: f64, unit: &str) {
        eprintln!("  {name}: {} {unit}", short(value));
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        });
    }

    /// `{"p50", "p99", "n"}` in microseconds.
    pub(super) fn latency(&mut self, name: &str, latency: &Value) {
        for key in ["p50", "p99"] {
            self.add(&format!("{name}, {key}"), super::number(latency, key) / 1e3, "ms");
        }
        self.add(&format!("{name}, n"), super::number(latency, "n"), "flips");
    }

    pub(super) fn print(&self) {
        println!("| figure | value |\n|---|---|");
        for Figure { name, value, unit } in &self.figures {
            println!("| {name} | {} {unit} |", short(*value));
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)?)?;
        Ok(())
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
