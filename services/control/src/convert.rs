//! From domain types to answers.

mod catalog;
mod category_rule;
mod fixed_bundle;
mod link;
mod operation;
mod pair;
mod record;
mod stock;
mod surface;
mod user_erasure;

use tandem_domain::catalog::Provenance;
use tandem_domain::clock::Timestamp;
use tandem_domain::money::{Currency, Money};
use tandem_proto::v1 as pb;

pub(crate) use catalog::{product, sku};
pub(crate) use category_rule::category_rule;
pub(crate) use fixed_bundle::fixed_bundle;
pub(crate) use link::link;
pub(crate) use operation::{dead_letter, generation, job};
pub(crate) use record::outline;
pub(crate) use stock::{level, outcome, stock_policy};
pub(crate) use surface::{revision, surface};
pub(crate) use user_erasure::user_erasure;

fn time(time: Timestamp) -> prost_types::Timestamp {
    let ms = time.as_ms();
    prost_types::Timestamp {
        seconds: ms.div_euclid(1_000),
        nanos: i32::try_from(ms.rem_euclid(1_000) * 1_000_000).expect("less than a second"),
    }
}

fn money(amount: Money, currency: &Currency) -> pb::Money {
    pb::Money {
        currency_code: currency.code.clone(),
        amount_minor: amount.minor(),
    }
}

fn text<T: Into<String>>(value: Option<T>) -> String {
    value.map(Into::into).unwrap_or_default()
}

fn is_generated(provenance: Provenance) -> bool {
    provenance == Provenance::Generated
}
