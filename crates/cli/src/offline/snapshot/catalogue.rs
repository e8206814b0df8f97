//! `products.parquet`.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result};
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, UInt32Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use tandem_domain::id::{CategoryId, ProductId, ShopId};
use tandem_graph::{Facts, ProductRow};

use super::manifest::Seal;
use super::packed::{self, BATCH_ROWS, Packing, list_of, values};

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("shop", DataType::Utf8, false),
        Field::new("category", DataType::Utf8, true),
        Field::new("parent", DataType::UInt32, true),
        Field::new("brand", DataType::UInt32, true),
        Field::new("series", DataType::UInt32, true),
        Field::new("price", DataType::Int64, true),
        Field::new("quality", DataType::Float64, true),
        Field::new("tags", list_of(DataType::UInt32), false),
        Field::new("words", list_of(DataType::UInt32), false),
        Field::new("generated", DataType::Boolean, false),
        Field::new("listed", DataType::Boolean, false),
        Field::new("fingerprint", DataType::UInt32, false),
    ]))
});

/// Writes every product of `facts`.
pub(super) fn write(path: &Path, facts: &Facts) -> Result<Seal> {
    let mut file = Packing::begin(path, &SCHEMA)?;
    let indexes: Vec<u32> = (0..).take(facts.ids().len()).collect();
    for some in indexes.chunks(BATCH_ROWS) {
        let rows: Vec<ProductRow> = some.iter().map(|&index| facts.product(index)).collect();
        file.put(columns(&rows))?;
    }
    file.end()
}

fn columns(rows: &[ProductRow]) -> Vec<ArrayRef> {
    let [mut ids, mut shops, mut categories]: [StringBuilder; 3] = Default::default();
    let mut numbers: [UInt32Builder; 3] = Default::default();
    let (mut prices, mut qualities) = (Int64Builder::new(), Float64Builder::new());
    let item = Field::new("item", DataType::UInt32, false);
    let lists = || ListBuilder::new(UInt32Builder::new()).with_field(item.clone());
    let (mut tags, mut words) = (lists(), lists());
    let (mut generated, mut listed) = (BooleanBuilder::new(), BooleanBuilder::new());
    let mut fingerprints = UInt32Builder::new();
    for row in rows {
        ids.append_value(row.id.as_str());
        shops.append_value(row.shop.as_str());
        categories.append_option(row.category.as_ref().map(CategoryId::as_str));
        let known = [row.parent, row.brand, row.series];
        for (column, number) in numbers.iter_mut().zip(known) {
            column.append_option(number);
        }
        prices.append_option(row.price);
        qualities.append_option(row.quality);
        for (column, numbers) in [(&mut tags, &row.tags), (&mut words, &row.words)] {
            column.values().append_slice(numbers);
            column.append(true);
        }
        generated.append_value(row.generated);
        listed.append_value(row.listed);
        fingerprints.append_value(row.fingerprint);
    }
    let [mut parents, mut brands, mut series] = numbers;
    vec![
        Arc::new(ids.finish()),
        Arc::new(shops.finish()),
        Arc::new(categories.finish()),
        Arc::new(parents.finish()),
        Arc::new(brands.finish()),
        Arc::new(series.finish()),
        Arc::new(prices.finish()),
        Arc::new(qualities.finish()),
        Arc::new(tags.finish()),
        Arc::new(words.finish()),
        Arc::new(generated.finish()),
        Arc::new(listed.finish()),
        Arc::new(fingerprints.finish()),
    ]
}

/// Reads the products again.
pub(super) fn read(path: &Path, seal: &Seal) -> Result<Vec<ProductRow>> {
    let mut rows = Vec::new();
    for batch in packed::open(path, seal, &SCHEMA)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let place = || format!("product {}", rows.len());
            let product = product(&batch, row).with_context(place)?;
            rows.push(product);
        }
    }
    Ok(rows)
}

/// A row of a batch of our schema.
fn product(batch: &RecordBatch, row: usize) -> Result<ProductRow> {
    let column = |name: &str| {
        let (at, _) = SCHEMA.fields().find(name).expect("a column of the schema");
        batch.column(at)
    };
    let number = |name: &str| {
        let column = column(name).as_primitive::<UInt32Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let list = |name: &str| values::<UInt32Type>(column(name).as_list(), row).to_vec();
    let flag = |name: &str| BooleanArray::value(column(name).as_boolean(), row);
    let text = |name: &str| column(name).as_string::<i32>().value(row);
    let (categories, prices) = (column("category"), column("price").as_primitive::<Int64Type>());
    let qualities = column("quality").as_primitive::<Float64Type>();
    let category = categories.is_valid(row).then(|| text("category"));
    Ok(ProductRow {
        id: ProductId::new(text("id"))?,
        shop: ShopId::new(text("shop"))?,
        category: category.map(CategoryId::new).transpose()?,
        parent: number("parent"),
        brand: number("brand"),
        series: number("series"),
        price: prices.is_valid(row).then(|| prices.value(row)),
        quality: qualities.is_valid(row).then(|| qualities.value(row)),
        tags: list("tags"),
        words: list("words"),
        generated: flag("generated"),
        listed: flag("listed"),
        fingerprint: column("fingerprint").as_primitive::<UInt32Type>().value(row),
    })
}
