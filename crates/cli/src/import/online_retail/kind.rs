//! Stock codes that stand for no product.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a line charges for, where it is no product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotProduct {
    /// `POST`.
    Postage,
    /// `DOT`: postage of the web shop.
    DotcomPostage,
    /// `C2`, and `23444` (next day).
    Carriage,
    /// `M`: typed in by hand, nobody knows what.
    Manual,
    /// `D`.
    Discount,
    /// `S`.
    Samples,
    /// `BANK CHARGES`.
    BankCharges,
    /// `AMAZONFEE`.
    AmazonFee,
    /// `CRUK`: commission to a charity.
    Commission,
    /// `gift_0001_…`.
    GiftVoucher,
    /// `B`, and `A…` invoices.
    BadDebt,
    /// `ADJUST…`.
    Adjustment,
    /// `TEST…`.
    Test,
}

impl NotProduct {
    /// What `code` (in upper case) on `invoice` charges for; `None` for a product.
    #[must_use]
    pub fn of(code: &str, invoice: &str) -> Option<Self> {
        match code {
            "POST" => Some(Self::Postage),
            "DOT" => Some(Self::DotcomPostage),
            "C2" | "23444" => Some(Self::Carriage),
            "M" => Some(Self::Manual),
            "D" => Some(Self::Discount),
            "S" => Some(Self::Samples),
            "BANK CHARGES" => Some(Self::BankCharges),
            "AMAZONFEE" => Some(Self::AmazonFee),
            "CRUK" => Some(Self::Commission),
            "B" => Some(Self::BadDebt),
            _ if code.starts_with("GIFT_") => Some(Self::GiftVoucher),
            _ if code.starts_with("ADJUST") => Some(Self::Adjustment),
            _ if code.starts_with("TEST") => Some(Self::Test),
            _ if invoice.starts_with(['A', 'a']) => Some(Self::BadDebt),
            _ => None,
        }
    }
}

impl fmt::Display for NotProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postage => "postage",
            Self::DotcomPostage => "web shop postage",
            Self::Carriage => "carriage",
            Self::Manual => "manual entry",
            Self::Discount => "discount",
            Self::Samples => "samples",
            Self::BankCharges => "bank charges",
            Self::AmazonFee => "Amazon fee",
            Self::Commission => "commission",
            Self::GiftVoucher => "gift voucher",
            Self::BadDebt => "bad debt",
            Self::Adjustment => "adjustment",
            Self::Test => "test code",
        })
    }
}
