//! Which companions a surface attaches to bestsellers.

use serde::{Deserialize, Serialize};

use crate::pace::{Attached, Pace};

/// Companions that take places of a bestseller's list which they have not earned. The default attaches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttachRules {
    /// At most so many percent of a list; 0 for none.
    pub share_percent: u32,
    /// Only those whose edge has at least so many percent of the best score in its relation.
    pub min_score_percent: u32,
    /// Those that sold fewer units than this in [`WINDOW_DAYS`](crate::pace::WINDOW_DAYS).
    pub slow_below: Option<u32>,
    /// Those that are known for fewer days than this.
    pub new_days: Option<u32>,
    /// Those that the catalogue marks as [`CLEARANCE`](crate::pace::CLEARANCE).
    pub clearance: bool,
}

impl Default for AttachRules {
    fn default() -> Self {
        Self {
            share_percent: 0,
            min_score_percent: Self::MIN_SCORE_PERCENT,
            slow_below: None,
            new_days: None,
            clearance: false,
        }
    }
}

impl AttachRules {
    /// How good an edge must be where nobody says.
    pub const MIN_SCORE_PERCENT: u32 = 50;

    /// Every which place is lent; none where nothing is attached.
    #[must_use]
    pub fn every(&self) -> Option<usize> {
        let names_some = self.slow_below.is_some() || self.new_days.is_some() || self.clearance;
        let every = (names_some && self.share_percent > 0).then(|| 100_u32.div_ceil(self.share_percent))?;
        usize::try_from(every).ok()
    }

    /// Why a companion that sells like this is attached, if it is.
    #[must_use]
    pub fn kind(&self, pace: &Pace, today: i32) -> Option<Attached> {
        let slow = pace.sold.zip(self.slow_below);
        if slow.is_some_and(|(units, below)| units < below) {
            Some(Attached::Slow)
        } else if self.new_days.is_some_and(|days| pace.is_new(days, today)) {
            Some(Attached::New)
        } else {
            (self.clearance && pace.clearance).then_some(Attached::Clearance)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_attached_unless_a_share_and_a_kind_are_named() {
        let off = AttachRules::default();
        assert_eq!(off.every(), None);
        let share = AttachRules {
            share_percent: 30,
            ..off
        };
        assert_eq!(share.every(), None);
        let slow = AttachRules {
            slow_below: Some(5),
            ..share
        };
        assert_eq!(
            slow.every(),
            Some(4),
            "a quarter: three tenths are not to be had in whole places"
        );
    }

    #[test]
    fn a_companion_is_attached_for_the_first_reason_that_holds() {
        let rules = AttachRules {
            share_percent: 20,
            slow_below: Some(5),
            new_days: Some(14),
            clearance: true,
            ..AttachRules::default()
        };
        let pace = |since, sold, clearance| Pace {
            since,
            sold,
            clearance,
        };
        let kind = |pace| rules.kind(&pace, 100);
        assert_eq!(kind(pace(0, Some(4), true)), Some(Attached::Slow));
        assert_eq!(kind(pace(87, None, true)), Some(Attached::New));
        assert_eq!(kind(pace(86, None, true)), Some(Attached::Clearance));
        assert_eq!(kind(pace(86, Some(5), false)), None);
    }
}
