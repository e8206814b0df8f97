//! Pieces of lines.

use rayon::prelude::*;

/// A piece of a line in as many bytes whatever its length: one look finds it, and what copies it need not know how much
/// there is to copy. The last byte is the length, or [`Piece::LONG`]. One integer, so that it goes from place to place in
/// one piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece(u128);

impl Piece {
    pub(super) const BYTES: usize = size_of::<u128>();
    /// The piece lies elsewhere; the rest is its number there.
    const LONG: u8 = u8::MAX;

    /// The first `length` bytes of `text`, the last byte of which is 0.
    #[inline]
    pub(super) const fn new(text: u128, length: u32) -> Self {
        Self(text | (length as u128) << (8 * (Self::BYTES - 1)))
    }

    /// # Panics
    /// When there are [`Piece::BYTES`] or more.
    pub(super) fn of(text: &[u8]) -> Self {
        assert!(text.len() < Self::BYTES, "{} bytes are no piece", text.len());
        let mut bytes = [0; Self::BYTES];
        bytes[..text.len()].copy_from_slice(text);
        Self::new(u128::from_le_bytes(bytes), text.len() as u32)
    }

    const fn long(number: usize) -> Self {
        Self(number as u128 | (Self::LONG as u128) << (8 * (Self::BYTES - 1)))
    }

    const fn is_long(self) -> bool {
        self.length() == Self::LONG
    }

    const fn length(self) -> u8 {
        (self.0 >> (8 * (Self::BYTES - 1))) as u8
    }
}

/// Pieces by number.
#[derive(Debug)]
pub(super) struct Pieces {
    all: Vec<Piece>,
    /// Those longer than a [`Piece`].
    long: Vec<Box<[u8]>>,
    /// What the longest of them holds beyond one.
    pub(super) beyond: usize,
}

impl Pieces {
    /// One for each, as `write` appends it to an empty text. The long ones, which are few, are marked at first and written
    /// once more where they lie.
    pub(super) fn of<T: Sync>(all: &[T], write: impl Fn(&mut Vec<u8>, &T) + Sync) -> Self {
        let piece = |text: &mut Vec<u8>, one: &T| {
            text.clear();
            write(text, one);
            if text.len() < Piece::BYTES {
                Piece::of(text)
            } else {
                Piece::long(0)
            }
        };
        let mut pieces: Vec<Piece> = all.par_iter().map_init(Vec::new, piece).collect();
        let (mut long, mut beyond) = (Vec::new(), 0);
        for (piece, one) in pieces.iter_mut().zip(all).filter(|(piece, _)| piece.is_long()) {
            let mut text = Vec::new();
            write(&mut text, one);
            beyond = beyond.max(text.len() - Piece::BYTES);
            *piece = Piece::long(long.len());
            long.push(text.into_boxed_slice());
        }
        Self {
            all: pieces,
            long,
            beyond,
        }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Piece {
        self.all[at]
    }
}

/// Room for lines, from the start. It is as large as all pieces that come, each in [`Piece::BYTES`] or in its own length
/// where that is more.
pub(super) struct Room<'t> {
    bytes: &'t mut [u8],
    at: usize,
}

impl<'t> Room<'t> {
    pub(super) const fn new(bytes: &'t mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were written.
    pub(super) const fn written(&self) -> usize {
        self.at
    }

    /// Writes a piece that is not long.
    #[inline]
    pub(super) fn put(&mut self, piece: Piece) {
        self.bytes[self.at..][..Piece::BYTES].copy_from_slice(&piece.0.to_le_bytes());
        self.at += usize::from(piece.length());
    }

    /// Writes a piece that is not long, and a comma.
    #[inline]
    pub(super) fn value(&mut self, piece: Piece) {
        self.put(piece);
        self.bytes[self.at] = b',';
        self.at += 1;
    }

    /// Writes one of `pieces`.
    #[inline]
    pub(super) fn put_of(&mut self, pieces: &Pieces, piece: Piece) {
        match piece.length() {
            Piece::LONG => self.text(&pieces.long[piece.0 as u64 as usize]),
            _ => self.put(piece),
        }
    }

    /// Writes any text.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.bytes[self.at..][..text.len()].copy_from_slice(text);
        self.at += text.len();
    }

    /// Writes a number without a point, and a comma.
    pub(super) fn whole(&mut self, number: impl itoa::Integer) {
        self.text(itoa::Buffer::new().format(number).as_bytes());
        self.text(b",");
    }
}
