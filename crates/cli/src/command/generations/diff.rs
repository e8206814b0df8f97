//! What changed from one generation to another, read off their segment files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::pin::Pin;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use clap::Args;
use futures::{Stream, TryStreamExt as _};
use object_store::ObjectStore;
use serde::Serialize;
use tandem_cache::codec::{AnchorLists, decode_lists};
use tandem_cache::error::CacheError;
use tandem_cache::port::RecordKey;
use tandem_cache::segment::{read_segment, segment_store};
use tandem_domain::edge::Candidate;
use tandem_domain::generation::{GenerationNo, Manifest};
use tandem_domain::id::ProductId;
use tandem_domain::relation::Relation;

use crate::args::Common;
use crate::command::export::only;
use crate::database::{Database, DatabaseArgs};
use crate::output;

/// Place of a companion that is in no list: below the last one stored.
const NO_PLACE: usize = 51;

/// Which two.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier one.
    from: u64,
    /// The later one.
    to: u64,
    /// How many of the edges that moved farthest to name.
    #[arg(long, default_value_t = 10)]
    movers: usize,
    /// Folder of the segment files.
    #[arg(long, env = "TANDEM_SEGMENTS_PATH", default_value = ".tandem/segments")]
    segments: PathBuf,
    /// Where the generations are noted.
    #[command(flatten)]
    database: DatabaseArgs,
}

/// The difference.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Diff {
    from: u64,
    to: u64,
    /// Anchors of which any list differs.
    anchors_changed: u64,
    relations: BTreeMap<Relation, Tally>,
    /// Farthest first; an edge that is not there counts as one below the last place.
    movers: Vec<Mover>,
}

/// Edges of one relation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Tally {
    gained: u64,
    lost: u64,
    /// In both lists, at another place.
    moved: u64,
    /// In both lists, at the same place.
    kept: u64,
}

/// An edge at another place, from 1; none where it is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Mover {
    relation: Relation,
    anchor: String,
    companion: String,
    from: Option<usize>,
    to: Option<usize>,
}

impl Mover {
    fn distance(&self) -> usize {
        let (from, to) = (self.from.unwrap_or(NO_PLACE), self.to.unwrap_or(NO_PLACE));
        from.abs_diff(to)
    }
}

/// Prints what changed.
///
/// # Errors
/// When one of them has no segments any more, or a file is damaged.
pub(super) async fn run(common: &Common, args: DiffArgs) -> Result<()> {
    let database = args.database.open_existing().await?;
    let from = manifest(&database, args.from).await?;
    let to = manifest(&database, args.to).await?;
    let store = segment_store(&args.segments.to_string_lossy())?;
    let diff = between(store.as_ref(), &from, &to, args.movers).await?;
    if common.json {
        return output::print_json(&diff);
    }
    print(&diff);
    Ok(())
}

async fn manifest(database: &Database, no: u64) -> Result<Manifest> {
    let found = database
        .store
        .generation(&database.marketplace.id, GenerationNo(no))
        .await?;
    found.and_then(|generation| generation.manifest).ok_or_else(|| {
        anyhow!(
            "generation {no} was never published or is not kept any more: `tandem generations list` names all"
        )
    })
}

async fn between(store: &dyn ObjectStore, from: &Manifest, to: &Manifest, movers: usize) -> Result<Diff> {
    let mut comparison = Comparison {
        diff: Diff {
            from: from.generation.0,
            to: to.generation.0,
            ..Diff::default()
        },
        farthest: BTreeSet::new(),
        most: movers,
    };
    let (mut old, mut new) = (Lists::open(store, from).await?, Lists::open(store, to).await?);
    while let Some(anchor) = [old.anchor(), new.anchor()].into_iter().flatten().min().cloned() {
        let (was, is) = (old.take(&anchor).await?, new.take(&anchor).await?);
        if was != is {
            comparison.compare(&anchor, &decode(was)?, &decode(is)?);
        }
    }
    Ok(comparison.finish())
}

fn decode(lists: Option<Bytes>) -> Result<AnchorLists, CacheError> {
    lists.map_or_else(|| Ok(AnchorLists::default()), |bytes| decode_lists(&bytes))
}

