//! Which columns a file may have.

/// One column of a [`Schema`].
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Place in [`Schema::columns`].
    pub index: usize,
    /// Name in the header.
    pub name: &'static str,
    /// Whether a file may lack it.
    pub need: Need,
}

/// Whether a column may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every row has a value.
    Required,
    /// The column may be absent and values may be empty.
    Optional,
    /// The column must be there; its values may be empty.
    Nullable,
}

impl Column {
    /// A column that every row fills.
    #[must_use]
    pub const fn required(index: usize, name: &'static str) -> Self {
        Self {
            index,
            name,
            need: Need::Required,
        }
    }

    /// A column that may be absent or empty.
    #[must_use]
    pub const fn optional(index: usize, name: &'static str) -> Self {
        Self {
            index,
            name,
            need: Need::Optional,
        }
    }

    /// A column that must be there and may be empty.
    #[must_use]
    pub const fn nullable(index: usize, name: &'static str) -> Self {
        Self {
            index,
            name,
            need: Need::Nullable,
        }
    }
}

/// The columns of a kind of file, each at its own index.
#[derive(Debug)]
pub struct Schema {
    /// All columns.
    pub columns: &'static [&'static Column],
}

impl Schema {
    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().copied().find(|column| column.name == name)
    }

    /// The column with the name most like `name`, if any is close.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&'static Column> {
        let wanted = name.trim().to_lowercase();
        self.columns
            .iter()
            .copied()
            .map(|column| (strsim::jaro_winkler(&wanted, &column.name.to_lowercase()), column))
            .filter(|(likeness, _)| *likeness >= 0.75)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, column)| column)
    }

    /// The names, with commas between them.
    #[must_use]
    pub fn header(&self) -> String {
        self.columns
            .iter()
            .map(|column| column.name)
            .collect::<Vec<_>>()
            .join(",")
    }
}
