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
    missed: Vec<String>,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

/// By which share a bar may be missed: less is noise.
const LENIENCE: f64 = 0.03;

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

    /// Notes when a figure misses its bar.
    pub(super) fn bar(&mut self, name: &str, value: f64, bar: Bar) {
        let (kept, text) = match bar {
            Bar::AtLeast(least) => (value >= least * (1.0 - LENIENCE), format!("at least {least}")),
            Bar::AtMost(most) => (value <= most * (1.0 + LENIENCE), format!("at most {most}")),
        };
        if !kept {
            self.missed
                .push(format!("{name} is {}, {text} wanted", short(value)));
        }
    }

    /// # Errors
    /// When a bar was missed; names all that were.
    pub(super) fn check(&self) -> Result<()> {
        if self.missed.is_empty() {
            return Ok(());
        }
        anyhow::bail!("missed: {}", self.missed.join("; "))
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
