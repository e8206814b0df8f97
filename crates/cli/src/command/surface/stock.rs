//! What a surface sells, and what it does when stock runs low.

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use tandem_proto::v1::{AnchorRules, CompanionRules, PoolKind, StockPolicy, StockRules, Supply};

use super::show::word;

/// A rule of the anchor or of companions, and from which supply on it holds.
type Rule = (String, Supply);

/// What may be sold, and what happens when it runs low.
#[derive(Debug, Clone, Default, Args)]
pub struct StockFlags {
    /// The stock policies whose SKUs count as sellable.
    #[arg(long, value_enum, value_delimiter = ',')]
    counts: Vec<PolicyName>,
    /// The kinds of pools that may be sold from.
    #[arg(long, value_enum, value_delimiter = ',')]
    pools: Vec<PoolName>,
    /// When the anchor is low, critical or out: lead_with_substitutes, suspend_bundles, hide; `never` takes a rule away.
    #[arg(long, value_name = "RULE=SUPPLY", value_parser = anchor_rule)]
    anchor_rule: Vec<Rule>,
    /// When a companion is low, critical or out: demote, replace, drop; `never` takes a rule away.
    #[arg(long, value_name = "RULE=SUPPLY", value_parser = companion_rule)]
    companion_rule: Vec<Rule>,
}

/// A stock policy.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum PolicyName {
    /// Units are counted.
    Tracked,
    /// There is always enough.
    Untracked,
    /// Sold beyond the last unit.
    ContinueSelling,
    /// Sold before it is there.
    PreOrder,
}

/// A kind of pools.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum PoolName {
    /// What everyone may buy.
    Normal,
    /// For promotions.
    Promotion,
    /// For one creator.
    Creator,
    /// For one live room.
    Room,
}

const ANCHOR_RULES: [&str; 3] = ["lead_with_substitutes", "suspend_bundles", "hide"];
const COMPANION_RULES: [&str; 3] = ["demote", "replace", "drop"];

fn anchor_rule(text: &str) -> Result<Rule> {
    rule(text, &ANCHOR_RULES)
}

fn companion_rule(text: &str) -> Result<Rule> {
    rule(text, &COMPANION_RULES)
}

fn rule(text: &str, names: &[&str]) -> Result<Rule> {
    let (name, from) = text
        .split_once('=')
        .with_context(|| format!("write RULE=SUPPLY, such as {}=low", names[0]))?;
    if !names.contains(&name) {
        bail!("{name} is no rule: use {}", names.join(", "));
    }
    let from = match from {
        "never" => Supply::Unspecified,
        "low" => Supply::Low,
        "critical" => Supply::Critical,
        "out" => Supply::Out,
        _ => bail!("{from} is no supply that a rule holds from: use low, critical, out or never"),
    };
    Ok((name.to_owned(), from))
}

impl StockFlags {
    /// Whether nothing is named.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
            && self.pools.is_empty()
            && self.anchor_rule.is_empty()
            && self.companion_rule.is_empty()
    }

    /// What is named, over what stands; over the defaults where nothing stands yet.
    pub(super) fn over(&self, standing: Option<StockRules>) -> StockRules {
        let mut rules = standing.unwrap_or_else(defaults);
        if !self.counts.is_empty() {
            rules.counts = self.counts.iter().map(|name| name.number()).collect();
        }
        if !self.pools.is_empty() {
            rules.pools = self.pools.iter().map(|name| name.number()).collect();
        }
        let (anchor, companion) = (
            rules.anchor.get_or_insert_default(),
            rules.companion.get_or_insert_default(),
        );
        for (name, from) in &self.anchor_rule {
            set(&mut anchor_fields(anchor), name, *from);
        }
        for (name, from) in &self.companion_rule {
            set(&mut companion_fields(companion), name, *from);
        }
        rules
    }
}

/// What every surface begins with.
fn defaults() -> StockRules {
    let policies = PolicyName::value_variants().iter();
    StockRules {
        counts: policies.map(|name| name.number()).collect(),
        pools: [PoolName::Normal, PoolName::Creator, PoolName::Room]
            .map(PoolName::number)
            .to_vec(),
        ..StockRules::default()
    }
}

