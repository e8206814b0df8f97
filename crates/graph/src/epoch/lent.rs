use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// 1.0 in [`Lent`].
pub(crate) const LENT_ONE: f64 = (1 << 20) as f64;

/// What neighbours' rows lend to each anchor, by the record's index: a sparse matrix of fixed-point numbers. In bytes:
/// per anchor the number of its companions, then per companion the step from the one before and the value, all as
/// LEB128 (3 to 4 bytes a companion); in text: Base64.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Lent {
    bytes: Vec<u8>,
}

impl Lent {
    /// One row per product of the record, companions ascending.
    pub(crate) fn of(rows: impl IntoIterator<Item = Vec<(u32, u32)>>) -> Self {
        let mut lent = Self::default();
        for row in rows {
            lent.write(crate::facts::dense(row.len()));
            let mut before = 0;
            for (item, value) in row {
                lent.write(item - before);
                lent.write(value);
                before = item;
            }
        }
        lent
    }

    fn write(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The rows again; damaged bytes end them early.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { bytes: &self.bytes }
    }
}

/// Reads [`Lent`] row by row.
pub(crate) struct Rows<'a> {
    bytes: &'a [u8],
}

impl Rows<'_> {
    /// Whether every byte was read as part of a row.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    fn read(&mut self) -> Option<u32> {
        let mut number = 0_u32;
        for shift in (0..35).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Iterator for Rows<'_> {
    type Item = Vec<(u32, u32)>;

    fn next(&mut self) -> Option<Self::Item> {
        let length = self.read()?;
        let mut row = Vec::new();
        let mut item = 0_u32;
        for _ in 0..length {
            item = item.checked_add(self.read()?)?;
            row.push((item, self.read()?));
        }
        Some(row)
    }
}

impl Serialize for Lent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for Lent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        Ok(Self { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_bytes_and_text() {
        let rows = vec![
            vec![(0, 5), (3, 1 << 20), (1_000_000, u32::MAX)],
            Vec::new(),
            vec![(u32::MAX, 0)],
        ];
        let lent = Lent::of(rows.clone());
        let text = serde_json::to_string(&lent).unwrap();
        let back: Lent = serde_json::from_str(&text).unwrap();
        assert_eq!(back, lent);
        assert_eq!(back.rows().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn damaged_bytes_end_the_rows_and_nothing_else() {
        let mut lent = Lent::of([vec![(1, 2), (7, 300)]]);
        lent.bytes.pop();
        assert_eq!(lent.rows().count(), 0);
        let endless = Lent { bytes: vec![0xff; 9] };
        assert_eq!(endless.rows().count(), 0);
    }
}
