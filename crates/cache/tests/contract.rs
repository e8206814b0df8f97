//! What every cache promises, asked of each implementation.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "contract/changes.rs"]
mod changes;
#[path = "contract/feed.rs"]
mod feed;
#[path = "contract/leases.rs"]
mod leases;
#[path = "contract/listing.rs"]
mod listing;
#[path = "contract/projections.rs"]
mod projections;
#[path = "contract/records.rs"]
mod records;
#[path = "contract/sample.rs"]
mod sample;
#[path = "contract/stock.rs"]
mod stock;
#[path = "contract/storm.rs"]
mod storm;
#[path = "contract/subject.rs"]
mod subject;
#[path = "contract/thresholds.rs"]
mod thresholds;

macro_rules! contract {
    ($($room:ident { $($promise:ident,)+ })+) => {
        mod in_memory {$(
            mod $room {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(&crate::subject::Subject::memory()).await;
                }
            )+}
        )+}
        mod on_redis {$(
            mod $room {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$room::$promise(&crate::subject::Subject::redis().await).await;
                }
            )+}
        )+}
    };
}

contract! {
    stock {
        nothing_is_known_at_first,
        newer_versions_win,
        a_newer_epoch_wins_over_any_version,
        versions_compare_over_their_whole_range,
        exact_stock_is_kept_per_sku_and_pool,
        a_product_sells_the_sum_of_its_skus_per_pool,
        counts_saturate_and_are_announced_only_when_they_move,
        held_stock_is_a_pool_of_its_own,
        doubles_in_one_batch_count_once,
        a_large_batch_is_answered_in_order,
        strange_ids_stay_apart,
        announcements_carry_the_trace,
        marketplaces_do_not_see_each_other,
    }
    thresholds {
        thresholds_are_read_by_shop,
        stock_is_judged_by_the_thresholds_of_its_shop,
        new_thresholds_judge_the_products_that_come_with_them,
        what_sells_without_units_is_told_beside_them,
        every_walk_is_judged_as_the_domain_judges,
    }
    listing {
        a_delisted_product_is_delisted_whatever_stock_says,
        a_relisted_product_shows_its_present_stock,
        a_product_without_stock_can_be_delisted_too,
        older_listings_change_nothing,
    }
    feed {
        entries_come_in_order_and_a_follower_resumes_anywhere,
        a_follower_is_woken,
        every_kind_of_event_comes_through,
        a_snapshot_and_the_feed_behind_it_miss_nothing,
        an_empty_feed_can_be_followed,
        a_trimmed_position_is_a_gap,
        trimming_leaves_young_entries_and_the_newest,
        an_emptied_feed_is_a_gap_though_nothing_is_written,
        an_emptied_feed_is_a_gap_though_it_goes_on,
        a_position_that_never_was_is_a_gap,
        nothing_follows_a_gap,
    }
    changes {
        changes_come_as_they_were_appended,
        a_change_is_given_to_one_consumer,
        a_waiting_consumer_is_woken,
        waiting_ends,
        what_is_held_too_long_is_given_to_another,
        an_acknowledged_change_does_not_come_back,
        trimming_spares_what_is_not_acknowledged,
        the_backlog_counts_what_is_not_acknowledged,
        the_oldest_change_that_is_held_tells_its_age,
        an_emptied_stream_goes_on,
    }
    records {
        records_are_read_newest_segment_first,
        one_trip_brings_what_many_would,
        putting_records_again_changes_nothing,
        a_dropped_segment_is_gone,
        a_late_publisher_is_fenced,
        publishing_swaps_the_pointer_and_is_announced,
        a_segment_file_fills_the_cache,
        a_damaged_segment_file_fills_nothing,
        an_emptied_cache_has_no_generation,
        many_records_are_put_and_dropped,
    }
    projections {
        cards_are_compared_and_announced,
        many_cards_are_put,
        a_record_gives_way_under_exactly_its_version,
        links_are_cleared_by_a_newer_empty_set,
        surfaces_are_compared_and_announced,
        fixed_bundles_are_compared_announced_and_cleared,
        a_heartbeat_is_announced_when_it_is_newer,
        the_rebuild_marker_goes_with_the_data,
        a_ping_is_answered,
    }
    leases {
        a_lease_has_one_holder,
        a_lease_ends,
        leases_are_apart_by_name_and_marketplace,
    }
    storm {
        concurrent_writers_end_with_the_highest_versions,
        shuffled_and_doubled_changes_end_with_the_highest_versions,
    }
}
