//! A column of values as text.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{AnyDictionaryArray, Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use crate::import::fault::Problem;

/// 1973, as in [`crate::import::moment`]: smaller numbers are seconds.
const LEAST_MS: i64 = 100_000_000_000;

/// The values of a column, end to end; empty text is "not known".
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    text: String,
    ends: Vec<usize>,
}

impl TextColumn {
    /// Writes a column as a CSV file would have it: whole numbers without a point, times as milliseconds since 1970.
    pub(super) fn of(array: &ArrayRef) -> Result<Self, Problem> {
        let mut column = Self::default();
        match array.data_type() {
            DataType::Utf8 => column.texts(array.as_string::<i32>().iter()),
            DataType::LargeUtf8 => column.texts(array.as_string::<i64>().iter()),
            DataType::Utf8View => column.texts(array.as_string_view().iter()),
            DataType::Boolean => column.flags(array),
            DataType::Int8 => column.numbers::<Int8Type>(array),
            DataType::Int16 => column.numbers::<Int16Type>(array),
            DataType::Int32 => column.numbers::<Int32Type>(array),
            DataType::Int64 => column.numbers::<Int64Type>(array),
            DataType::UInt8 => column.numbers::<UInt8Type>(array),
            DataType::UInt16 => column.numbers::<UInt16Type>(array),
            DataType::UInt32 => column.numbers::<UInt32Type>(array),
            DataType::UInt64 => column.numbers::<UInt64Type>(array),
            DataType::Float32 => column.numbers::<Float32Type>(array),
            DataType::Float64 => column.numbers::<Float64Type>(array),
            DataType::Decimal128(_, scale) => column.decimals(array, *scale),
            DataType::Date32 => column.times::<Date32Type>(array, |days| Some(i64::from(days) * 86_400_000)),
            DataType::Timestamp(TimeUnit::Second, _) => {
                column.times::<TimestampSecondType>(array, |time| time.checked_mul(1000));
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                column.times::<TimestampMillisecondType>(array, Some);
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                column.times::<TimestampMicrosecondType>(array, |time| Some(time.div_euclid(1000)));
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                column.times::<TimestampNanosecondType>(array, |time| Some(time.div_euclid(1_000_000)));
            }
            DataType::Null => column.texts((0..array.len()).map(|_| None)),
            DataType::Dictionary(..) => column.dictionary(array)?,
            other => return Err(wrong(other)),
        }
        Ok(column)
    }

    /// The text of a row.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..self.ends[row]]).filter(|text| !text.is_empty())
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    fn flags(&mut self, array: &ArrayRef) {
        let name = |flag: bool| if flag { "true" } else { "false" };
        self.texts(array.as_boolean().iter().map(|flag| flag.map(name)));
    }

    fn texts<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>) {
        for value in values {
            self.text.push_str(value.unwrap_or_default());
            self.end();
        }
    }

    fn numbers<T: ArrowPrimitiveType<Native: std::fmt::Display>>(&mut self, array: &ArrayRef) {
        for value in array.as_primitive::<T>() {
            if let Some(value) = value {
                write!(self.text, "{value}").expect("a string takes everything");
            }
            self.end();
        }
    }

    fn times<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, ms: impl Fn(T::Native) -> Option<i64>) {
        for value in array.as_primitive::<T>() {
            if let Some(value) = value {
                // What does not fit, or would be read as seconds, is no time of a shop: the row's reader says so.
                let ms = ms(value).filter(|ms| *ms >= LEAST_MS).unwrap_or(i64::MAX);
                write!(self.text, "{ms}").expect("a string takes everything");
            }
            self.end();
        }
    }

    fn decimals(&mut self, array: &ArrayRef, scale: i8) {
        let digits = usize::from(scale.unsigned_abs());
        for value in array.as_primitive::<Decimal128Type>() {
            match value {
                None => {}
                Some(value) if scale <= 0 => {
                    write!(self.text, "{value}{:0<digits$}", "").expect("a string takes everything");
                }
                Some(value) => {
                    let sign = if value < 0 { "-" } else { "" };
                    let padded = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
                    let (whole, part) = padded.split_at(padded.len() - digits);
                    write!(self.text, "{sign}{whole}.{part}").expect("a string takes everything");
                }
            }
            self.end();
        }
    }

    fn dictionary(&mut self, array: &ArrayRef) -> Result<(), Problem> {
        let dictionary = array
            .as_any_dictionary_opt()
            .ok_or_else(|| wrong(array.data_type()))?;
        let words = Self::of(dictionary.values())?;
        for key in keys(dictionary, array) {
            self.text
                .push_str(key.and_then(|key| words.get(key)).unwrap_or_default());
            self.end();
        }
        Ok(())
    }
}

/// The place of every row's word; rows without a value have keys that point anywhere.
fn keys(dictionary: &dyn AnyDictionaryArray, rows: &dyn Array) -> Vec<Option<usize>> {
    if dictionary.values().is_empty() {
        return vec![None; rows.len()];
    }
    let keys = dictionary.normalized_keys().into_iter().enumerate();
    keys.map(|(row, key)| rows.is_valid(row).then_some(key)).collect()
}

fn wrong(kind: &DataType) -> Problem {
    let found = match kind {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "list",
        DataType::Struct(_) | DataType::Map(..) => "object",
        _ => "value of this kind",
    };
    Problem::WrongKind {
        found,
        wanted: "text, a number or a time",
    }
}
