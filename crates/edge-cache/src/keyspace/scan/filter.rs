//! Keys that a walk looks for, and those that it has found.

use crate::keyspace::conditions::Conditions;
use crate::keyspace::key::KeyName;
use crate::keyspace::namespace::Namespace;
use crate::keyspace::pattern::{Pattern, Search};

/// Most bytes of the names that a walk samples, except that the last one may be longer.
const MAX_SAMPLE_BYTES: usize = 64 << 10;

/// Keys that matched: how many, and the names of some.
#[derive(Debug, Default)]
pub struct Matches {
    /// How many matched.
    pub matched: u64,
    /// Names of some of them.
    pub names: Vec<KeyName>,
}

impl Matches {
    /// Adds keys that matched, and their names as far as these fit.
    pub(super) fn add(&mut self, found: impl IntoIterator<Item = KeyName>, limits: NameLimits) {
        let mut limits = limits.without(&self.names);
        for name in found {
            self.matched += 1;
            if !limits.are_reached() {
                limits = limits.without(std::slice::from_ref(&name));
                self.names.push(name);
            }
        }
    }
}

/// Keys that a walk looks for.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pattern: Pattern,
    /// The type that keys must have; empty for any.
    pub(super) kind: &'a str,
    /// The conditions that they must meet, where `SCAN` alone cannot test them.
    pub(super) conditions: Option<&'a Conditions>,
    pub(super) left_out: LeftOut,
}

/// Keys that match a pattern and that a walk leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    Nothing,
    /// Those that no removal takes, and records that do not count.
    Trail,
    /// Also those that a removal takes only if it names them.
    Management,
}

impl LeftOut {
    /// The argument of `scan/match_slice.lua`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Trail => "trail",
            Self::Management => "management",
        }
    }
}

impl<'a> Filter<'a> {
    /// Keys that a removal by this pattern would take.
    pub(crate) fn removable(pattern: &Pattern) -> Self {
        let left_out = if pattern.names_protected() {
            LeftOut::Trail
        } else {
            LeftOut::Management
        };
        Self {
            pattern: pattern.clone(),
            kind: "",
            conditions: None,
            left_out,
        }
    }

    /// Those of its keys that meet conditions, too.
    pub(crate) fn meeting(self, conditions: &'a Conditions) -> Self {
        Self {
            kind: &conditions.kind,
            conditions: conditions.need_reading().then_some(conditions),
            ..self
        }
    }

    /// All keys that match, protected keys included.
    pub(crate) fn all(pattern: &Pattern) -> Self {
        Self {
            pattern: pattern.clone(),
            kind: "",
            conditions: None,
            left_out: LeftOut::Nothing,
        }
    }

    /// The pattern as scripts and `SCAN` take it.
    pub(super) fn search(&self) -> Search {
        self.pattern.search()
    }

    /// Returns whether the walk looks for this name, as `scan/match_slice.lua` decides it.
    pub(super) fn admits(&self, name: &KeyName, namespace: &Namespace) -> bool {
        let is_left_out = |is_named| {
            namespace.is_of_other(name.as_bytes())
                || name.is_spared(is_named)
                || name.is_own_record()
        };
        let is_left_out = match self.left_out {
            LeftOut::Nothing => false,
            LeftOut::Trail => is_left_out(true),
            LeftOut::Management => is_left_out(false),
        };
        !is_left_out && self.pattern.matches(name.as_bytes())
    }
}

/// Bounds of the names that one slice returns, except that the last one may be longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameLimits {
    pub(crate) names: usize,
    pub(crate) bytes: usize,
}

impl NameLimits {
    /// Bounds of the samples of a walk.
    pub(super) fn samples(names: usize) -> Self {
        Self {
            names,
            bytes: MAX_SAMPLE_BYTES,
        }
    }

    /// The bounds of the names that may follow these.
    pub(super) fn without(self, found: &[KeyName]) -> Self {
        let bytes = found.iter().map(|name| name.as_bytes().len()).sum();
        Self {
            names: self.names.saturating_sub(found.len()),
            bytes: self.bytes.saturating_sub(bytes),
        }
    }

    pub(super) fn are_reached(self) -> bool {
        self.names == 0 || self.bytes == 0
    }
}
