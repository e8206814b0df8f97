//! London's time.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tandem_domain::clock::Timestamp;

use crate::import::fault::{Problem, quoted};

/// London since 1996, as a rule: machines without a time zone database know it too.
const LONDON: &str = "GMT0BST,M3.5.0/1,M10.5.0/2";

/// Reads local times; lines of an invoice share one, so the last is kept.
#[derive(Debug)]
pub(super) struct LocalTime {
    zone: TimeZone,
    last: Option<(String, Timestamp)>,
}

impl LocalTime {
    pub(super) fn london() -> Self {
        Self {
            zone: TimeZone::posix(LONDON).expect("the rule is well formed"),
            last: None,
        }
    }

    /// `2011-05-02 08:26:00` in London. The hour that an autumn night has twice is the first of the two.
    pub(super) fn read(&mut self, text: &str) -> Result<Timestamp, Problem> {
        if let Some((_, time)) = self.last.as_ref().filter(|(last, _)| last == text) {
            return Ok(*time);
        }
        let refused = || Problem::NotLocalTime(quoted(text));
        let local: DateTime = text.parse().map_err(|_| refused())?;
        let zoned = local.to_zoned(self.zone.clone()).map_err(|_| refused())?;
        let time = Timestamp::from_ms(zoned.timestamp().as_millisecond());
        self.last = Some((text.to_owned(), time));
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(local: &str) -> String {
        let ms = LocalTime::london().read(local).unwrap().as_ms();
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    }

    #[test]
    fn summer_time_is_an_hour_ahead() {
        assert_eq!(utc("2010-12-01 08:26:00"), "2010-12-01T08:26:00Z");
        assert_eq!(utc("2011-05-02 08:26:00"), "2011-05-02T07:26:00Z");
        assert_eq!(utc("2011-10-30 01:30:00"), "2011-10-30T00:30:00Z");
        assert_eq!(utc("2011-10-30 02:30:00"), "2011-10-30T02:30:00Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "01/12/2010 08:26", "2011-02-30 08:00:00"] {
            assert!(LocalTime::london().read(text).is_err(), "{text}");
        }
    }
}
