//! Invalidations by one side: of entries of the other one, and of its loads in flight.

use edge_cache::Options;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::former::{Entry, Former};
use crate::{
    BRACES, BY_OLD, by, clear_all, exists, is_new_load_stored, is_old_load_stored, load,
    new_instance, options,
};

#[tokio::test]
async fn old_instances_remove_new_entries() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let tagged = Options {
        tags: &["user-data"],
        ..options()
    };

    for way in ["key", "tag", "pattern", "flush", "walk"] {
        load(&new, "users:1", &tagged).await;
        match way {
            "key" => former.delete("users:1"),
            "tag" => assert_eq!(former.invalidate_tag("user-data"), 1),
            "pattern" => former.clear("users:*"),
            "flush" => former.flush(),
            _ => former.clear("*"),
        }
        assert!(!exists(&server, "users:1"), "{way}");
    }
}

#[tokio::test]
async fn new_instances_remove_old_entries() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let entry = Entry {
        tags: &["user-data"],
        ..Entry::of(BY_OLD)
    };

    for way in ["key", "tag", "pattern", "flush", "walk"] {
        former.store_entry("users:1", &entry);
        match way {
            "key" => assert!(new.delete("users:1").await.unwrap()),
            "tag" => assert_eq!(new.invalidate_tag("user-data").await.unwrap(), 1),
            "pattern" => assert_eq!(new.clear_by_pattern("users:*").await.unwrap(), 1),
            _ => clear_all(&server, way == "walk").await,
        }
        assert!(!exists(&server, "users:1"), "{way}");
    }
}

#[tokio::test]
async fn a_load_is_stored_when_the_other_side_invalidates_nothing_of_it() {
    let by_old = |_: &RedisServer, former: &Former| {
        former.delete("users:2");
        former.clear("products:*");
        former.invalidate_tag("catalog");
    };
    let by_new = async |server: &RedisServer| {
        new_instance(server).delete("users:2").await.unwrap();
    };

    assert!(is_new_load_stored("users:1", by_old).await);
    assert!(is_old_load_stored("users:1", by_new).await);
}

#[tokio::test]
async fn an_old_invalidation_by_key_wins_over_a_new_load() {
    let by_key = |_: &RedisServer, former: &Former| former.delete("users:1");

    assert!(!is_new_load_stored("users:1", by_key).await);
}

#[tokio::test]
async fn an_old_invalidation_by_tag_wins_over_a_new_load() {
    for key in ["users:1", BRACES] {
        let by_tag = |_: &RedisServer, former: &Former| {
            assert_eq!(former.invalidate_tag("user-data"), 0);
        };

        assert!(!is_new_load_stored(key, by_tag).await, "{key}");
    }
}

#[tokio::test]
async fn an_old_invalidation_by_pattern_wins_over_a_new_load() {
    for (key, pattern) in [("users:1", "users:*"), (BRACES, "{u1}:*")] {
        let by_pattern = |_: &RedisServer, former: &Former| former.clear(pattern);

        assert!(!is_new_load_stored(key, by_pattern).await, "{key}");
    }
}

#[tokio::test]
async fn an_old_global_clear_wins_over_a_new_load() {
    let by_flush = |_: &RedisServer, former: &Former| former.flush();
    let by_walk = |_: &RedisServer, former: &Former| former.clear("*");

    assert!(!is_new_load_stored("users:1", by_flush).await);
    assert!(!is_new_load_stored("users:1", by_walk).await);
}

#[tokio::test]
async fn a_value_that_an_old_instance_sets_wins_over_a_new_load() {
    let set = |_: &RedisServer, former: &Former| former.set("users:1", BY_OLD);

    assert!(!is_new_load_stored("users:1", set).await);
}

#[tokio::test]
async fn a_new_invalidation_by_key_wins_over_an_old_load() {
    let by_key = async |server: &RedisServer| {
        assert!(!new_instance(server).delete("users:1").await.unwrap());
    };

    assert!(!is_old_load_stored("users:1", by_key).await);
}

