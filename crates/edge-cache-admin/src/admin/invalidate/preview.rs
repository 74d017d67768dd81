//! Dry runs of invalidations. Keys are counted as the invalidation would count them: each once, for
//! the first that removes it.

use std::collections::HashSet;

use edge_cache::KeyName;
use edge_cache::RedisError;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::tag::{Tag, set};
use edge_cache::keyspace::{MAX_KEYS_PER_CALL, existence, scan};
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Command, OnNode, Redis, Replies};
use edge_cache::script;

use crate::admin::share::PatternCount;

/// Names the sets that hold a tag's members.
static LIST_TAG_SETS: Script = script!(repeatable "preview/list_tag_sets", []);

/// Finds the first set that contains each name.
static FIND_FIRST_SETS: Script = script!(repeatable "preview/find_first_sets", []);

/// The most membership checks in one script call.
const MAX_CHECKS_PER_CALL: usize = 5000;

/// Keys that an invalidation would remove, in the order of the request.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    /// True for each named key that exists.
    pub(crate) keys: Vec<bool>,
    /// Keys that each tag would remove.
    pub(crate) tags: Vec<u64>,
    /// Keys that each pattern would remove.
    pub(crate) patterns: Vec<u64>,
}

impl Preview {
    /// All keys that would be removed.
    pub(crate) fn total(&self) -> u64 {
        let named = self.keys.iter().filter(|exists| **exists).count() as u64;
        let counted = self.tags.iter().chain(&self.patterns);
        named + counted.sum::<u64>()
    }
}

/// A set that holds members of a tag.
struct TagSet {
    /// The tag's position in the request.
    tag: usize,
    name: Vec<u8>,
}

/// Counts the keys that keys, tags and patterns would remove. One round trip for the keys; for each
/// tag one, and one per 1,000 members; for all patterns together one per 1,000 keys of the
/// database.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn preview<R: Redis>(
    redis: &R,
    keys: &[KeyName],
    tags: &[Tag],
    patterns: &[Pattern],
) -> Result<Preview, RedisError> {
    let names = keys.iter().map(|key| key.as_bytes().into());
    let exist = existence::check_each(redis, names.collect()).await?;
    // Keys of another namespace are not removed.
    let is_removable = |key: &KeyName| !redis.namespace().is_other_named(key.as_bytes());
    let keys_exist: Vec<bool> = keys
        .iter()
        .zip(exist)
        .map(|(key, exists)| exists && is_removable(key))
        .collect();
    let existing: Vec<&KeyName> = keys
        .iter()
        .zip(&keys_exist)
        .filter(|(_, exists)| **exists)
        .map(|(key, _)| key)
        .collect();

    let sets = list_tag_sets(redis, tags, &existing).await?;
    let set_names: Vec<Arg> = sets.iter().map(|set| set.name.as_slice().into()).collect();

    let mut found = Preview {
        keys: keys_exist,
        tags: count_by_tags(redis, tags.len(), &sets, &set_names).await?,
        patterns: count_by_patterns(redis, &set_names, patterns).await?,
    };

    // A key that is removed by name counts for no tag or pattern.
    let first_sets = find_first_sets(redis, &set_names, &existing).await?;
    for (key, first_set) in existing.into_iter().zip(first_sets) {
        let set = first_set.and_then(|index| sets.get(index));
        match set.filter(|_| !key.is_protected()) {
            Some(set) => subtract_one(&mut found.tags, set.tag),
            None => {
                if let Some(pattern) = first_pattern(patterns, key) {
                    subtract_one(&mut found.patterns, pattern);
                }
            }
        }
    }
    Ok(found)
}

fn subtract_one(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count = count.saturating_sub(1);
    }
}

/// Lists the sets of the tags, without those that the request also names as keys and that are
/// therefore removed before.
async fn list_tag_sets<R: Redis>(
    redis: &R,
    tags: &[Tag],
    named: &[&KeyName],
) -> Result<Vec<TagSet>, RedisError> {
    let mut sets = Vec::new();
    for (index, tag) in tags.iter().enumerate() {
        let keys = [tag.key().into(), tag.aside().into()];
        let names = LIST_TAG_SETS.run(redis, keys, []).await?.rest()?;
        for name in names {
            if !named.iter().any(|key| key.as_bytes() == name) {
                sets.push(TagSet { tag: index, name });
            }
        }
    }

    Ok(sets)
}

/// Counts the keys that each tag would remove. A member of several sets counts for the first.
async fn count_by_tags<R: Redis>(
    redis: &R,
    tags: usize,
    sets: &[TagSet],
    set_names: &[Arg],
) -> Result<Vec<u64>, RedisError> {
    let mut counts = vec![0; tags];
    for (index, (set, name)) in sets.iter().zip(set_names).enumerate() {
        let mut names = vec![name.clone()];
        names.extend(set_names.iter().take(index).cloned());
        let counted = set::count_removable(redis, names).await?;
        if let Some(count) = counts.get_mut(set.tag) {
            *count += counted;
        }
    }

    Ok(counts)
}

