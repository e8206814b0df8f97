//! Users who are or were erased.

use tandem_proto::v1 as pb;
use tandem_proto::v1::user_erasure::State;
use tandem_store::UserErasure;

use super::time;

/// An erasure, with the number of products whose lists count erased events.
pub(crate) fn user_erasure(erasure: &UserErasure, stale_products: u64) -> pb::UserErasure {
    let state = match erasure.erased {
        None => State::Waiting,
        Some(_) => State::Erased,
    };
    pb::UserErasure {
        user_erasure_id: erasure.id,
        state: state.into(),
        event_count: erasure.events,
        order_count: erasure.orders,
        stale_product_count: stale_products,
        create_time: Some(time(erasure.asked)),
        erase_time: erasure.erased.map(time),
    }
}
