use icu_calendar::cal::ChineseTraditional;
use icu_calendar::types::RataDie;
use icu_calendar::{Date, Gregorian};
use serde::{Deserialize, Serialize};

/// When other things sell than usual: `score` is multiplied by `1 + γ (s_j − 1)` while a window is open, s_j being the
/// companion's sales inside the window against what is usual there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Season {
    /// γ, 0 to 0.5; 0 leaves seasons out.
    pub gamma: f64,
    /// Sales of which nothing is known that pull s_j towards 1.
    pub shrink: f64,
    /// Of those that are open at day zero and in which something was sold before, the shortest counts.
    pub windows: Vec<Window>,
}

/// A stretch of every year, days of UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// What it is called.
    pub name: String,
    /// What its months are months of.
    pub calendar: Calendar,
    /// First (month, day).
    pub from: (u8, u8),
    /// Last (month, day); before `from` where the window reaches over the end of the year.
    pub until: (u8, u8),
}

/// A calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// The Gregorian one.
    Solar,
    /// The traditional Chinese one; a leap month belongs to the month whose number it repeats.
    Lunar,
}

/// 1970-01-01 counted from the first day of year 1.
const EPOCH: i64 = 719_163;

impl Calendar {
    /// (month, day) of a day since 1970-01-01.
    fn month_day(self, day: i32) -> (u8, u8) {
        let day = RataDie::new(EPOCH + i64::from(day));
        match self {
            Self::Solar => {
                let date = Date::from_rata_die(day, Gregorian);
                (date.month().number(), date.day_of_month().0)
            }
            Self::Lunar => {
                let date = Date::from_rata_die(day, ChineseTraditional::new());
                (date.month().number(), date.day_of_month().0)
            }
        }
    }
}

impl Window {
    fn new(name: &str, calendar: Calendar, from: (u8, u8), until: (u8, u8)) -> Self {
        Self {
            name: name.to_owned(),
            calendar,
            from,
            until,
        }
    }

    /// Whether a day since 1970-01-01 lies inside.
    #[must_use]
    pub fn holds(&self, day: i32) -> bool {
        let at = self.calendar.month_day(day);
        if self.from <= self.until {
            (self.from..=self.until).contains(&at)
        } else {
            at >= self.from || at <= self.until
        }
    }

    /// About how many days it is open, to tell the shorter of two.
    pub(crate) fn length(&self) -> i32 {
        let place = |(month, day): (u8, u8)| i32::from(month) * 31 + i32::from(day);
        (place(self.until) - place(self.from)).rem_euclid(12 * 31)
    }

    /// Whether both ends can be days at all.
    pub(crate) fn is_possible(&self) -> bool {
        let longest = if self.calendar == Calendar::Lunar { 30 } else { 31 };
        let is_day = |(month, day): (u8, u8)| (1..=12).contains(&month) && (1..=longest).contains(&day);
        is_day(self.from) && is_day(self.until)
    }
}

impl Default for Season {
    fn default() -> Self {
        use Calendar::{Lunar, Solar};
        Self {
            gamma: 0.25,
            shrink: 20.0,
            windows: vec![
                Window::new("spring", Solar, (3, 1), (5, 31)),
                Window::new("summer", Solar, (6, 1), (8, 31)),
                Window::new("autumn", Solar, (9, 1), (11, 30)),
                Window::new("winter", Solar, (12, 1), (2, 29)),
                Window::new("valentine's day", Solar, (1, 28), (2, 14)),
                Window::new("mid-year sales", Solar, (6, 1), (6, 18)),
                Window::new("singles' day", Solar, (11, 1), (11, 11)),
                Window::new("christmas", Solar, (11, 12), (12, 24)),
                Window::new("spring festival", Lunar, (12, 8), (1, 15)),
                Window::new("dragon boat festival", Lunar, (4, 20), (5, 5)),
                Window::new("qixi festival", Lunar, (6, 25), (7, 7)),
                Window::new("mid-autumn festival", Lunar, (7, 25), (8, 15)),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(name: &str) -> Window {
        let mut windows = Season::default().windows.into_iter();
        windows.find(|window| window.name == name).unwrap()
    }

    /// Days since 1970-01-01.
    fn day(year: i32, month: u8, day: u8) -> i32 {
        let date = Date::try_new_gregorian(year, month, day).unwrap();
        i32::try_from(date.to_rata_die().since(RataDie::new(EPOCH))).unwrap()
    }

    #[test]
    fn lunar_windows_move_with_the_moon() {
        // New year's days: 2024-02-10, 2025-01-29, 2026-02-17 (Hong Kong Observatory).
        let spring = window("spring festival");
        for (year, month, first) in [(2024, 2, 10), (2025, 1, 29), (2026, 2, 17)] {
            let new_year = day(year, month, first);
            assert!(spring.holds(new_year) && spring.holds(new_year - 1) && spring.holds(new_year + 14));
            assert!(!spring.holds(new_year + 15) && !spring.holds(new_year - 24));
        }
        // 2024-09-17, 2025-10-06: mid-autumn; 2025 has a leap sixth month.
        let autumn = window("mid-autumn festival");
        for (year, month, last) in [(2024, 9, 17), (2025, 10, 6)] {
            assert!(autumn.holds(day(year, month, last)) && !autumn.holds(day(year, month, last) + 1));
        }
    }

    #[test]
    fn solar_windows_may_reach_over_the_end_of_the_year() {
        let winter = window("winter");
        assert!(winter.holds(day(2024, 12, 1)) && winter.holds(day(2024, 2, 29)) && winter.holds(0));
        assert!(!winter.holds(day(2024, 3, 1)) && !winter.holds(day(2024, 11, 30)));
        assert!(window("christmas").length() < winter.length());
    }
}
