//! One suite, run over SQLite and PostgreSQL alike.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

/// Makes two tests of each function: one over a SQLite file, one over a PostgreSQL database of its own.
macro_rules! over_both {
    ($($name:ident,)+) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(crate::house::House::on_sqlite().await).await;
            }
        )+}
        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(crate::house::House::on_postgres().await).await;
            }
        )+}
    };
}

#[path = "contract/card.rs"]
mod card;
#[path = "contract/catalog.rs"]
mod catalog;
#[path = "contract/dead_letter.rs"]
mod dead_letter;
#[path = "contract/erasure.rs"]
mod erasure;
#[path = "contract/event.rs"]
mod event;
#[path = "contract/event_attribution.rs"]
mod event_attribution;
#[path = "contract/event_batch.rs"]
mod event_batch;
#[path = "contract/event_days.rs"]
mod event_days;
#[path = "contract/event_order.rs"]
mod event_order;
#[path = "contract/fixed_bundle.rs"]
mod fixed_bundle;
#[path = "contract/generation.rs"]
mod generation;
#[path = "contract/generation_age.rs"]
mod generation_age;
#[path = "contract/house.rs"]
mod house;
#[path = "contract/import.rs"]
mod import;
#[path = "contract/increment.rs"]
mod increment;
#[path = "contract/job.rs"]
mod job;
#[path = "contract/job_wait.rs"]
mod job_wait;
#[path = "contract/lifetime.rs"]
mod lifetime;
#[path = "contract/link.rs"]
mod link;
#[path = "contract/link_list.rs"]
mod link_list;
#[path = "contract/link_race.rs"]
mod link_race;
#[path = "contract/marketplace.rs"]
mod marketplace;
#[path = "contract/outbox.rs"]
mod outbox;
#[path = "contract/projection.rs"]
mod projection;
#[path = "contract/request.rs"]
mod request;
#[path = "contract/rule.rs"]
mod rule;
#[path = "contract/scene.rs"]
mod scene;
#[path = "contract/schema.rs"]
mod schema;
#[path = "contract/selling.rs"]
mod selling;
#[path = "contract/still.rs"]
mod still;
#[path = "contract/stock.rs"]
mod stock;
#[path = "contract/stock_inbox.rs"]
mod stock_inbox;
#[path = "contract/stock_race.rs"]
mod stock_race;
#[path = "contract/surface.rs"]
mod surface;
