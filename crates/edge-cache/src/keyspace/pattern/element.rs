//! The elements of a glob, read as Redis reads them.

use std::ops::RangeInclusive;

/// One element of a pattern. All but [`Element::Star`] match one byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    /// `*`: any bytes, or none.
    Star,
    /// `?`: any byte.
    Any,
    /// A byte that matches itself.
    Literal(u8),
    /// `[...]`: one of these bytes or, negated, one of all others.
    Class {
        negated: bool,
        members: Vec<RangeInclusive<u8>>,
    },
}

/// A class without its `]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclosed;

impl Element {
    pub(super) fn is_wildcard(&self) -> bool {
        matches!(self, Self::Any | Self::Class { .. })
    }

    /// Returns about how many comparisons it takes.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Class { members, .. } => 1 + members.len(),
            _ => 1,
        }
    }

    /// Reads the first element of a pattern, and the pattern after it; `None` at the end.
    pub(super) fn first(pattern: &[u8]) -> Option<Result<(Self, &[u8]), Unclosed>> {
        Some(match pattern {
            [] => return None,
            [b'*', after @ ..] => Ok((Self::Star, after)),
            [b'?', after @ ..] => Ok((Self::Any, after)),
            [b'[', class @ ..] => Self::class(class),
            [b'\\', literal, after @ ..] | [literal, after @ ..] => {
                Ok((Self::Literal(*literal), after))
            }
        })
    }

    /// Reads a class after its `[`.
    fn class(class: &[u8]) -> Result<(Self, &[u8]), Unclosed> {
        let (negated, mut rest) = match class {
            [b'^', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut members = Vec::new();

        loop {
            rest = match rest {
                [] => return Err(Unclosed),
                [b']', after @ ..] => return Ok((Self::Class { negated, members }, after)),
                [b'\\', literal, after @ ..] => {
                    members.push(*literal..=*literal);
                    after
                }
                [from, b'-', to, after @ ..] => {
                    members.push(*from.min(to)..=*from.max(to));
                    after
                }
                [literal, after @ ..] => {
                    members.push(*literal..=*literal);
                    after
                }
            };
        }
    }
}

/// Reads all elements of a pattern.
pub(super) fn elements(pattern: &[u8]) -> Result<Vec<Element>, Unclosed> {
    let mut all = Vec::new();
    let mut rest = pattern;
    while let Some(first) = Element::first(rest) {
        let (element, after) = first?;
        all.push(element);
        rest = after;
    }
    Ok(all)
}