/// Counts the keys that each pattern would remove and that are in none of the sets. One walk for
/// all patterns.
async fn count_by_patterns<R: Redis>(
    redis: &R,
    set_names: &[Arg],
    patterns: &[Pattern],
) -> Result<Vec<u64>, RedisError> {
    let mut counts = vec![0; patterns.len()];
    let head = match patterns {
        [] => return Ok(counts),
        [one] => one.search().head,
        _ => b"*".to_vec(),
    };
    let topology = redis.newest_topology().await?;
    let nodes = topology.nodes(redis);
    // On a Cluster the sets are in other slots than the keys; `subtract_members` makes up for that.
    let sets = if topology.is_cluster() {
        &[]
    } else {
        set_names
    };
    let count = PatternCount {
        patterns,
        sets,
        head,
        max_visited: MAX_KEYS_PER_CALL,
    };

    for counted in scan::on_each(&nodes, |node| count_on_node(node, &count)).await? {
        for (sum, count) in counts.iter_mut().zip(counted) {
            *sum += count;
        }
    }
    if topology.is_cluster() {
        subtract_members(redis, set_names, patterns, &mut counts).await?;
    }
    Ok(counts)
}

/// Takes the members of sets, which tags remove before, and these sets themselves out of the counts of
/// patterns. One round trip per 1,000 members of each set, and those to check which exist.
async fn subtract_members<R: Redis>(
    redis: &R,
    set_names: &[Arg],
    patterns: &[Pattern],
    counts: &mut [u64],
) -> Result<(), RedisError> {
    let mut removed = HashSet::new();
    for set in set_names {
        removed.extend(set::read_names(redis, set.clone()).await?);
        removed.extend(set.as_bytes().map(KeyName::new));
    }
    removed.retain(|name| first_pattern(patterns, name).is_some());

    let removed: Vec<KeyName> = removed.into_iter().collect();
    for names in removed.chunks(MAX_KEYS_PER_CALL) {
        let keys = names.iter().map(|name| name.as_bytes().into());
        let exist = existence::check_each(redis, keys.collect()).await?;
        for (name, _) in names.iter().zip(exist).filter(|(_, exists)| *exists) {
            if let Some(pattern) = first_pattern(patterns, name) {
                subtract_one(counts, pattern);
            }
        }
    }
    Ok(())
}

/// Counts the keys of a node for the first pattern that would remove each.
async fn count_on_node<R: Redis>(
    redis: &OnNode<'_, R>,
    count: &PatternCount<'_>,
) -> Result<Vec<u64>, RedisError> {
    let mut counts = vec![0; count.patterns.len()];
    let mut cursor = b"0".to_vec();
    loop {
        let slice = count.slice(redis, &cursor).await?;
        for (sum, count) in counts.iter_mut().zip(slice.by_pattern) {
            *sum += count;
        }

        cursor = slice.next;
        if cursor == b"0" {
            return Ok(counts);
        }
    }
}

/// Finds the index of the first set that contains each key.
async fn find_first_sets<R: Redis>(
    redis: &R,
    set_names: &[Arg],
    keys: &[&KeyName],
) -> Result<Vec<Option<usize>>, RedisError> {
    if set_names.is_empty() {
        return Ok(vec![None; keys.len()]);
    }

    if redis.topology().await?.is_cluster() {
        return find_first_sets_apart(redis, set_names, keys).await;
    }

    let keys_per_call = (MAX_CHECKS_PER_CALL / set_names.len()).max(1);
    let mut first_sets = Vec::with_capacity(keys.len());
    for keys in keys.chunks(keys_per_call) {
        let names = keys.iter().map(|key| key.as_bytes().into());
        let mut replies = FIND_FIRST_SETS
            .run(redis, set_names.iter().cloned(), names)
            .await?;
        for _ in keys {
            // The script counts sets from 1, and replies 0 for none.
            first_sets.push((replies.count()? as usize).checked_sub(1));
        }
    }
    Ok(first_sets)
}

/// Finds the first set of each key where the sets are in several slots. One round trip for each set.
async fn find_first_sets_apart<R: Redis>(
    redis: &R,
    set_names: &[Arg],
    keys: &[&KeyName],
) -> Result<Vec<Option<usize>>, RedisError> {
    let mut first_sets = vec![None; keys.len()];
    if keys.is_empty() {
        return Ok(first_sets);
    }
    for (index, set) in set_names.iter().enumerate() {
        let names = keys.iter().map(|key| key.as_bytes());
        let ask = Command::read("SMISMEMBER").arg(set.clone()).args(names);
        let mut replies = Replies::new(redis.execute(ask).await?);
        for first_set in &mut first_sets {
            let is_member = replies.count()? == 1;
            if is_member && first_set.is_none() {
                *first_set = Some(index);
            }
        }
    }
    Ok(first_sets)
}

/// Finds the first pattern that would remove a key, if that would count.
fn first_pattern(patterns: &[Pattern], key: &KeyName) -> Option<usize> {
    if key.is_trail() || key.is_own_record() {
        return None;
    }
    patterns.iter().position(|pattern| {
        let may_remove = pattern.names_protected() || !key.is_protected();
        may_remove && pattern.matches(key.as_bytes())
    })
}
