//! Kinds of fences: by what they cover keys, and whether these are removed or marked stale.
//!
//! ```text
//! pattern            the keys that match are removed
//! stale 60000 tag    the keys with the tag are marked stale; without grace, they may be served for 60,000 ms
//! ```

use crate::keyspace::purge::{PurgeMode, SoftGrace};

const STALE: &[u8] = b"stale ";

/// The kind of a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FenceKind<'a> {
    /// `pattern`, `tag` or `key`; anything else covers every key.
    pub(super) by: &'a [u8],
    /// The effect on what it covers.
    pub(super) mode: PurgeMode,
}

impl<'a> FenceKind<'a> {
    /// Reads a kind. One that cannot be understood is hard, and covers every key.
    pub(super) fn parse(kind: &'a [u8]) -> Self {
        Self::parse_soft(kind).unwrap_or(Self {
            by: kind,
            mode: PurgeMode::Hard,
        })
    }

    fn parse_soft(kind: &'a [u8]) -> Option<Self> {
        let rest = kind.strip_prefix(STALE)?;
        let end = rest.iter().position(|byte| *byte == b' ')?;
        let (grace, by) = rest.split_at_checked(end)?;
        let grace: u64 = str::from_utf8(grace).ok()?.parse().ok()?;
        Some(Self {
            by: by.get(1..)?,
            mode: PurgeMode::Soft(SoftGrace::stored(grace)),
        })
    }

    /// The kind as the stream has it.
    pub(super) fn render(by: &str, mode: PurgeMode) -> String {
        match mode {
            PurgeMode::Hard => by.to_owned(),
            PurgeMode::Soft(grace) => format!("stale {} {by}", grace.milliseconds()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        let grace = SoftGrace::new("grace", Duration::from_secs(5)).unwrap();
        for mode in [PurgeMode::Hard, PurgeMode::Soft(grace)] {
            let rendered = FenceKind::render("tag", mode);
            let read = FenceKind::parse(rendered.as_bytes());
            assert_eq!(read, FenceKind { by: b"tag", mode });
        }
        assert_eq!(
            FenceKind::render("key", PurgeMode::Soft(grace)),
            "stale 5000 key"
        );
    }

    #[test]
    fn a_kind_that_cannot_be_understood_is_hard() {
        for kind in ["stale", "stale x tag", "stale 5", "new kind"] {
            let read = FenceKind::parse(kind.as_bytes());
            assert_eq!((read.by, read.mode), (kind.as_bytes(), PurgeMode::Hard));
        }
    }
}
