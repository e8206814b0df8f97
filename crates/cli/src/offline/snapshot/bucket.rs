//! `shard-NNNNN.parquet`.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Int64Builder, ListBuilder, StringBuilder, UInt8Builder, UInt32Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type, UInt8Type, UInt32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use tandem_domain::edge::Signal;
use tandem_graph::{BasketRow, Facts, JourneyRow, PartBuilder};

use super::manifest::Seal;
use super::packed::{self, BATCH_ROWS, Packing, list_of, values};

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("signal", DataType::Utf8, false),
        Field::new("day", DataType::Date32, true),
        Field::new("generated", DataType::Boolean, false),
        Field::new("items", list_of(DataType::UInt32), false),
        Field::new("halvings", list_of(DataType::UInt8), false),
        Field::new("first_ms", list_of(DataType::Int64), false),
        Field::new("last_ms", list_of(DataType::Int64), false),
        Field::new("bought", list_of(DataType::UInt32), false),
        Field::new("bought_halvings", list_of(DataType::UInt8), false),
        Field::new("bought_ms", list_of(DataType::Int64), false),
    ]))
});

/// The signals by their names in the file.
const SIGNALS: [(Signal, &str); 5] = [
    (Signal::CoPurchase, "co_purchase"),
    (Signal::CoCart, "co_cart"),
    (Signal::CoView, "co_view"),
    (Signal::Scene, "scene"),
    (Signal::ViewedThenBought, "viewed_then_bought"),
];

fn name(signal: Signal) -> &'static str {
    let found = SIGNALS.iter().find(|(known, _)| *known == signal);
    found.map_or("", |(_, name)| name)
}

/// Writes all that the rows of `stretch` read.
pub(super) fn write(path: &Path, facts: &Facts, stretch: &Range<u32>) -> Result<Seal> {
    let mut file = Packing::begin(path, &SCHEMA)?;
    let mut rows = Columns::default();
    facts.baskets_of(stretch, |basket| {
        rows.basket(basket);
        rows.hand_on(&mut file, BATCH_ROWS)
    })?;
    for journey in facts.journeys_of(stretch) {
        rows.journey(&journey);
        rows.hand_on(&mut file, BATCH_ROWS)?;
    }
    rows.hand_on(&mut file, 1)?;
    file.end()
}

type Numbers = ListBuilder<UInt32Builder>;
type Halvings = ListBuilder<UInt8Builder>;
type Times = ListBuilder<Int64Builder>;

/// Rows on their way into the file.
struct Columns {
    rows: usize,
    signal: StringBuilder,
    day: Date32Builder,
    generated: BooleanBuilder,
    items: Numbers,
    halvings: Halvings,
    first_ms: Times,
    last_ms: Times,
    bought: Numbers,
    bought_halvings: Halvings,
    bought_ms: Times,
}

impl Default for Columns {
    fn default() -> Self {
        let item = |kind| Field::new("item", kind, false);
        let numbers = || Numbers::new(UInt32Builder::new()).with_field(item(DataType::UInt32));
        let halvings = || Halvings::new(UInt8Builder::new()).with_field(item(DataType::UInt8));
        let times = || Times::new(Int64Builder::new()).with_field(item(DataType::Int64));
        Self {
            rows: 0,
            signal: StringBuilder::new(),
            day: Date32Builder::new(),
            generated: BooleanBuilder::new(),
            items: numbers(),
            halvings: halvings(),
            first_ms: times(),
            last_ms: times(),
            bought: numbers(),
            bought_halvings: halvings(),
            bought_ms: times(),
        }
    }
}

impl Columns {
    fn basket(&mut self, basket: BasketRow<'_>) {
        self.signal.append_value(name(basket.signal));
        self.day.append_value(basket.day);
        self.generated.append_value(basket.generated);
        self.items.values().append_slice(basket.items);
        self.halvings.values().append_slice(basket.halvings);
        self.end_row();
    }