type Records<'a> = Pin<Box<dyn Stream<Item = Result<(ProductId, Bytes), CacheError>> + 'a>>;

/// The lists of a generation by anchor: its segments side by side, of which the newest counts.
struct Lists<'a> {
    segments: Vec<(Records<'a>, Option<(ProductId, Bytes)>)>,
}

impl<'a> Lists<'a> {
    async fn open(store: &'a dyn ObjectStore, manifest: &'a Manifest) -> Result<Self, CacheError> {
        let mut segments = Vec::with_capacity(manifest.segments.len());
        for segment in &manifest.segments {
            let lists = |key: &RecordKey| matches!(key, RecordKey::Lists(_));
            let mut records: Records<'a> = Box::pin(only(read_segment(store, segment).await?, lists));
            let head = records.try_next().await?;
            segments.push((records, head));
        }
        Ok(Self { segments })
    }

    /// The next anchor.
    fn anchor(&self) -> Option<&ProductId> {
        let heads = self.segments.iter().filter_map(|(_, head)| head.as_ref());
        heads.map(|(anchor, _)| anchor).min()
    }

    /// The lists of `anchor`, which is the next one of this generation or of the other.
    async fn take(&mut self, anchor: &ProductId) -> Result<Option<Bytes>, CacheError> {
        let mut newest = None;
        for (records, head) in &mut self.segments {
            if let Some((_, bytes)) = head.take_if(|(at, _)| at == anchor) {
                newest.get_or_insert(bytes);
                *head = records.try_next().await?;
            }
        }
        Ok(newest)
    }
}

struct Comparison {
    diff: Diff,
    /// The farthest so far, by distance.
    farthest: BTreeSet<(std::cmp::Reverse<usize>, Mover)>,
    most: usize,
}

impl Comparison {
    fn compare(&mut self, anchor: &ProductId, was: &AnchorLists, is: &AnchorLists) {
        let relations = was.relations().chain(is.relations());
        let mut differs = false;
        for relation in relations.collect::<BTreeSet<_>>() {
            let tally = self.diff.relations.entry(relation).or_default();
            let before = *tally;
            let places = places(was.list(relation), is.list(relation));
            for (companion, (from, to)) in places {
                match (from, to) {
                    (None, _) => tally.gained += 1,
                    (_, None) => tally.lost += 1,
                    _ if from == to => tally.kept += 1,
                    _ => tally.moved += 1,
                }
                let mover = Mover {
                    relation,
                    anchor: anchor.to_string(),
                    companion: companion.to_string(),
                    from,
                    to,
                };
                if from != to {
                    self.farthest.insert((std::cmp::Reverse(mover.distance()), mover));
                    if self.farthest.len() > self.most {
                        self.farthest.pop_last();
                    }
                }
            }
            differs |= (tally.gained, tally.lost, tally.moved) != (before.gained, before.lost, before.moved);
        }
        self.diff.anchors_changed += u64::from(differs);
    }

    fn finish(self) -> Diff {
        Diff {
            movers: self.farthest.into_iter().map(|(_, mover)| mover).collect(),
            ..self.diff
        }
    }
}

/// Where each companion stood and stands, from 1.
fn places<'a>(
    was: impl Iterator<Item = Candidate<&'a str>>,
    is: impl Iterator<Item = Candidate<&'a str>>,
) -> HashMap<&'a str, (Option<usize>, Option<usize>)> {
    let mut places: HashMap<&str, (Option<usize>, Option<usize>)> = HashMap::new();
    for (at, one) in was.enumerate() {
        places.entry(one.product).or_default().0 = Some(at + 1);
    }
    for (at, one) in is.enumerate() {
        places.entry(one.product).or_default().1 = Some(at + 1);
    }
    places
}

