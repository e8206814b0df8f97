//! Which field of a row holds which column.

use super::fault::{Problem, RowError, RowErrors};
use super::mapping::Mapping;
use super::schema::{Need, Schema};

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
    pub fn find(schema: &Schema, names: &[String], mapping: &Mapping) -> Result<Self, RowErrors> {
        let mut header = Self {
            places: vec![None; schema.columns.len()],
            width: names.len(),
            unread: Vec::new(),
        };
        let mut errors = RowErrors::default();
        for (at, name) in names.iter().enumerate() {
            let mut columns = mapping.columns(schema, name).peekable();
            if columns.peek().is_none() {
                header.unread.push(name.clone());
            }
            for column in columns {
                match &mut header.places[column.index] {
                    place @ None => *place = Some(at),
                    Some(_) => errors.push(RowError::of_column(1, name, Problem::RepeatedColumn)),
                }
            }
        }
        for column in schema.columns {
            let Some(name) = mapping.name(column) else {
                continue;
            };
            // Who says what a column is called means that it is there.
            let must_be = column.need != Need::Optional || name != column.name;
            if header.places[column.index].is_none() && must_be {
                let missing = Problem::MissingColumn(names.join(","));
                errors.push(RowError::of_column(1, name, missing));
            }
        }
        if errors.is_empty() {
            Ok(header)
        } else {
            Err(errors)
        }
    }

    /// As [`Self::find`]; a column that nothing reads is a fault, unless a mapping says that the file is not of our
    /// own making.
    ///
    /// # Errors
    /// As of [`Self::find`], and every unknown column.
    pub fn find_strictly(schema: &Schema, names: &[String], mapping: &Mapping) -> Result<Self, RowErrors> {
        let found = Self::find(schema, names, mapping);
        if !mapping.is_empty() {
            return found;
        }
        let mut errors = RowErrors::default();
        for name in names.iter().filter(|name| schema.column(name).is_none()) {
            errors.push(RowError::of_column(1, name, unknown(schema, name)));
        }
        match found {
            Ok(header) if errors.is_empty() => Ok(header),
            Ok(_) => Err(errors),
            Err(found) => {
                found
                    .as_slice()
                    .iter()
                    .for_each(|error| errors.push(error.clone()));
                Err(errors)
            }
        }
    }
}

/// That nothing reads the column `name`.
pub(super) fn unknown(schema: &Schema, name: &str) -> Problem {
    Problem::UnknownColumn {
        nearest: schema.nearest(name).map(|column| column.name.to_owned()),
    }
}
