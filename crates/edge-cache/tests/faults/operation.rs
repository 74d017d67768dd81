//! The operations of the cache.

use std::time::Duration;

use edge_cache::{Error, Fetched, LoadError, Options, SetItem};

use crate::{TAGS, TestCache};

/// Declares the operations once, so that [`ALL`] has each of them.
macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) enum Operation {
            $($name),*
        }

        pub(crate) const ALL: [Operation; [$(Operation::$name),*].len()] =
            [$(Operation::$name),*];
    };
}

operations! {
    Get,
    GetMany,
    Set,
    SetMany,
    Delete,
    DeleteMany,
    Exists,
    Expire,
    Ttl,
    Tag,
    KeysByTag,
    InvalidateTag,
    ClearByPattern,
    KeyInfo,
    GetOrSet,
    GetOrSetAbsent,
    GetOrSetMany,
}

use Operation::*;

impl Operation {
    /// Runs the operation on the keys of [`crate::Setup::prepare`]; returns its result as text.
    pub(crate) async fn run(self, cache: &TestCache) -> Result<String, Error> {
        let ttl = Some(Duration::from_secs(600));
        let options = Options {
            ttl,
            tags: TAGS,
            early_refresh: 0.0,
            ..Options::default()
        };
        let item = |key| SetItem {
            ttl,
            tags: TAGS,
            ..SetItem::new(key, &7)
        };
        let load = async || Ok::<_, String>(1);
        let load_many = async |keys: Vec<&'static str>| {
            let pairs = keys.into_iter().map(|key| (key, 1));
            Ok::<_, String>(pairs.collect::<Vec<_>>())
        };

        Ok(match self {
            Get => format!("{:?}", cache.get::<u32>("a:1").await?),
            GetMany => format!(
                "{:?}",
                cache.get_many::<u32>(&["a:1", "a:2", "absent"]).await?
            ),
            Set => format!("{:?}", cache.set("b:1", &7, &options).await?),
            SetMany => format!("{:?}", cache.set_many(&[item("b:1"), item("b:2")]).await?),
            Delete => format!("{}", cache.delete("a:1").await?),
            DeleteMany => format!("{}", cache.delete_many(&["a:1", "a:2", "absent"]).await?),
            Exists => format!("{}", cache.exists("a:1").await?),
            Expire => format!("{}", cache.expire("a:1", ttl).await?),
            Ttl => format!("{}", cache.ttl("a:1").await?.flatten().is_some()),
            Tag => format!("{:?}", cache.tag("a:1", &["t3"]).await?),
            KeysByTag => format!("{}", cache.keys_by_tag("t1").await?.len()),
            InvalidateTag => format!("{}", cache.invalidate_tag("t1").await?),
            ClearByPattern => format!("{}", cache.clear_by_pattern("a:*").await?),
            KeyInfo => format!("{:?}", cache.key_info("a:1").await?.map(|info| info.value)),
            GetOrSet => outcome(cache.get_or_set("a:1", &options, load).await),
            GetOrSetAbsent => outcome(cache.get_or_set("b:1", &options, load).await),
            GetOrSetMany => {
                let keys = ["a:1", "b:1", "a:2"];
                outcomes(cache.get_or_set_many(&keys, &options, load_many).await)
            }
        })
    }

    /// True if the operation returns the loader's value while Redis is unavailable.
    pub(crate) fn reads_through(self) -> bool {
        matches!(self, GetOrSet | GetOrSetAbsent | GetOrSetMany)
    }

    /// The number of prepared keys that the operation removes.
    pub(crate) fn removes(self) -> usize {
        match self {
            Delete => 1,
            DeleteMany => 2,
            InvalidateTag | ClearByPattern => 3,
            _ => 0,
        }
    }
}

/// The outcome alone says where a value is from: stored and loaded ones are all 1.
fn outcome(fetched: Result<Fetched<u32>, LoadError<String>>) -> String {
    let fetched = fetched.expect("the loader does not fail");
    assert_eq!(fetched.value, 1);
    format!("{:?}", fetched.outcome)
}

fn outcomes(fetched: Result<Vec<Fetched<Option<u32>>>, LoadError<String>>) -> String {
    let fetched = fetched.expect("the loader does not fail");
    assert!(fetched.iter().all(|fetched| fetched.value == Some(1)));
    let outcomes = fetched.iter().map(|fetched| fetched.outcome);
    format!("{:?}", outcomes.collect::<Vec<_>>())
}

/// Tests all operations at the same time: most of the time is spent waiting for time limits.
pub(crate) fn for_each_operation<T: Send>(test: impl AsyncFn(Operation) -> T + Sync) -> Vec<T> {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };

    std::thread::scope(|scope| {
        let run = |operation| {
            scope.spawn({
                let test = &test;
                move || runtime().block_on(test(operation))
            })
        };
        let running: Vec<_> = ALL.into_iter().map(run).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}
