//! Stock levels and outcomes.

use tandem_domain::stock::{ShopThresholds, StockLevel, StockOutcome};
use tandem_proto::v1 as pb;

use super::time;

pub(crate) fn outcome(outcome: StockOutcome) -> pb::StockOutcome {
    pb::StockOutcome {
        level: Some(level(outcome.level)),
        applied: outcome.applied,
        known_sku: outcome.known_sku,
    }
}

pub(crate) fn level(level: StockLevel) -> pb::StockLevel {
    pb::StockLevel {
        sku_id: level.sku.into(),
        pool: level.pool.into(),
        available: level.available,
        store_version: level.store_version,
        update_time: Some(time(level.updated)),
    }
}

pub(crate) fn stock_policy(policy: &ShopThresholds) -> pb::ShopStockPolicy {
    let thresholds = policy.thresholds;
    pb::ShopStockPolicy {
        low_units: thresholds.low,
        critical_units: thresholds.critical,
        buffer_units: thresholds.buffer,
        hysteresis_units: thresholds.hysteresis,
        etag: policy.version.to_string(),
    }
}
