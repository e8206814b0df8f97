//! The catalogue from a file.

use std::path::Path;

use rayon::prelude::*;
use tandem_domain::id::{CategoryId, ProductId, SeriesId, ShopId};
use tandem_graph::ProductFacts;

use super::number;
use super::pages::{Page, Pages};
use super::rows::{Fields, Visit, value};
use crate::import::fault::{Problem, RowError, RowErrors, quoted};
use crate::import::generic::id;
use crate::import::schema::{Column, Schema};
use crate::import::tags;

const ID: Column = Column::required(0, "id");
const TITLE: Column = Column::optional(1, "title");
const CATEGORY: Column = Column::optional(2, "category");
const BRAND: Column = Column::optional(3, "brand");
const PRICE: Column = Column::optional(4, "price");
const SERIES: Column = Column::optional(5, "series");
const QUALITY: Column = Column::optional(6, "quality");
const TAGS: Column = Column::optional(7, "tags");

/// The columns of a file of products.
pub const SCHEMA: Schema = Schema {
    columns: &[&ID, &TITLE, &CATEGORY, &BRAND, &PRICE, &SERIES, &QUALITY, &TAGS],
};

/// Pages that a thread reads before it waits for the others.
const PAGES_PER_THREAD: usize = 4;

/// Reads a catalogue, and tells the columns that nothing reads. Titles are kept for those who read attributes.
///
/// # Errors
/// The faults of the file by line and column.
pub fn read(path: &Path, keep_titles: bool) -> Result<(Vec<ProductFacts>, Vec<String>), RowErrors> {
    let mut pages = Pages::open(path, &SCHEMA, "reading products")?;
    let header = std::mem::take(&mut pages.header);
    let sheet = || Sheet {
        products: Vec::new(),
        errors: RowErrors::default(),
        lines: 0,
        // One per page: threads that count who shares one text get in each other's way.
        shop: ShopId::new("offline").expect("a plain word is an id"),
        keep_titles,
    };
    let mut catalogue = Sheet {
        lines: pages.lines,
        ..sheet()
    };
    let mut fresh: Vec<Page> = Vec::new();
    fresh.resize_with(PAGES_PER_THREAD * rayon::current_num_threads(), Page::default);
    let mut goes_on = true;
    while goes_on && !catalogue.errors.is_full() {
        let (mut filled, mut broken) = (0, None);
        for page in &mut fresh {
            match pages.next(page).1 {
                Ok(true) => filled += 1,
                Ok(false) => goes_on = false,
                Err(problem) => broken = Some(problem),
            }
            if !goes_on || broken.is_some() {
                break;
            }
        }
        let read = |page: &Page| {
            let mut sheet = sheet();
            sheet.lines = page.rows().walk(&header, &mut sheet);
            sheet
        };
        let sheets: Vec<Sheet> = fresh[..filled].par_iter().map(read).collect();
        for sheet in sheets {
            if !catalogue.errors.is_full() {
                catalogue.append(sheet);
            }
        }
        if let Some(problem) = broken {
            goes_on = false;
            if !catalogue.errors.is_full() {
                let line = catalogue.lines + 1;
                catalogue.errors.push(RowError::of_line(line, problem));
            }
        }
    }
    drop(pages);
    if catalogue.errors.is_empty() {
        Ok((catalogue.products, header.unread))
    } else {
        Err(catalogue.errors)
    }
}

/// Products of one page, or of all before it.
struct Sheet {
    products: Vec<ProductFacts>,
    errors: RowErrors,
    /// Lines that they stood on.
    lines: u64,
    shop: ShopId,
    keep_titles: bool,
}

impl Sheet {
    /// Adds the page that follows.
    fn append(&mut self, next: Self) {
        self.products.extend(next.products);
        self.errors.append(next.errors, self.lines);
        self.lines += next.lines;
    }

    fn product<'a>(&self, fields: &impl Fields<'a>, line: u64) -> Result<ProductFacts, RowError> {
        let no_id = || RowError::of_column(line, ID.name, Problem::Empty);
        let title = value(fields, &TITLE, line, Ok)?;
        Ok(ProductFacts {
            id: value(fields, &ID, line, |raw| id(raw, ProductId::new))?.ok_or_else(no_id)?,
            shop: self.shop.clone(),
            title: title.filter(|_| self.keep_titles).map(str::to_owned),
            category: value(fields, &CATEGORY, line, |raw| id(raw, CategoryId::new))?,
            category_path: Vec::new(),
            brand: value(fields, &BRAND, line, |raw| Ok(raw.to_owned()))?,
            series: value(fields, &SERIES, line, |raw| id(raw, SeriesId::new))?,
            price: value(fields, &PRICE, line, number::price)?,
            quality: value(fields, &QUALITY, line, quality)?,
            tags: value(fields, &TAGS, line, tags::from_text)?.unwrap_or_default(),
            generated: false,
            listed: true,
        })
    }
}

impl<'a> Visit<'a> for Sheet {
    fn row(&mut self, _row: u64, line: u64, fields: &impl Fields<'a>) {
        match self.product(fields, line) {
            Ok(product) => self.products.push(product),
            Err(error) => self.errors.push(error),
        }
    }

    fn fault(&mut self, error: RowError) {
        self.errors.push(error);
    }
}

/// Between 0 and 1; the engine leaves NaN out.
fn quality(text: &str) -> Result<f64, Problem> {
    match text.parse::<f64>() {
        Ok(quality) if quality.is_nan() || (0.0..=1.0).contains(&quality) => Ok(quality),
        _ => Err(Problem::NotShare(quoted(text))),
    }
}
