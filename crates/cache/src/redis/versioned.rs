//! Records with the epoch and version that scripts compare: `EPOCH VERSION BYTES`.

/// The bytes behind epoch and version.
pub(super) fn content(stored: &[u8]) -> Option<&[u8]> {
    stored.splitn(3, |&byte| byte == b' ').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_may_hold_spaces() {
        assert_eq!(content(b"1 22 \x01 a b"), Some(&b"\x01 a b"[..]));
        assert_eq!(content(b"1 22 "), Some(&b""[..]));
        assert_eq!(content(b"1 22"), None);
    }
}
