//! A fault of one command of an operation.

use std::time::Duration;

use edge_cache::{Error, Options};
use edge_cache_testing::Fault;
use redis::Commands;

use crate::operation::{Operation, for_each_operation};
use crate::{LIMIT, Setup};

/// Faults that leave different states behind.
const FAULTS: [Fault; 4] = [
    Fault::Dropped,
    Fault::Error("ERR this one failed"),
    Fault::Lost,
    Fault::Mute,
];

/// The number of removed keys that a failure reports.
fn reported_removals(error: &Error) -> usize {
    match error {
        Error::Partial { deleted, .. } => usize::try_from(*deleted).unwrap(),
        _ => 0,
    }
}

fn assert_removals_are_reported(
    operation: Operation,
    fault: Fault,
    result: &Result<String, Error>,
    removed: usize,
    what: &str,
) {
    match result {
        Ok(_) => assert_eq!(removed, operation.removes(), "{what}"),
        Err(error) if operation.reads_through() => panic!("{what}: {error}"),
        Err(error) if matches!(fault, Fault::Lost | Fault::Mute) => {
            assert!(reported_removals(error) <= removed, "{what}: {error}");
        }
        Err(error) => assert_eq!(reported_removals(error), removed, "{what}: {error}"),
    }
}

/// Lets each command of an operation fail in each way, and repeats the operation; returns the
/// number of failed commands.
async fn fail_each_command(operation: Operation) -> usize {
    let setup = Setup::new(LIMIT);
    setup.prepare().await;
    operation.run(&setup.cache).await.unwrap();
    let done = setup.stored();
    let mut failed = 0;

    for fault in FAULTS {
        for nth in 0.. {
            setup.prepare().await;

            setup.proxy.fail_once(fault, nth);
            let result = operation.run(&setup.cache).await;
            let commands = setup.proxy.commands();
            setup.proxy.heal();

            let what = format!("{operation:?} with {fault:?} at {nth} of {commands:?}");
            let removed = 3 - setup.values_left();
            assert_removals_are_reported(operation, fault, &result, removed, &what);
            if commands.len() <= nth {
                break;
            }
            failed += 1;

            if fault == Fault::Mute {
                // The load lock may be acquired although no reply arrived; it ends with its lease.
                let () = setup.server.connection().del("lock:{b:1}").unwrap();
            }
            operation
                .run(&setup.cache)
                .await
                .unwrap_or_else(|error| panic!("{what}, repeated: {error}"));
            assert_eq!(setup.stored(), done, "{what}, repeated");
        }
    }
    failed
}

#[test]
fn repeating_an_operation_completes_it_whichever_of_its_commands_failed() {
    let failed: usize = for_each_operation(fail_each_command).into_iter().sum();
    assert!(failed > 100, "only {failed} commands failed");
}

/// Three chunks of random digits, which do not compress.
fn large_value(seed: u64) -> String {
    let mut state = seed;
    let next = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        format!("{state:016x}")
    });
    next.take(1_300_000).collect()
}

#[tokio::test]
async fn a_large_value_is_read_whole_or_not_at_all_whichever_chunk_failed() {
    // Megabytes take their time on a busy machine.
    let setup = Setup::new(Duration::from_secs(30));
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        ..Options::default()
    };
    let (old, new) = (large_value(1), large_value(2));

    for nth in 0.. {
        setup.cache.set("large", &old, &options).await.unwrap();

        setup.proxy.fail_once(Fault::Dropped, nth);
        let written = setup.cache.set("large", &new, &options).await;
        let commands = setup.proxy.commands();
        setup.proxy.heal();

        let read: Option<String> = setup.cache.get("large").await.unwrap();
        let expected = if written.is_ok() { &new } else { &old };
        assert!(
            read.as_ref() == Some(expected),
            "{nth} of {commands:?}: {written:?}"
        );
        if commands.len() <= nth {
            assert!(nth > 4, "{commands:?}");
            break;
        }
    }
}
