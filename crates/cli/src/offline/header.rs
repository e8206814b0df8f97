//! Which field of a row holds which column.

use crate::import::fault::{Problem, RowError, RowErrors};
use crate::import::schema::{Need, Schema};

/// The places of a schema's columns in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Field of a row by the column's index; `None` where the file lacks it.
    pub places: Vec<Option<usize>>,
    /// Fields of a row.
    pub width: usize,
    /// Columns of the file that nothing reads.
    pub unread: Vec<String>,
}

impl Header {
    /// Finds the columns of `schema` among `names`; other columns may stand there too.
    ///
    /// # Errors
    /// A column twice, or none where one must be.
    pub fn find(schema: &Schema, names: &[String]) -> Result<Self, RowErrors> {
        let mut header = Self {
            places: vec![None; schema.columns.len()],
            width: names.len(),
            unread: Vec::new(),
        };
        let mut errors = RowErrors::default();
        for (at, name) in names.iter().enumerate() {
            match schema.column(name) {
                None => header.unread.push(name.clone()),
                Some(column) if header.places[column.index].is_none() => {
                    header.places[column.index] = Some(at);
                }
                Some(_) => errors.push(RowError::of_column(1, name, Problem::RepeatedColumn)),
            }
        }
        for column in schema.columns {
            if header.places[column.index].is_none() && column.need != Need::Optional {
                let missing = Problem::MissingColumn(names.join(","));
                errors.push(RowError::of_column(1, column.name, missing));
            }
        }
        if errors.is_empty() {
            Ok(header)
        } else {
            Err(errors)
        }
    }
}
