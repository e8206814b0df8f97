//! Where the columns of a schema stand in a file that names them otherwise.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::schema::{Column, Schema};

/// What stands for the number of a row, from 1, in the text of `--set`.
const ROW: &str = "{row}";

/// `--map` and `--set`: columns that a file calls by other names, and columns that it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mapping {
    origins: BTreeMap<String, Origin>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Origin {
    /// A column of the file.
    Name(String),
    /// The same text in every row, but for [`ROW`].
    Text(String),
}

/// Why there is no such mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMapping {
    /// A column that no such file has.
    #[error("no column is called {0:?}; there are {1}")]
    Unknown(String, String),
    /// A column with two origins.
    #[error("{0} is given twice; say once where it comes from")]
    Repeated(String),
}

/// `COLUMN=REST`, as `--map` and `--set` are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    column: String,
    rest: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((column, rest)) if !column.is_empty() && !rest.is_empty() => Ok(Self {
                column: column.to_owned(),
                rest: rest.to_owned(),
            }),
            _ => Err("write COLUMN=NAME, such as product_id=sku"),
        }
    }
}

impl Mapping {
    /// The mapping of `renamed` and `constant` columns of `schema`.
    ///
    /// # Errors
    /// A column that is not in the schema, or is given twice.
    pub fn new(
        schema: &Schema,
        renamed: &[Assignment],
        constant: &[Assignment],
    ) -> Result<Self, InvalidMapping> {
        let renamed = renamed.iter().map(|one| (one, Origin::Name(one.rest.clone())));
        let constant = constant.iter().map(|one| (one, Origin::Text(one.rest.clone())));
        let mut origins = BTreeMap::new();
        for (one, origin) in renamed.chain(constant) {
            if schema.column(&one.column).is_none() {
                return Err(InvalidMapping::Unknown(one.column.clone(), schema.header()));
            }
            if origins.insert(one.column.clone(), origin).is_some() {
                return Err(InvalidMapping::Repeated(one.column.clone()));
            }
        }
        Ok(Self { origins })
    }

    /// Whether every column goes by its own name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The columns of `schema` that the file's column `name` fills.
    pub fn columns<'a>(
        &'a self,
        schema: &'a Schema,
        name: &'a str,
    ) -> impl Iterator<Item = &'static Column> + 'a {
        let columns = schema.columns.iter().copied();
        columns.filter(move |column| self.name(column) == Some(name))
    }

    /// What the file calls `column`; `None` where the file is not asked.
    #[must_use]
    pub fn name<'a>(&'a self, column: &'a Column) -> Option<&'a str> {
        match self.origins.get(column.name) {
            None => Some(column.name),
            Some(Origin::Name(name)) => Some(name),
            Some(Origin::Text(_)) => None,
        }
    }

    /// The columns that the file is not asked for.
    pub(super) fn constants(&self, schema: &Schema) -> Constants {
        let text = |column: &&Column| match self.origins.get(column.name) {
            Some(Origin::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let patterns: Vec<Option<String>> = schema.columns.iter().map(text).collect();
        Constants {
            texts: patterns.clone(),
            patterns,
        }
    }
}

/// The text of the columns that the file is not asked for, in the row at hand.
#[derive(Debug)]
pub(super) struct Constants {
    patterns: Vec<Option<String>>,
    texts: Vec<Option<String>>,
}

impl Constants {
    /// Goes to row `number`, from 1.
    pub(super) fn advance(&mut self, number: u64) {
        for (pattern, text) in self.patterns.iter().zip(&mut self.texts) {
            if let Some(pattern) = pattern.as_ref().filter(|pattern| pattern.contains(ROW)) {
                *text = Some(pattern.replace(ROW, &number.to_string()));
            }
        }
    }

    /// The text of `column`, where it is one of them.
    pub(super) fn get(&self, column: &Column) -> Option<&str> {
        self.texts[column.index].as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: Schema = Schema {
        columns: &[&Column::required(0, "id"), &Column::optional(1, "kind")],
    };

    fn assignments(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn one_column_of_a_file_can_fill_two() {
        let mapping = Mapping::new(&SCHEMA, &assignments(&["id=sku", "kind=sku"]), &[]).unwrap();
        let filled: Vec<_> = mapping
            .columns(&SCHEMA, "sku")
            .map(|column| column.name)
            .collect();
        assert_eq!(filled, ["id", "kind"]);
        assert_eq!(mapping.columns(&SCHEMA, "id").count(), 0);
    }

    #[test]
    fn the_number_of_the_row_stands_in_its_text() {
        let mapping = Mapping::new(&SCHEMA, &[], &assignments(&["id=w-{row}", "kind=view"])).unwrap();
        let mut constants = mapping.constants(&SCHEMA);
        for number in [1, 27] {
            constants.advance(number);
            assert_eq!(
                constants.get(SCHEMA.columns[0]),
                Some(format!("w-{number}").as_str())
            );
            assert_eq!(constants.get(SCHEMA.columns[1]), Some("view"));
        }
    }

    #[test]
    fn what_is_no_column_or_comes_twice_is_refused() {
        let unknown = Mapping::new(&SCHEMA, &assignments(&["sku=id"]), &[]).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "no column is called \"sku\"; there are id,kind"
        );
        let twice = Mapping::new(&SCHEMA, &assignments(&["id=a"]), &assignments(&["id=b"])).unwrap_err();
        assert_eq!(twice, InvalidMapping::Repeated("id".to_owned()));
        assert!("id".parse::<Assignment>().is_err() && "=x".parse::<Assignment>().is_err());
    }
}
