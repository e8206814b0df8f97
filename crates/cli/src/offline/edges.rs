//! Edges into a file.

use std::io::Write;

use serde::Serialize;
use tandem_domain::edge::AnchorEdges;
use tandem_domain::relation::Relation;

#[derive(Serialize)]
struct EdgeRow<'a> {
    anchor: &'a str,
    companion: &'a str,
    relation: &'static str,
    rank: usize,
    score: f32,
    basket_score: f32,
    support: u32,
    lift: f32,
    llr: f32,
    source: &'static str,
    generation: u64,
}

/// Writes the lists of `relations` as CSV; how many edges there were.
///
/// # Errors
/// When the file cannot be written.
pub fn write(out: impl Write, anchors: &[AnchorEdges], relations: &[Relation]) -> csv::Result<u64> {
    let mut rows = csv::Writer::from_writer(out);
    let mut written = 0;
    for anchor in anchors {
        for list in anchor
            .lists
            .iter()
            .filter(|list| relations.contains(&list.relation))
        {
            for (place, edge) in list.edges.iter().enumerate() {
                rows.serialize(EdgeRow {
                    anchor: anchor.anchor.as_str(),
                    companion: edge.companion.as_str(),
                    relation: list.relation.as_str(),
                    rank: place + 1,
                    score: edge.score,
                    basket_score: edge.basket_score,
                    support: edge.evidence.support,
                    lift: edge.evidence.lift,
                    llr: edge.evidence.llr,
                    source: edge.source.as_str(),
                    generation: 0,
                })?;
                written += 1;
            }
        }
    }
    rows.flush()?;
    Ok(written)
}
