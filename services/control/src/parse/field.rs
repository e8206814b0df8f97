//! Single fields that several requests share.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{self, InvalidId};
use tandem_domain::money::Money;
use tandem_domain::relation::Relation;
use tandem_proto::v1 as pb;

use super::{Path, Violations};

/// Characters of a reason that goes to the audit trail.
pub(crate) const REASON_CHARS: usize = 500;

/// Versions, etags and generations are kept as signed 64-bit numbers.
pub(crate) const MAX_NUMBER: u64 = i64::MAX as u64;

/// The last millisecond of the year 9999, the end of `google.protobuf.Timestamp`.
const MAX_TIME_MS: i64 = 253_402_300_799_999;
/// The first millisecond of the year 1, its beginning.
const MIN_TIME_MS: i64 = -62_135_596_800_000;

impl Violations {
    /// A required id.
    pub(crate) fn id<T: FromStr<Err = InvalidId>>(&mut self, at: &Path<'_>, value: &str) -> Option<T> {
        self.check(at, value.parse())
    }

    /// An id, or nothing where it is empty.
    pub(crate) fn optional_id<T: FromStr<Err = InvalidId>>(
        &mut self,
        at: &Path<'_>,
        value: &str,
    ) -> Option<Option<T>> {
        match value {
            "" => Some(None),
            value => self.id(at, value).map(Some),
        }
    }

    /// A required text under the rule of ids that names nothing of ours, such as an idempotency key.
    pub(crate) fn key(&mut self, at: &Path<'_>, value: String) -> Option<String> {
        self.check(at, id::check(&value)).map(|()| value)
    }

    /// The same, or nothing where it is empty.
    pub(crate) fn optional_key(&mut self, at: &Path<'_>, value: String) -> Option<Option<String>> {
        if value.is_empty() {
            return Some(None);
        }
        self.key(at, value).map(Some)
    }

    /// The id of the request, which makes repeating it harmless.
    pub(crate) fn request_id(&mut self, value: &str) {
        if !value.is_empty() {
            self.check(&Path::of("request_id"), id::check(value));
        }
    }

    /// A text of so many characters without control characters.
    pub(crate) fn text(
        &mut self,
        at: &Path<'_>,
        value: String,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let length = value.chars().count();
        if value.is_empty() && *chars.start() > 0 {
            return self.refuse(at, "must not be empty");
        }
        if !chars.contains(&length) {
            let limit = chars.end();
            return self.refuse(
                at,
                format_args!("is {length} characters long, {limit} is the limit"),
            );
        }
        match value.char_indices().find(|(_, c)| c.is_control()) {
            Some((byte, _)) => self.refuse(at, format_args!("holds a control character at byte {byte}")),
            None => Some(value),
        }
    }

    /// The same, or nothing where it is empty.
    pub(crate) fn optional_text(
        &mut self,
        at: &Path<'_>,
        value: String,
        limit: usize,
    ) -> Option<Option<String>> {
        let text = self.text(at, value, 0..=limit)?;
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    /// Why, for the audit trail.
    pub(crate) fn reason(&mut self, at: &Path<'_>, value: String) -> Option<String> {
        self.text(at, value, 0..=REASON_CHARS)
    }

    /// A price, if there is one.
    pub(crate) fn price(&mut self, at: &Path<'_>, value: Option<pb::Money>) -> Option<Option<Money>> {
        match value {
            None => Some(None),
            Some(money) => self
                .check(&at.field("amount_minor"), Money::price(money.amount_minor))
                .map(Some),
        }
    }

    /// A time, if there is one.
    pub(crate) fn time(
        &mut self,
        at: &Path<'_>,
        value: Option<prost_types::Timestamp>,
    ) -> Option<Option<Timestamp>> {
        let Some(time) = value else { return Some(None) };
        match milliseconds(time) {
            Some(ms) => Some(Some(Timestamp::from_ms(ms))),
            None => self.refuse(at, "is no time between the years 1 and 9999"),
        }
    }

    /// A number from a range.
    pub(crate) fn number<N: PartialOrd + Display>(
        &mut self,
        at: &Path<'_>,
        value: N,
        range: RangeInclusive<N>,
    ) -> Option<N> {
        if range.contains(&value) {
            return Some(value);
        }
        let (low, high) = (range.start(), range.end());
        self.refuse(at, format_args!("must be from {low} to {high}, not {value}"))
    }

    /// An etag that we gave, if there is one.
    pub(crate) fn etag(&mut self, at: &Path<'_>, value: &str) -> Option<Option<u64>> {
        if value.is_empty() {
            return Some(None);
        }
        match value.parse::<u64>() {
            Ok(version) if version <= MAX_NUMBER => Some(Some(version)),
            _ => self.refuse(at, "is no etag of ours"),
        }
    }

    /// One of a closed set of values, which the wire carries as a number.
    pub(crate) fn known<E: TryFrom<i32>>(&mut self, at: &Path<'_>, value: i32) -> Option<E> {
        match E::try_from(value) {
            Ok(known) => Some(known),
            Err(_) => self.refuse(at, format_args!("{value} is no known value")),
        }
    }

    /// A relation, or none for all of them.
    pub(crate) fn relation(&mut self, at: &Path<'_>, value: i32) -> Option<Option<Relation>> {
        let relation = match self.known(at, value)? {
            pb::Relation::Unspecified => return Some(None),
            pb::Relation::Together => Relation::Together,
            pb::Relation::AlsoViewed => Relation::AlsoViewed,
            pb::Relation::Complement => Relation::Complement,
            pb::Relation::Substitute => Relation::Substitute,
            pb::Relation::Upsell => Relation::Upsell,
            pb::Relation::Series => Relation::Series,
        };
        Some(Some(relation))
    }

    /// Entries of a page: `default` for 0, at most `max`.
    pub(crate) fn page_size(&mut self, value: i32, default: u32, max: u32) -> Option<u32> {
        match u32::try_from(value) {
            Ok(0) => Some(default),
            Ok(size) => Some(size.min(max)),
            Err(_) => self.refuse(&Path::of("page_size"), "must not be negative"),
        }
    }
}

/// What a flag on the wire says of a row's origin.
pub(crate) fn provenance(generated: bool) -> Provenance {
    if generated {
        Provenance::Generated
    } else {
        Provenance::Real
    }
}

fn milliseconds(time: prost_types::Timestamp) -> Option<i64> {
    let nanos = u32::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    let ms = time
        .seconds
        .checked_mul(1_000)?
        .checked_add(i64::from(nanos / 1_000_000))?;
    (MIN_TIME_MS..=MAX_TIME_MS).contains(&ms).then_some(ms)
}
