//! Where in a request a field stands.

use std::fmt;

/// Longest part of a map key that is shown.
const SHOWN_KEY_CHARS: usize = 32;

/// A field's place, such as `reports[3].set.source_version`. Costs nothing until it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// A field of the request itself.
    pub(crate) const fn of(field: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Field(field),
        }
    }

    /// A field of the message that stands here.
    pub(crate) const fn field<'b>(&'b self, field: &'b str) -> Path<'b> {
        self.then(Step::Field(field))
    }

    /// An element of the list that stands here.
    pub(crate) const fn at(&self, index: usize) -> Path<'_> {
        self.then(Step::Index(index))
    }

    /// An entry of the map that stands here.
    pub(crate) const fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        self.then(Step::Key(key))
    }

    const fn then<'b>(&'b self, step: Step<'b>) -> Path<'b> {
        Path {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let shown: String = key.chars().take(SHOWN_KEY_CHARS).collect();
                write!(f, "[{shown:?}]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_the_field_is_written() {
        let reports = Path::of("reports");
        let set = reports.at(3);
        let set = set.field("set");
        assert_eq!(
            set.field("source_version").to_string(),
            "reports[3].set.source_version"
        );
        assert_eq!(
            Path::of("tags").key("co\nlour").to_string(),
            r#"tags["co\nlour"]"#
        );
    }
}
