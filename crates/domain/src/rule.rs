//! What operators and merchants say of two categories, where orders alone would decide.

mod ratio;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CategoryId, ShopId};
pub use ratio::{InvalidRatio, PriceRatio, RatioBand};

/// The most rules of one shop, and of the marketplace as a whole: a full build reads them all and its epoch record holds them.
pub const RULES_PER_OWNER: usize = 10_000;

/// Which pair of leaf categories a rule speaks of, and for whose anchors; there is one rule for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleKey {
    /// For anchors of this shop; for those of every shop where it is `None`.
    pub shop: Option<ShopId>,
    /// Category of the anchor.
    pub anchor: CategoryId,
    /// Category of the companion.
    pub companion: CategoryId,
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.anchor, self.companion)?;
        match &self.shop {
            Some(shop) => write!(f, " of shop {shop}"),
            None => Ok(()),
        }
    }
}

/// Whether companions of one category complement anchors of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryVerdict {
    /// They do, whatever orders say.
    Related,
    /// They never do.
    Forbidden,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The categories are related, and prices may go together so, if it says how.
    Related(Option<RatioBand>),
    /// They never are.
    Forbidden,
    /// Orders tell whether they are; prices go together so.
    Priced(RatioBand),
}

impl Ruling {
    /// The ruling of a verdict and a band.
    ///
    /// # Errors
    /// [`InvalidRuling`] for nothing at all, and for prices of what never stands together.
    pub const fn of(
        verdict: Option<CategoryVerdict>,
        band: Option<RatioBand>,
    ) -> Result<Self, InvalidRuling> {
        match (verdict, band) {
            (Some(CategoryVerdict::Related), band) => Ok(Self::Related(band)),
            (Some(CategoryVerdict::Forbidden), None) => Ok(Self::Forbidden),
            (None, Some(band)) => Ok(Self::Priced(band)),
            (Some(CategoryVerdict::Forbidden), Some(_)) => Err(InvalidRuling::PricedAndForbidden),
            (None, None) => Err(InvalidRuling::Nothing),
        }
    }

    /// Whether the categories are related; `None` where orders tell.
    #[must_use]
    pub const fn verdict(self) -> Option<CategoryVerdict> {
        match self {
            Self::Related(_) => Some(CategoryVerdict::Related),
            Self::Forbidden => Some(CategoryVerdict::Forbidden),
            Self::Priced(_) => None,
        }
    }

    /// Which prices go together; `None` where orders tell.
    #[must_use]
    pub const fn band(self) -> Option<RatioBand> {
        match self {
            Self::Related(band) => band,
            Self::Forbidden => None,
            Self::Priced(band) => Some(band),
        }
    }
}

/// Why a rule cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRuling {
    /// It has neither a verdict nor a band.
    #[error("says nothing: give a verdict, a band of price ratios, or both")]
    Nothing,
    /// It has a band for what never stands together.
    #[error("forbids the pair, so that its prices cannot go together")]
    PricedAndForbidden,
    /// Both categories are the same.
    #[error("is of one category alone, and complements are of two")]
    SameCategory,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct CategoryRule {
    /// Of which pair.
    pub key: RuleKey,
    /// What it says.
    pub ruling: Ruling,
}

/// A rule as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shop: Option<ShopId>,
    anchor: CategoryId,
    companion: CategoryId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<CategoryVerdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    band: Option<RatioBand>,
}

impl TryFrom<Said> for CategoryRule {
    type Error = InvalidRuling;

    fn try_from(said: Said) -> Result<Self, InvalidRuling> {
        if said.anchor == said.companion {
            return Err(InvalidRuling::SameCategory);
        }
        Ok(Self {
            key: RuleKey {
                shop: said.shop,
                anchor: said.anchor,
                companion: said.companion,
            },
            ruling: Ruling::of(said.verdict, said.band)?,
        })
    }
}

impl From<CategoryRule> for Said {
    fn from(rule: CategoryRule) -> Self {
        Self {
            shop: rule.key.shop,
            anchor: rule.key.anchor,
            companion: rule.key.companion,
            verdict: rule.ruling.verdict(),
            band: rule.ruling.band(),
        }
    }
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingRule {
    /// What it says of which pair.
    pub rule: CategoryRule,
    /// Why, in the words of whoever changed it last; empty when not said.
    pub reason: String,
    /// Who changed it last.
    pub author: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
    /// Rises with every change of any rule of the marketplace: a build under this version or a later one knows the rule.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CategoryRule, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_comes_back_as_it_was_written() {
        for text in [
            r#"{"anchor":"phone","companion":"case","verdict":"related","band":{"least":0.005,"most":0.5}}"#,
            r#"{"shop":"s1","anchor":"phone","companion":"case","verdict":"forbidden"}"#,
            r#"{"anchor":"phone","companion":"case","band":{"least":1.0,"most":1.0}}"#,
        ] {
            assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn a_rule_that_cannot_be_meant_is_refused() {
        let pair = r#""anchor":"a","companion":"b""#;
        for (text, why) in [
            (format!("{{{pair}}}"), "says nothing"),
            (
                format!(r#"{{{pair},"verdict":"forbidden","band":{{"least":1,"most":2}}}}"#),
                "forbids the pair",
            ),
            (format!(r#"{{{pair},"band":{{"least":2,"most":1}}}}"#), "least"),
            (
                r#"{"anchor":"a","companion":"a","verdict":"related"}"#.to_owned(),
                "one category",
            ),
            (format!(r#"{{{pair},"verdict":"sometimes"}}"#), "sometimes"),
            (format!(r#"{{{pair},"verdit":"related"}}"#), "verdit"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
