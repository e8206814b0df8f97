use serde::{Deserialize, Serialize};

use super::split::Split;

/// What was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Votes of `together`: HR@10 + NDCG@20 of the missing product of a basket.
    BasketScore,
    /// A regression on top of them, by the same measure.
    Ridge,
    /// `score` of `together`: Recall@20 of a basket from one of its products.
    Score,
    /// Co-views: HR@20 + MRR@20 of the next product of a session.
    AlsoViewed,
    /// Companions of companions, by the same measure.
    TwoHop,
}

impl Attempt {
    /// The name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BasketScore => "basket_score",
            Self::Ridge => "ridge",
            Self::Score => "score",
            Self::AlsoViewed => "also_viewed",
            Self::TwoHop => "two_hop",
        }
    }
}

/// One thing that was tried, and what came of it. Figures are in parts of 100,000 of the attempt's measure, all over
/// the same queries of the validation part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was tried.
    pub attempt: Attempt,
    /// How the validation part was chosen.
    pub split: Split,
    /// Questions asked.
    pub queries: u32,
    /// Where it started from.
    pub before: i64,
    /// What was taken.
    pub after: i64,
    /// Standard error of the difference.
    pub error: i64,
    /// The choice, or why everything stayed.
    pub verdict: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |parts: i64| parts as f64 / 100_000.0;
        write!(f, "{}: {}", self.attempt.as_str(), self.verdict)?;
        if self.before == 0 && self.after == 0 {
            return Ok(());
        }
        write!(
            f,
            " ({:.4} to {:.4}, ± {:.4} over {} questions, split by {})",
            share(self.before),
            share(self.after),
            share(self.error),
            self.queries,
            match self.split {
                Split::Time => "time",
                Split::Hash => "hash",
            }
        )
    }
}

/// How an epoch's parameters came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Tuning {
    /// In the order of trying.
    pub findings: Vec<Finding>,
}

/// A mean difference and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gain {
    pub(super) mean: f64,
    pub(super) error: f64,
}

/// `after − before`, query by query.
pub(super) fn gain(before: &[f64], after: &[f64]) -> Gain {
    let n = before.len().max(1) as f64;
    let differences = || before.iter().zip(after).map(|(before, after)| after - before);
    let mean = differences().sum::<f64>() / n;
    let squares: f64 = differences().map(|one| (one - mean).powi(2)).sum();
    Gain {
        mean,
        error: (squares / n / n).sqrt(),
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// In parts of 100,000.
pub(super) fn parts(value: f64) -> i64 {
    (value * 100_000.0).round() as i64
}
