//! A fault of every command, until it is healed.

use std::time::{Duration, Instant};

use edge_cache::{Error, ErrorKind, LookupOutcome};
use edge_cache_testing::Fault;

use crate::operation::{Operation, for_each_operation};
use crate::{LIMIT, Setup};

/// The time an operation may take when the server is silent: one command's limit and room for a
/// busy machine, but not two limits.
const BOUND: Duration = Duration::from_secs(2);

/// Each fault, and the kind of the error that it causes.
const FAULTS: [(Fault, ErrorKind); 16] = [
    (Fault::Dropped, ErrorKind::Unreachable),
    (Fault::Lost, ErrorKind::Unreachable),
    (Fault::Cut, ErrorKind::Unreachable),
    (Fault::Garbage, ErrorKind::Unreachable),
    (Fault::Truncated, ErrorKind::Timeout),
    (Fault::Black, ErrorKind::Timeout),
    (Fault::Mute, ErrorKind::Timeout),
    (Fault::Drip(Duration::from_millis(1400)), ErrorKind::Timeout),
    (Fault::Slow(Duration::from_millis(1400)), ErrorKind::Timeout),
    (
        Fault::Error("LOADING Redis is loading the dataset in memory"),
        ErrorKind::Loading,
    ),
    (
        Fault::Error("BUSY Redis is busy running a script."),
        ErrorKind::Busy,
    ),
    (
        Fault::Error("MISCONF Redis is configured to save RDB snapshots"),
        ErrorKind::PersistenceFailed,
    ),
    (
        Fault::Error("OOM command not allowed when used memory > 'maxmemory'."),
        ErrorKind::OutOfMemory,
    ),
    (
        Fault::Error("NOPERM this user has no permissions"),
        ErrorKind::Permission,
    ),
    (
        Fault::Error("READONLY You can't write against a read only replica."),
        ErrorKind::ReadOnly,
    ),
    (
        Fault::Error("NOSCRIPT No matching script."),
        ErrorKind::NoScript,
    ),
];

/// Runs an operation with each of the faults, on a server of its own.
async fn fail_each_way(operation: Operation) {
    let setup = Setup::new(LIMIT);
    setup.prepare().await;
    let expected = operation.run(&setup.cache).await.unwrap();

    for (fault, kind) in FAULTS {
        let what = format!("{operation:?} with {fault:?}");
        setup.prepare().await;

        setup.proxy.fail(fault);
        let started = Instant::now();
        let result = operation.run(&setup.cache).await;
        let took = started.elapsed();
        setup.proxy.heal();

        match result {
            Ok(outcome) if operation.reads_through() => {
                let bypass = format!("{:?}", LookupOutcome::Bypass);
                let mut outcomes = outcome.trim_matches(['[', ']']).split(", ");
                assert!(
                    outcomes.all(|outcome| outcome == bypass),
                    "{what}: {outcome}"
                );
            }
            Err(Error::Redis(error)) => assert_eq!(error.kind, kind, "{what}: {error}"),
            other => panic!("{what}: {other:?}"),
        }
        assert!(took < BOUND, "{what} took {took:?}");
        if matches!(fault, Fault::Dropped | Fault::Black | Fault::Error(_)) {
            let left = setup.values_left();
            assert_eq!(left, 3, "{what}: removals that are not reported");
        }

        setup.prepare().await;
        let healed = operation.run(&setup.cache).await.unwrap();
        assert_eq!(healed, expected, "{what}, healed");
    }
}

#[test]
fn every_operation_ends_in_time_with_the_servers_error_and_works_again() {
    for_each_operation(fail_each_way);
}