#[tokio::test]
async fn a_new_invalidation_by_tag_wins_over_an_old_load() {
    for key in ["users:1", BRACES] {
        let by_tag = async |server: &RedisServer| {
            let removed = new_instance(server).invalidate_tag("user-data").await;
            assert_eq!(removed.unwrap(), 0);
        };

        assert!(!is_old_load_stored(key, by_tag).await, "{key}");
    }
}

#[tokio::test]
async fn a_new_clear_by_pattern_wins_over_an_old_load() {
    for (key, pattern) in [("users:1", "users:*"), (BRACES, "{u1}:*")] {
        let by_pattern = async |server: &RedisServer| {
            let removed = new_instance(server).clear_by_pattern(pattern).await;
            assert_eq!(removed.unwrap(), 0);
        };

        assert!(!is_old_load_stored(key, by_pattern).await, "{key}");
    }
}

#[tokio::test]
async fn a_new_invalidation_by_pattern_wins_over_an_old_load() {
    let by_pattern = async |server: &RedisServer| {
        let request = InvalidateRequest::parse(br#"{"patterns":["users:*"]}"#).unwrap();
        request.run(&client(&server.url(0))).await.unwrap();
    };

    assert!(!is_old_load_stored("users:1", by_pattern).await);
}

#[tokio::test]
async fn a_new_global_clear_wins_over_an_old_load() {
    for is_walk in [false, true] {
        let clear = async |server: &RedisServer| clear_all(server, is_walk).await;

        assert!(!is_old_load_stored("users:1", clear).await, "{is_walk}");
    }
}

#[tokio::test]
async fn a_value_that_a_new_instance_sets_wins_over_an_old_load() {
    let set = async |server: &RedisServer| {
        let new = new_instance(server);
        new.set("users:1", &by("new"), &options()).await.unwrap();
    };

    assert!(!is_old_load_stored("users:1", set).await);
}

#[tokio::test]
async fn a_new_load_of_a_name_with_braces_is_stored_although_an_old_instance_names_it() {
    let remove = |_: &RedisServer, former: &Former| former.delete(BRACES);
    let set = |_: &RedisServer, former: &Former| former.set(BRACES, BY_OLD);

    assert!(is_new_load_stored(BRACES, remove).await);
    assert!(is_new_load_stored(BRACES, set).await);
}

#[tokio::test]
async fn an_old_load_of_a_name_with_braces_is_stored_although_a_new_instance_names_it() {
    let remove = async |server: &RedisServer| {
        assert!(!new_instance(server).delete(BRACES).await.unwrap());
    };
    let set = async |server: &RedisServer| {
        let new = new_instance(server);
        new.set(BRACES, &by("new"), &options()).await.unwrap();
    };

    assert!(is_old_load_stored(BRACES, remove).await);
    assert!(is_old_load_stored(BRACES, set).await);
}

#[tokio::test]
async fn a_new_load_is_stored_although_an_old_instance_invalidates_another_clients_tag() {
    let by_tag = |server: &RedisServer, former: &Former| {
        let () = server
            .connection()
            .sadd("cache:tags:foreign", "users:1")
            .unwrap();
        assert_eq!(former.invalidate_tag("foreign"), 0);
    };

    assert!(is_new_load_stored("users:1", by_tag).await);
}

#[tokio::test]
async fn a_new_invalidation_of_another_clients_tag_wins_over_an_old_load() {
    let by_tag = async |server: &RedisServer| {
        let () = server
            .connection()
            .sadd("cache:tags:foreign", "users:1")
            .unwrap();
        let removed = new_instance(server).invalidate_tag("foreign").await;
        assert_eq!(removed.unwrap(), 0);
        assert!(!exists(server, "lock:{users:1}"));
    };

    assert!(!is_old_load_stored("users:1", by_tag).await);
}
