//! What was written is what is read.

use bytes::Bytes;
use proptest::prelude::*;
use tandem_cache::codec;
use tandem_cache::port::RecordKey;
use tandem_domain::edge::{AnchorEdges, Candidate, EdgeList};

use crate::{arbitrary, sample};

fn candidates(anchor: &AnchorEdges, list: &EdgeList) -> Vec<Candidate> {
    let candidate = |edge: &tandem_domain::edge::Edge| Candidate {
        product: edge.companion.clone(),
        relation: list.relation,
        score: edge.score,
        feedback: anchor.feedback.get(&edge.companion).copied().unwrap_or(1.0),
        basket_score: edge.basket_score,
        source: edge.source,
        generated: edge.generated,
    };
    list.edges.iter().map(candidate).collect()
}

fn check_anchor(anchor: &AnchorEdges) {
    for (key, bytes) in codec::encode_touched(anchor) {
        match key {
            RecordKey::Lists(id) => {
                assert_eq!(id, anchor.anchor);
                check_lists(anchor, &bytes);
            }
            RecordKey::Evidence(_) => check_evidence(anchor, &bytes),
            RecordKey::Bundles(_) => assert_eq!(codec::decode_bundles(&bytes).unwrap(), anchor.bundles),
            RecordKey::Bestsellers(_) => panic!("an anchor has no bestsellers"),
        }
    }
}

fn check_lists(anchor: &AnchorEdges, bytes: &Bytes) {
    let read = codec::decode_lists(bytes).unwrap();
    for list in &anchor.lists {
        let stored = read.list(list.relation).map(|candidate| candidate.identified());
        assert_eq!(stored.collect::<Vec<_>>(), candidates(anchor, list));
    }
    assert_eq!(read.paces, anchor.paces);
    let filled = anchor.lists.iter().filter(|list| !list.edges.is_empty());
    assert_eq!(read.relations().count(), filled.count());
}

fn check_evidence(anchor: &AnchorEdges, bytes: &[u8]) {
    let read = codec::decode_evidence(bytes).unwrap();
    for list in &anchor.lists {
        for (position, edge) in list.edges.iter().enumerate() {
            assert_eq!(read.of(list.relation, position), Some(&edge.evidence));
        }
        assert_eq!(read.of(list.relation, list.edges.len()), None);
        let refused = read
            .list(list.relation)
            .map(|list| list.refused)
            .unwrap_or_default();
        assert_eq!(refused, list.refused);
    }
}

proptest! {
    #[test]
    fn an_anchor_reads_back(anchor in arbitrary::anchor()) {
        check_anchor(&anchor);
    }

    #[test]
    fn only_what_says_something_is_stored(anchor in arbitrary::anchor()) {
        let whole = codec::encode_touched(&anchor);
        let stored = codec::encode_anchor(&anchor);
        prop_assert!(whole.iter().all(|record| stored.contains(record) == (record.1.len() > 1)));
    }

    #[test]
    fn bestsellers_read_back(bestsellers in arbitrary::bestsellers()) {
        let bytes = codec::encode_bestsellers(&bestsellers);
        prop_assert_eq!(codec::decode_bestsellers(&bytes).unwrap(), bestsellers);
    }

    #[test]
    fn a_manifest_reads_back(manifest in arbitrary::manifest()) {
        let bytes = codec::encode_manifest(&manifest);
        prop_assert_eq!(codec::decode_manifest(&bytes).unwrap(), manifest);
    }

    #[test]
    fn a_card_reads_back(card in arbitrary::card()) {
        let bytes = codec::encode_card(&card);
        prop_assert_eq!(codec::decode_card(&card.id, &bytes).unwrap(), card);
    }

    #[test]
    fn links_read_back(links in arbitrary::links()) {
        let bytes = codec::encode_links(&links);
        prop_assert_eq!(codec::decode_links(&links.anchor, &bytes).unwrap(), links);
    }
}

#[test]
fn a_surface_reads_back() {
    let surface = sample::surface();
    let bytes = codec::encode_surface(&surface);
    assert_eq!(codec::decode_surface(&bytes).unwrap(), surface);
}

#[test]
fn a_deleted_link_is_no_link() {
    let mut links = sample::links();
    let created = links.links[1].created;
    links.links[1].deleted = Some(created);
    let read = codec::decode_links(&links.anchor, &codec::encode_links(&links)).unwrap();
    links.links.remove(1);
    assert_eq!(read, links);
}

/// Six full lists over 120 companions with ids of eleven bytes: the shape of a busy anchor.
#[test]
fn the_lists_of_a_busy_anchor_stay_below_four_kilobytes() {
    let mut anchor = sample::anchor();
    let edge = anchor.lists[0].edges[0].clone();
    anchor.lists = tandem_domain::relation::Relation::ALL
        .into_iter()
        .enumerate()
        .map(|(shift, relation)| EdgeList {
            relation,
            edges: (0..50_usize)
                .map(|at| tandem_domain::edge::Edge {
                    companion: sample::product(&format!("sku-{:07}", (at + 14 * shift) % 120)),
                    basket_score: edge.score,
                    ..edge.clone()
                })
                .collect(),
            refused: anchor.lists[0].refused,
        })
        .collect();
    let records = codec::encode_anchor(&anchor);
    let (_, lists) = &records[0];
    assert!(lists.len() <= 4096, "{} bytes", lists.len());
}