fn print(diff: &Diff) {
    println!(
        "generation {} to {}: the lists of {} anchors changed",
        diff.from, diff.to, diff.anchors_changed
    );
    let mut table = output::table(&["relation", "gained", "lost", "moved"]);
    for (relation, tally) in &diff.relations {
        table.add_row([
            relation.as_str().to_owned(),
            tally.gained.to_string(),
            tally.lost.to_string(),
            tally.moved.to_string(),
        ]);
    }
    println!("{table}");
    let place = |place: Option<usize>| place.map_or_else(|| "none".to_owned(), |place| place.to_string());
    let mut table = output::table(&["relation", "anchor", "companion", "from place", "to place"]);
    for mover in &diff.movers {
        table.add_row([
            mover.relation.as_str().to_owned(),
            mover.anchor.clone(),
            mover.companion.clone(),
            place(mover.from),
            place(mover.to),
        ]);
    }
    println!("{table}");
}

#[cfg(test)]
mod tests {
    use tandem_cache::codec::encode_touched;
    use tandem_cache::segment::write_segment;
    use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
    use tandem_domain::generation::SegmentRef;

    use super::*;

    fn id(id: &str) -> ProductId {
        ProductId::new(id).unwrap()
    }

    fn edge(companion: &str) -> Edge {
        Edge {
            companion: id(companion),
            score: 1.0,
            basket_score: 1.0,
            source: Source::Learned,
            generated: false,
            evidence: Evidence {
                signal: Signal::CoPurchase,
                support: 3,
                anchor_count: 9,
                companion_count: 9,
                total: 99,
                window_days: 400,
                lift: 2.0,
                llr: 5.0,
            },
        }
    }

    async fn segment(store: &dyn ObjectStore, no: u64, rows: &[(&str, &[&str])]) -> SegmentRef {
        let row = |(anchor, companions): &(&str, &[&str])| AnchorEdges {
            anchor: id(anchor),
            lists: vec![EdgeList {
                relation: Relation::Together,
                edges: companions.iter().copied().map(edge).collect(),
                refused: GateCounts::default(),
            }],
            feedback: std::collections::BTreeMap::new(),
            paces: std::collections::BTreeMap::new(),
            bundles: Vec::new(),
        };
        let mut records: Vec<_> = rows
            .iter()
            .map(row)
            .flat_map(|row| encode_touched(&row))
            .collect();
        records.sort_by(|(a, _), (b, _)| a.cmp(b));
        let path = format!("{no}.segment");
        write_segment(store, no, &path, records).await.unwrap()
    }

    fn manifest(no: u64, segments: &[&SegmentRef]) -> Manifest {
        Manifest {
            generation: GenerationNo(no),
            segments: segments.iter().copied().cloned().collect(),
            codec: 1,
        }
    }

    #[tokio::test]
    async fn edges_are_gained_lost_and_moved_by_what_the_newest_segment_says() {
        let folder = tempfile::tempdir().unwrap();
        let store = segment_store(&folder.path().to_string_lossy()).unwrap();
        let store = store.as_ref();
        let base = segment(store, 1, &[("a", &["x", "y", "z"]), ("b", &["x"]), ("d", &["x"])]).await;
        let delta = segment(store, 2, &[("a", &["y", "x", "z"]), ("b", &[]), ("c", &["w"])]).await;
        let (from, to) = (manifest(1, &[&base]), manifest(2, &[&delta, &base]));

        let diff = between(store, &from, &to, 3).await.unwrap();
        let together = Tally {
            gained: 1,
            lost: 1,
            moved: 2,
            kept: 1,
        };
        assert_eq!(diff.relations, BTreeMap::from([(Relation::Together, together)]));
        assert_eq!((diff.from, diff.to, diff.anchors_changed), (1, 2, 3));
        let movers: Vec<_> = diff
            .movers
            .iter()
            .map(|mover| {
                (
                    mover.anchor.as_str(),
                    mover.companion.as_str(),
                    mover.from,
                    mover.to,
                )
            })
            .collect();
        assert_eq!(
            movers,
            [
                ("b", "x", Some(1), None),
                ("c", "w", None, Some(1)),
                ("a", "x", Some(1), Some(2))
            ]
        );

        let back = between(store, &to, &from, 0).await.unwrap();
        assert_eq!(back.relations[&Relation::Together], Tally { ..together });
        assert_eq!(between(store, &to, &to, 9).await.unwrap().anchors_changed, 0);
    }
}
