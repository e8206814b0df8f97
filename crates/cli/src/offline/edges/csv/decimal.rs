//! Numbers with a point as text, in six significant digits: as many as an `f32` is sure to keep.

use std::ops::Range;

use super::piece::Piece;

/// Lifts and ratios of edges that no baskets carry.
const ZERO: Piece = Piece::new(u32::from_le_bytes(*b"0.0\0") as u128, 3);
/// All other numbers are rare: less than one in two hundred. The end is the least that is rounded to seven digits.
const COMMON: Range<f32> = 2e-6..999_999.5;
/// The least decimal exponent of common numbers, and the largest.
const LEAST: i32 = -6;
const MOST: i32 = 5;
/// Eight digits of zero.
const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// By decimal exponent from the least on: what makes the first six digits an integer. More than there are, so that any four
/// bits are the place of one.
static SCALES: [f64; 16] = {
    let mut scales = [1.0; _];
    let mut at = (MOST - LEAST) as usize;
    while at > 0 {
        scales[at - 1] = scales[at] * 10.0;
        at -= 1;
    }
    scales
};

/// By what stands in the exponent field of an `f32`: the decimal exponent of the least number, and the least number that is
/// rounded to the next one. Of numbers that are not common it means nothing.
static DECADES: [(i32, f64); 256] = {
    let mut decades = [(0, 0.0); _];
    let mut at = 0;
    while at < decades.len() {
        // ⌊log₁₀ 2^(field − 127)⌋
        let exponent = ((at as i32 - 127) * 1233) >> 12;
        if exponent >= LEAST && exponent <= MOST {
            decades[at] = (exponent, 999_999.5 / SCALES[(exponent - LEAST) as usize]);
        }
        at += 1;
    }
    decades
};

/// Three digits each, the first one highest.
static THOUSANDS: [u32; 1000] = {
    let mut all = [0; _];
    let mut at = 0;
    while at < all.len() {
        let digits = [at / 100, at / 10 % 10, at % 10];
        all[at] = u32::from_be_bytes([
            0,
            b'0' + digits[0] as u8,
            b'0' + digits[1] as u8,
            b'0' + digits[2] as u8,
        ]);
        at += 1;
    }
    all
};

/// A number with a point as text.
#[inline]
pub(super) fn decimal(value: f32) -> Piece {
    // Numbers that are not negative are in the order of their bits, before all others.
    if !(COMMON.start.to_bits()..COMMON.end.to_bits()).contains(&value.to_bits()) {
        return if value == 0.0 { ZERO } else { rare(value) };
    }
    let (digits, exponent) = digits(value);
    let three = |number: u32| u64::from(THOUSANDS[number as usize]);
    let text = three(digits / 1000) << 40 | three(digits % 1000) << 16 | ZEROS & 0xffff;
    let significant = 8 - (text ^ ZEROS).trailing_zeros() / 8;
    let (text, point) = (text.swap_bytes(), u64::from(b'.'));
    if exponent >= 0 {
        let whole = exponent.cast_unsigned() + 1;
        let rest = u64::MAX << (8 * whole);
        let text = text & !rest | point << (8 * whole) | (text & rest) << 8;
        Piece::new(text.into(), significant.max(whole + 1) + 1)
    } else {
        let before = 1 + exponent.unsigned_abs();
        let lead = (ZEROS ^ (u64::from(b'0') ^ point) << 8) & !(u64::MAX << (8 * before));
        let (low, high) = (lead | text << (8 * before), text >> (64 - 8 * before));
        Piece::new(u128::from(low) | u128::from(high) << 64, before + significant)
    }
}

/// Any other number.
#[cold]
fn rare(value: f32) -> Piece {
    let rounded = format!("{value:.5e}").parse().unwrap_or(value);
    let mut buffer = zmij::Buffer::new();
    match buffer.format(rounded).as_bytes() {
        text if text.len() < Piece::BYTES => Piece::of(text),
        _ => Piece::of(format!("{rounded:e}").as_bytes()),
    }
}

/// The first six digits of a common number, and its decimal exponent.
#[inline]
fn digits(value: f32) -> (u32, i32) {
    /// The low bits of so large a number count ones: what is added to it is rounded to an integer.
    const ONES: f64 = (1_u64 << 52) as f64;
    let (exponent, next) = DECADES[usize::from((value.to_bits() >> 23) as u8)];
    let value = f64::from(value);
    let exponent = exponent + i32::from(value >= next);
    // Twenty-four bits by 5^11 are exact in fifty-three, so the sum alone rounds.
    let scaled = value * SCALES[(exponent - LEAST) as usize % SCALES.len()];
    ((scaled + ONES).to_bits() as u32, exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::piece::Room;
    use super::*;

    fn written(value: f32) -> String {
        let mut bytes = [0; Piece::BYTES + 1];
        let mut room = Room::new(&mut bytes);
        room.put(decimal(value));
        let length = room.written();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// The same by way of the standard library, digit by digit.
    fn reference(value: f32) -> String {
        let rounded: f32 = format!("{value:.5e}").parse().unwrap();
        zmij::Buffer::new().format(rounded).to_owned()
    }

    #[test]
    fn numbers_are_written_in_six_digits_without_needless_zeros() {
        let examples = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.5, "0.5"),
            (496.33566, "496.336"),
            (123_456.78, "123457.0"),
            (999_999.4, "999999.0"),
            (0.000_169_392_91, "0.000169393"),
            (0.000_012, "0.000012"),
            (0.000_001, "0.000001"),
            (0.000_000_123_456_7, "1.23457e-7"),
            (9.999_999e-6, "0.00001"),
            (1e-12, "1e-12"),
            (12_345_678.0, "12345700.0"),
            (f32::MAX, "3.40282e+38"),
            (-0.0, "0.0"),
            (-1.5, "-1.5"),
            (-1e12, "-1e12"),
            (f32::INFINITY, "inf"),
            (f32::NAN, "NaN"),
        ];
        for (value, text) in examples {
            assert_eq!(written(value), text);
        }
    }

    /// Numbers as they come, those around powers of ten, and those halfway between two of six digits.
    fn numbers() -> impl Strategy<Value = f32> {
        let near = |power: f32, steps: i32| f32::from_bits(power.to_bits().saturating_add_signed(steps));
        prop_oneof![
            (0..f32::INFINITY.to_bits()).prop_map(f32::from_bits),
            (-12..8_i32, 1.0..10.0_f32).prop_map(|(power, digits)| digits * 10_f32.powi(power)),
            (-12..8_i32, -40..40_i32).prop_map(move |(power, steps)| near(10_f32.powi(power), steps)),
            (100_000..1_000_000_u32, 0..6_i32)
                .prop_map(|(digits, power)| (f64::from(digits) + 0.5) as f32 / 10_f32.powi(power)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn numbers_are_written_as_the_standard_library_rounds_them(value in numbers()) {
            prop_assert_eq!(written(value), reference(value));
        }
    }
}
