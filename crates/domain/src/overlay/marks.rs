//! What merchants' links do to one answer: those of the surface, valid now.

use crate::clock::Timestamp;
use crate::id::{ProductId, SurfaceId};
use crate::link::{AnchorLinks, Link, LinkEffect};
use crate::relation::Relation;

/// A companion that stands at a fixed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The companion.
    pub product: ProductId,
    /// In which relation; `None` for all.
    pub relation: Option<Relation>,
    /// From 1.
    pub position: u32,
}

/// A stretch of time; an open end is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first moment.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Span {
    /// Whether it has no end on either side.
    #[must_use]
    pub const fn is_everlasting(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    /// Whether `moment` lies in it.
    #[must_use]
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Factor {
    product: ProductId,
    relation: Option<Relation>,
    factor: f32,
    adds: bool,
}

/// The effects of links on one answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marks {
    pins: Vec<Pin>,
    factors: Vec<Factor>,
    excluded: Vec<(ProductId, Option<Relation>)>,
}

impl Marks {
    /// Bytes that it takes besides itself, roughly.
    #[must_use]
    pub const fn size(&self) -> usize {
        size_of::<Pin>() * self.pins.capacity()
            + size_of::<Factor>() * self.factors.capacity()
            + size_of::<(ProductId, Option<Relation>)>() * self.excluded.capacity()
    }

    /// The links that hold on `surface` at `now`. Deleted links never do.
    #[must_use]
    pub fn of(links: &AnchorLinks, surface: &SurfaceId, now: Timestamp) -> Self {
        let mut marks = Self::default();
        for link in links.links.iter().filter(|link| holds(link, surface, now)) {
            marks.add(link);
        }
        marks.pins.sort_by_key(|pin| pin.position);
        marks
    }

    /// The time around `now` in which the same links hold: [`Marks::of`] gives the same for all of it.
    #[must_use]
    pub fn span(links: &AnchorLinks, surface: &SurfaceId, now: Timestamp) -> Span {
        let mut span = Span::default();
        let own = links.links.iter().map(|link| &link.input);
        let own = own.filter(|input| input.surface.as_ref().is_none_or(|only| only == surface));
        for edge in own
            .flat_map(|input| [input.valid_from, input.valid_until])
            .flatten()
        {
            if edge <= now {
                span.from = span.from.max(Some(edge));
            } else {
                span.until = Some(span.until.map_or(edge, |until| until.min(edge)));
            }
        }
        span
    }

    /// The marks of several anchors on one answer. Factors have weighed each anchor's own votes already, so they
    /// stay only as a reason to add a companion. At equal positions the earlier anchor's pin comes first.
    #[must_use]
    pub fn joined<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut joined = Self::default();
        for marks in all {
            joined.pins.extend_from_slice(&marks.pins);
            joined.excluded.extend_from_slice(&marks.excluded);
            joined.factors.extend(marks.factors.iter().map(|mark| Factor {
                factor: 1.0,
                ..mark.clone()
            }));
        }
        joined.pins.sort_by_key(|pin| pin.position);
        joined
    }

    /// Whether no link holds.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.factors.is_empty() && self.excluded.is_empty()
    }

    /// What merchants have excluded and nothing else: it holds for an anchor whose other links do not, too.
    #[must_use]
    pub fn exclusions(&self) -> Self {
        Self {
            excluded: self.excluded.clone(),
            ..Self::default()
        }
    }

    /// Pins by position.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// Whether a merchant has excluded the companion in this relation.
    #[must_use]
    pub fn excludes(&self, product: &str, relation: Option<Relation>) -> bool {
        self.excluded
            .iter()
            .any(|(excluded, scope)| excluded.as_str() == product && covers(*scope, relation))
    }

    /// What the companion's score is multiplied by; 1 without a link.
    #[must_use]
    pub fn factor(&self, product: &str, relation: Option<Relation>) -> f32 {
        self.factors
            .iter()
            .filter(|mark| mark.product.as_str() == product && covers(mark.relation, relation))
            .map(|mark| mark.factor)
            .product()
    }

    /// Boosted companions, with the relation that the boost is for.
    pub fn boosts(&self) -> impl Iterator<Item = (&ProductId, Option<Relation>)> {
        self.factors
            .iter()
            .filter(|mark| mark.adds)
            .map(|mark| (&mark.product, mark.relation))
    }

    fn add(&mut self, link: &Link) {
        let (product, relation) = (link.input.companion.clone(), link.input.relation);
        match link.input.effect {
            LinkEffect::Pin { position } => self.pins.push(Pin {
                product,
                relation,
                position,
            }),
            LinkEffect::Boost { factor } => self.factors.push(Factor {
                product,
                relation,
                factor,
                adds: true,
            }),
            LinkEffect::Bury { factor } => self.factors.push(Factor {
                product,
                relation,
                factor,
                adds: false,
            }),
            LinkEffect::Exclude => self.excluded.push((product, relation)),
        }
    }
}

/// A link for all relations covers whatever no relation carries, too.
fn covers(scope: Option<Relation>, relation: Option<Relation>) -> bool {
    scope.is_none() || scope == relation
}

fn holds(link: &Link, surface: &SurfaceId, now: Timestamp) -> bool {
    let input = &link.input;
    link.deleted.is_none()
        && input.surface.as_ref().is_none_or(|only| only == surface)
        && input.valid_from.is_none_or(|from| from <= now)
        && input.valid_until.is_none_or(|until| now < until)
}
