//! The names that a dry run has matched, remembered as hashes, so that its execution changes no
//! other keys.
//!
//! Beside each part of the walk is a Redis hash. A field has the hashes of about 64 names, 8 bytes
//! each. Two names of a million have the same hash once in 37 million dry runs, so a key that has
//! appeared since is practically never taken for one that was matched. The memory is about 10 bytes
//! a name, 8 of them its hash; a set of the names would take more than 100.

use std::collections::BTreeMap;

use edge_cache::keyspace::key::KeyName;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::script;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sha1_smol::Sha1;

use crate::error::Error;

static FIND_NAMES: Script = script!(repeatable "jobs/find_names", []);

/// The most names that a dry run remembers; with more, it can be executed by pattern only.
pub(super) const MAX_REMEMBERED_NAMES: u64 = 5_000_000;
/// The most names that all dry runs together remember: about 100 MB.
pub(super) const MAX_NAMES_OF_ALL: u64 = 10_000_000;
/// The average number of names in a field, as a power of 2: a field is read as a whole.
const NAMES_OF_FIELD_BITS: u32 = 6;
/// The most bits of a hash that select its field.
const MAX_FIELD_BITS: u32 = 16;

/// The names of a dry run that is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedNames {
    /// The dry run.
    pub(super) job: String,
    /// The bits of a hash that select its field.
    pub(super) bits: u32,
    /// The keys that have the hashes, one for each part of the walk.
    pub(super) keys: Vec<String>,
}

/// The bits of a hash that select its field, for a database of so many keys.
pub(super) fn field_bits(keys: u64) -> u32 {
    let bits = u64::BITS - keys.leading_zeros();
    bits.saturating_sub(NAMES_OF_FIELD_BITS).min(MAX_FIELD_BITS)
}

fn hash(name: &KeyName) -> [u8; 8] {
    let digest = Sha1::from(name.as_bytes()).digest().bytes();
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}

/// The hashes of names by their fields, with the position of each name.
fn by_field(names: &[KeyName], bits: u32) -> BTreeMap<u64, Vec<(usize, [u8; 8])>> {
    let mut fields: BTreeMap<u64, Vec<(usize, [u8; 8])>> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        let hash = hash(name);
        let field = u64::from_be_bytes(hash)
            .checked_shr(u64::BITS - bits)
            .unwrap_or_default();
        fields.entry(field).or_default().push((at, hash));
    }
    fields
}

fn args(fields: &BTreeMap<u64, Vec<(usize, [u8; 8])>>) -> Vec<Arg> {
    let mut args = Vec::with_capacity(2 * fields.len());
    for (field, hashes) in fields {
        let hashes: Vec<u8> = hashes.iter().flat_map(|(_, hash)| *hash).collect();
        args.extend([Arg::from(*field), hashes.into()]);
    }
    args
}

/// The arguments of `jobs/count_slice.lua` for these names.
pub(super) fn args_of(names: &[KeyName], bits: u32) -> Vec<Arg> {
    args(&by_field(names, bits))
}

impl RememberedNames {
    /// Splits names into those that the dry run has matched and a number of others. One round trip
    /// for each part of the dry run's walk, which overlap.
    ///
    /// # Errors
    /// [`Error::JobState`] if names were lost, and those of the connection.
    pub(super) async fn filter<R: Redis>(
        &self,
        redis: &R,
        names: Vec<KeyName>,
    ) -> Result<(Vec<KeyName>, u64), Error> {
        let fields = by_field(&names, self.bits);
        let args = args(&fields);
        let finding = self.keys.iter().map(|key| {
            let args = args.clone();
            async move {
                let keys = [key.as_str().into()];
                FIND_NAMES.run(redis, keys, args).await?.text()
            }
        });
        let found = join_all(finding).await;
        let found: Vec<String> = found.into_iter().collect::<Result<_, _>>()?;
        if found.iter().any(|found| found == "lost") {
            return Err(self.lost());
        }

        let mut is_known = vec![false; names.len()];
        for (place, (at, _)) in fields.values().flatten().enumerate() {
            let is_in = |found: &String| found.as_bytes().get(place) == Some(&b'1');
            if let Some(is_known) = is_known.get_mut(*at) {
                *is_known = found.iter().any(is_in);
            }
        }
        let count = names.len();
        let known = names.into_iter().zip(is_known);
        let known: Vec<KeyName> = known
            .filter_map(|(name, is_known)| is_known.then_some(name))
            .collect();
        let appeared = count - known.len();
        Ok((known, appeared as u64))
    }

    /// Checks that all names are still remembered. One round trip for each part.
    ///
    /// # Errors
    /// Those of [`RememberedNames::filter`].
    pub(super) async fn require_complete<R: Redis>(&self, redis: &R) -> Result<(), Error> {
        self.filter(redis, Vec::new()).await.map(drop)
    }

    fn lost(&self) -> Error {
        Error::JobState(format!(
            "Redis no longer has the names that job {} has matched: execute it with `\"by\": \"pattern\"`, or repeat the dry run",
            self.job
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_about_64_names() {
        assert_eq!(field_bits(0), 0);
        assert_eq!(field_bits(64), 1);
        assert_eq!(field_bits(1_000_000), 14);
        assert_eq!(field_bits(u64::MAX), MAX_FIELD_BITS);

        let names: Vec<KeyName> = (0..10_000)
            .map(|number| KeyName::new(format!("users:{number}")))
            .collect();
        let fields = by_field(&names, field_bits(10_000));
        assert_eq!(fields.len(), 256);
        assert_eq!(by_field(&names, 0).len(), 1);
        assert!(fields.values().all(|hashes| hashes.len() < 128));
    }
}
