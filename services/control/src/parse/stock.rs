//! Requests of `Stock`.

use std::collections::HashSet;

use tandem_domain::id::SkuId;
use tandem_domain::stock::{InvalidThresholds, Pool, Reported, StockReport, Thresholds};
use tandem_proto::v1 as pb;
use tandem_runtime::status::Refusal;

use super::{Path, Violations, bound};

/// Reports or SKUs of one request.
const MAX_BATCH: usize = 1_000;

/// The reports of a request, in its order.
pub(crate) fn reports(request: pb::ReportStockRequest) -> Result<Vec<StockReport>, Refusal> {
    bound("reports", request.reports.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("reports");
    violations.at_least_one(&at, request.reports.len());
    let reports: Vec<_> = request
        .reports
        .into_iter()
        .enumerate()
        .filter_map(|(index, report)| parse(&mut violations, &at.at(index), report))
        .collect();
    violations.finish(Some(reports))
}

/// The SKUs of a request, in its order.
pub(crate) fn skus(request: &pb::BatchGetStockRequest) -> Result<Vec<SkuId>, Refusal> {
    bound("sku_ids", request.sku_ids.len(), MAX_BATCH)?;
    let mut violations = Violations::new();
    let at = Path::of("sku_ids");
    violations.at_least_one(&at, request.sku_ids.len());
    let mut seen = HashSet::new();
    let mut skus = Vec::with_capacity(request.sku_ids.len());
    for (index, id) in request.sku_ids.iter().enumerate() {
        let at = at.at(index);
        violations.once(&at, id, &mut seen);
        skus.extend(violations.id::<SkuId>(&at, id));
    }
    violations.finish(Some(skus))
}

/// The thresholds of a request, and the version that must stand.
pub(crate) fn policy(request: &pb::UpdateStockPolicyRequest) -> Result<(Thresholds, Option<u64>), Refusal> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let at = Path::of("policy");
    let Some(policy) = &request.policy else {
        violations.add(&at, "must be given");
        return violations.finish(None);
    };
    let thresholds = Thresholds {
        low: policy.low_units,
        critical: policy.critical_units,
        buffer: policy.buffer_units,
        hysteresis: policy.hysteresis_units,
    };
    let checked = match thresholds.checked() {
        Ok(thresholds) => Some(thresholds),
        Err(why) => {
            let field = match why {
                InvalidThresholds::Order { .. } => "critical_units",
                InvalidThresholds::Beyond(_) => "low_units",
                InvalidThresholds::Buffer(_) => "buffer_units",
            };
            violations.refuse(&at.field(field), why)
        }
    };
    let etag = violations.etag(&at.field("etag"), &policy.etag);
    violations.finish(checked.zip(etag))
}

fn parse(violations: &mut Violations, at: &Path<'_>, report: pb::StockReport) -> Option<StockReport> {
    let sku = violations.id(&at.field("sku_id"), &report.sku_id);
    let pool = pool(violations, &at.field("pool"), &report.pool);
    let source = violations.optional_key(&at.field("source"), report.source);
    let quantity = reported(violations, at, report.quantity);
    Some(StockReport {
        sku: sku?,
        pool: pool?,
        source: source?.unwrap_or_else(|| StockReport::DEFAULT_SOURCE.to_owned()),
        quantity: quantity?,
    })
}

fn pool(violations: &mut Violations, at: &Path<'_>, name: &str) -> Option<Pool> {
    match name {
        "" => Some(Pool::Normal),
        name => match name.parse() {
            Ok(pool) => Some(pool),
            Err(_) => violations.refuse(at, "must be normal, held, promotion, creator:ID or room:ID"),
        },
    }
}

fn reported(
    violations: &mut Violations,
    at: &Path<'_>,
    quantity: Option<pb::stock_report::Quantity>,
) -> Option<Reported> {
    use pb::stock_report::Quantity;
    match quantity {
        Some(Quantity::Set(set)) => absolute(violations, &at.field("set"), &set),
        Some(Quantity::Delta(delta)) => relative(violations, &at.field("delta"), delta),
        None => violations.refuse(&at.field("quantity"), "must hold set or delta"),
    }
}

fn absolute(violations: &mut Violations, at: &Path<'_>, set: &pb::StockSet) -> Option<Reported> {
    let available = violations.number(&at.field("available"), set.available, StockReport::AVAILABLE);
    let version = violations.number(
        &at.field("source_version"),
        set.source_version,
        StockReport::VERSIONS,
    );
    Some(Reported::Set {
        available: available?,
        source_version: version?,
    })
}

fn relative(violations: &mut Violations, at: &Path<'_>, delta: pb::StockDelta) -> Option<Reported> {
    let change = match delta.change {
        0 => violations.refuse(&at.field("change"), "must not be 0"),
        change => violations.number(&at.field("change"), change, StockReport::CHANGE),
    };
    let key = violations.key(&at.field("idempotency_key"), delta.idempotency_key);
    Some(Reported::Delta {
        change: change?,
        idempotency_key: key?,
    })
}