type Fields<'r> = [(&'static str, &'r mut i32); 3];

fn anchor_fields(rules: &mut AnchorRules) -> Fields<'_> {
    let [lead, suspend, hide] = ANCHOR_RULES;
    [
        (lead, &mut rules.lead_with_substitutes),
        (suspend, &mut rules.suspend_bundles),
        (hide, &mut rules.hide),
    ]
}

fn companion_fields(rules: &mut CompanionRules) -> Fields<'_> {
    let [demote, replace, drop] = COMPANION_RULES;
    [
        (demote, &mut rules.demote),
        (replace, &mut rules.replace),
        (drop, &mut rules.drop),
    ]
}

fn set(fields: &mut Fields<'_>, name: &str, from: Supply) {
    for (_, value) in fields.iter_mut().filter(|(own, _)| *own == name) {
        **value = from.into();
    }
}

impl PolicyName {
    fn number(self) -> i32 {
        let policy = match self {
            Self::Tracked => StockPolicy::Tracked,
            Self::Untracked => StockPolicy::Untracked,
            Self::ContinueSelling => StockPolicy::ContinueSelling,
            Self::PreOrder => StockPolicy::PreOrder,
        };
        policy.into()
    }
}

impl PoolName {
    fn number(self) -> i32 {
        let kind = match self {
            Self::Normal => PoolKind::Normal,
            Self::Promotion => PoolKind::Promotion,
            Self::Creator => PoolKind::Creator,
            Self::Room => PoolKind::Room,
        };
        kind.into()
    }
}

/// The rules for people, by their names.
pub(super) fn lines(rules: &StockRules) -> [(&'static str, String); 4] {
    let counts = rules
        .counts()
        .map(|policy| word(policy.as_str_name(), "STOCK_POLICY_"));
    let pools = rules.pools().map(|kind| word(kind.as_str_name(), "POOL_KIND_"));
    let (mut anchor, mut companion) = (
        rules.anchor.unwrap_or_default(),
        rules.companion.unwrap_or_default(),
    );
    let said = |fields: Fields<'_>| {
        let fields = fields.into_iter().filter(|(_, from)| **from != 0);
        let one = |(name, from): (&str, &mut i32)| {
            let from = Supply::try_from(*from).unwrap_or_default();
            format!("{name}={}", word(from.as_str_name(), "SUPPLY_"))
        };
        fields.map(one).collect::<Vec<_>>().join(" ")
    };
    [
        ("counts", counts.collect::<Vec<_>>().join(" ")),
        ("pools", pools.collect::<Vec<_>>().join(" ")),
        ("low anchor", said(anchor_fields(&mut anchor))),
        ("low companion", said(companion_fields(&mut companion))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_laid_over_what_stands() {
        let flags = StockFlags {
            pools: vec![PoolName::Room],
            anchor_rule: vec![("hide".to_owned(), Supply::Out)],
            ..StockFlags::default()
        };
        let first = flags.over(None);
        assert_eq!((first.counts.len(), first.pools.as_slice()), (4, &[4][..]));
        assert_eq!(first.anchor.map(|rules| rules.hide()), Some(Supply::Out));
        let again = StockFlags {
            anchor_rule: vec![
                ("hide".to_owned(), Supply::Unspecified),
                ("suspend_bundles".to_owned(), Supply::Critical),
            ],
            companion_rule: vec![("drop".to_owned(), Supply::Low)],
            ..StockFlags::default()
        };
        let second = again.over(Some(first));
        assert_eq!(second.pools, [4], "what is not named stays");
        let said = lines(&second);
        assert_eq!(said[1].1, "room");
        assert_eq!(said[2].1, "suspend_bundles=critical");
        assert_eq!(said[3].1, "drop=low");
    }

    #[test]
    fn rules_are_read_with_what_to_write_instead() {
        let read = anchor_rule("hide=critical").expect("a rule");
        assert_eq!(read, ("hide".to_owned(), Supply::Critical));
        let why = |text| anchor_rule(text).expect_err("no rule").to_string();
        assert!(why("hide").contains("lead_with_substitutes=low"));
        assert!(why("demote=low").contains("use lead_with_substitutes, suspend_bundles, hide"));
        assert!(why("hide=plenty").contains("never"));
    }
}
