//! The token of a kept list, computed once for as long as the answer stays the same.

use arc_swap::ArcSwapOption;
use tandem_domain::attribution::Mark;

/// What a token may take of an entry's memory: one of twenty items, and what it was made of.
pub(crate) const SIGNATURE_BYTES: usize = 320;

/// The token that was computed last, and of which items.
#[derive(Debug, Default)]
pub(crate) struct Signature(ArcSwapOption<Signed>);

#[derive(Debug)]
struct Signed {
    offset: usize,
    marks: Box<[Mark]>,
    token: Box<str>,
}

impl Signature {
    /// Gives the token of the page of these items to `write`: the last one, where it is of the same page, and otherwise
    /// what `sign` makes of it. Whatever else a token tells must be the same for every call.
    pub(crate) fn token(
        &self,
        offset: usize,
        marks: &[Mark],
        sign: impl FnOnce() -> String,
        write: impl FnOnce(&str),
    ) {
        let last = self.0.load();
        if let Some(signed) = last.as_deref()
            && signed.offset == offset
            && *signed.marks == *marks
        {
            return write(&signed.token);
        }
        let token = sign();
        write(&token);
        self.0.store(Some(std::sync::Arc::new(Signed {
            offset,
            marks: marks.into(),
            token: token.into(),
        })));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tandem_domain::id::ProductId;

    use super::*;

    fn marks(names: &[&str]) -> Vec<Mark> {
        let product = |name: &&str| ProductId::new(*name).expect("a valid id");
        names.iter().map(|name| Mark::of(&product(name))).collect()
    }

    #[test]
    fn the_same_page_is_signed_once_and_another_one_anew() {
        let (signature, signed) = (Signature::default(), Cell::new(0));
        let token = |offset, names: &[&str]| {
            let mut written = String::new();
            let sign = || {
                signed.set(signed.get() + 1);
                format!("{offset} {names:?}")
            };
            signature.token(offset, &marks(names), sign, |token| written.push_str(token));
            assert_eq!(written, format!("{offset} {names:?}"), "the page's own token");
            signed.get()
        };
        assert_eq!([token(0, &["a", "b"]), token(0, &["a", "b"])], [1, 1]);
        assert_eq!(token(0, &["b", "a"]), 2, "another order");
        assert_eq!(token(2, &["b", "a"]), 3, "another page");
        assert_eq!(token(0, &["b"]), 4, "one item sold out");
        assert_eq!(token(0, &["a", "b"]), 5, "and is back");
    }
}
