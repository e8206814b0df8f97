//! The catalogue from a file.

use std::path::Path;

use rayon::prelude::*;
use tandem_domain::id::{CategoryId, InvalidId, ProductId, SeriesId, ShopId, check};
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

/// What a file held.
#[derive(Debug)]
pub struct Catalogue {
    /// Its products, in pieces.
    pub pages: Vec<Vec<ProductFacts>>,
    /// Columns of the file that nothing reads.
    pub unread: Vec<String>,
}

/// What of a product is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All of it.
    Attributes,
    /// Its id and its price; attributes are looked at for faults alone.
    Bare,
}

/// Reads a catalogue.
///
/// # Errors
/// The faults of the file by line and column.
pub fn read(path: &Path, keep: Keep) -> Result<Catalogue, RowErrors> {
    let mut pages = Pages::open(path, &SCHEMA, "reading products")?;
    let header = std::mem::take(&mut pages.header);
    let sheet = || Sheet {
        products: Vec::new(),
        errors: RowErrors::default(),
        lines: 0,
        // One per page: threads that count who shares one text get in each other's way.
        shop: ShopId::new("offline").expect("a plain word is an id"),
        keep,
    };
    let mut all = Gathered {
        pages: Vec::new(),
        errors: RowErrors::default(),
        lines: pages.lines,
    };
    let mut fresh: Vec<Page> = Vec::new();
    fresh.resize_with(PAGES_PER_THREAD * rayon::current_num_threads(), Page::default);
    let mut goes_on = true;
    while goes_on && !all.errors.is_full() {
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
            sheet.products.reserve(page.rows_about());
            sheet.lines = page.rows().walk(&header, &mut sheet);
            sheet
        };
        let sheets: Vec<Sheet> = fresh[..filled].par_iter().map(read).collect();
        sheets.into_iter().for_each(|sheet| all.append(sheet));
        if let Some(problem) = broken {
            goes_on = false;
            all.errors.append(RowError::of_line(1, problem).into(), all.lines);
        }
    }
    drop(pages);
    if all.errors.is_empty() {
        Ok(Catalogue {
            pages: all.pages,
            unread: header.unread,
        })
    } else {
        Err(all.errors)
    }
}

/// What the pages of a file add up to.
struct Gathered {
    pages: Vec<Vec<ProductFacts>>,
    errors: RowErrors,
    /// Lines of the file before the next page.
    lines: u64,
}

impl Gathered {
    /// Adds the page that follows.
    fn append(&mut self, next: Sheet) {
        self.pages.push(next.products);
        self.errors.append(next.errors, self.lines);
        self.lines += next.lines;
    }
}

/// Products of one page.
struct Sheet {
    products: Vec<ProductFacts>,
    errors: RowErrors,
    /// Lines that they stood on.
    lines: u64,
    shop: ShopId,
    keep: Keep,
}

impl Sheet {
    fn product<'a>(&self, fields: &impl Fields<'a>, line: u64) -> Result<ProductFacts, RowError> {
        let keeps = self.keep == Keep::Attributes;
        // What is not kept is looked at all the same.
        let text = |raw: &str| Ok(keeps.then(|| raw.to_owned()));
        let no_id = || RowError::of_column(line, ID.name, Problem::Empty);
        let title = value(fields, &TITLE, line, text)?;
        Ok(ProductFacts {
            id: value(fields, &ID, line, |raw| id(raw, ProductId::new))?.ok_or_else(no_id)?,
            shop: self.shop.clone(),
            title: title.flatten(),
            category: value(fields, &CATEGORY, line, |raw| self.name(raw, CategoryId::new))?.flatten(),
            category_path: Vec::new(),
            brand: value(fields, &BRAND, line, text)?.flatten(),
            series: value(fields, &SERIES, line, |raw| self.name(raw, SeriesId::new))?.flatten(),
            price: value(fields, &PRICE, line, number::price)?,
            quality: value(fields, &QUALITY, line, quality)?.filter(|_| keeps),
            tags: value(fields, &TAGS, line, tags::from_text)?
                .filter(|_| keeps)
                .unwrap_or_default(),
            generated: false,
            listed: true,
        })
    }

    /// An id, where it is kept.
    fn name<'a, T>(
        &self,
        raw: &'a str,
        new: impl FnOnce(&'a str) -> Result<T, InvalidId>,
    ) -> Result<Option<T>, Problem> {
        match self.keep {
            Keep::Attributes => id(raw, new).map(Some),
            Keep::Bare => id(raw, check).map(|()| None),
        }
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