    fn journey(&mut self, journey: &JourneyRow) {
        self.signal.append_value(name(Signal::ViewedThenBought));
        self.day.append_null();
        self.generated.append_value(journey.generated);
        for &(item, first_ms, last_ms, halvings) in &journey.viewed {
            self.items.values().append_value(item);
            self.halvings.values().append_value(halvings);
            self.first_ms.values().append_value(first_ms);
            self.last_ms.values().append_value(last_ms);
        }
        for &(item, last_ms, halvings) in &journey.bought {
            self.bought.values().append_value(item);
            self.bought_halvings.values().append_value(halvings);
            self.bought_ms.values().append_value(last_ms);
        }
        self.end_row();
    }

    fn end_row(&mut self) {
        self.items.append(true);
        self.halvings.append(true);
        self.first_ms.append(true);
        self.last_ms.append(true);
        self.bought.append(true);
        self.bought_halvings.append(true);
        self.bought_ms.append(true);
        self.rows += 1;
    }

    /// Writes the rows once there are so many.
    fn hand_on(&mut self, file: &mut Packing, least: usize) -> Result<()> {
        if self.rows < least {
            return Ok(());
        }
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.signal.finish()),
            Arc::new(self.day.finish()),
            Arc::new(self.generated.finish()),
            Arc::new(self.items.finish()),
            Arc::new(self.halvings.finish()),
            Arc::new(self.first_ms.finish()),
            Arc::new(self.last_ms.finish()),
            Arc::new(self.bought.finish()),
            Arc::new(self.bought_halvings.finish()),
            Arc::new(self.bought_ms.finish()),
        ];
        file.put(columns)
    }
}

/// Reads a bucket into the part that it is for.
pub(super) fn read(path: &Path, seal: &Seal, part: &mut PartBuilder<'_>) -> Result<()> {
    let mut number = 0_u64;
    for batch in packed::open(path, seal, &SCHEMA)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            number += 1;
            take(&batch, row, part).with_context(|| format!("row {number}"))?;
        }
    }
    Ok(())
}

/// A row of a batch of our schema.
fn take(batch: &RecordBatch, row: usize, part: &mut PartBuilder<'_>) -> Result<()> {
    let numbers = |at: usize| values::<UInt32Type>(batch.column(at).as_list(), row);
    let halvings = |at: usize| values::<UInt8Type>(batch.column(at).as_list(), row);
    let times = |at: usize| values::<Int64Type>(batch.column(at).as_list(), row);
    let text = batch.column(0).as_string::<i32>().value(row);
    let known = SIGNALS.iter().find(|(_, name)| *name == text);
    let &(signal, _) = known.with_context(|| format!("no signal is called {text:?}"))?;
    let days = batch.column(1).as_primitive::<Date32Type>();
    let generated = batch.column(2).as_boolean().value(row);
    let (items, halved) = (numbers(3), halvings(4));
    if signal != Signal::ViewedThenBought {
        ensure!(days.is_valid(row), "a basket without a day");
        part.basket(BasketRow {
            signal,
            day: days.value(row),
            generated,
            items,
            halvings: halved,
        })?;
        return Ok(());
    }
    let (firsts, lasts) = (times(5), times(6));
    let (bought, bought_halved, bought_ms) = (numbers(7), halvings(8), times(9));
    let viewed = [halved.len(), firsts.len(), lasts.len()];
    ensure!(
        viewed == [items.len(); 3] && [bought_halved.len(), bought_ms.len()] == [bought.len(); 2],
        "times or halvings that are not beside their products"
    );
    let viewed = items.iter().zip(firsts).zip(lasts).zip(halved);
    let bought = bought.iter().zip(bought_ms).zip(bought_halved);
    part.journey(&JourneyRow {
        viewed: viewed
            .map(|(((&item, &first), &last), &halvings)| (item, first, last, halvings))
            .collect(),
        bought: bought
            .map(|((&item, &last), &halvings)| (item, last, halvings))
            .collect(),
        generated,
    })?;
    Ok(())
}
