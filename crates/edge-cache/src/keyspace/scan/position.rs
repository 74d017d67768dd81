//! The position of a walk.
//!
//! A cursor means nothing to another server. Where the connection was replaced during a walk, perhaps
//! by one to a server that was restarted or took over, the walk starts again.

use crate::redis::Redis;

/// Cursor at which a walk starts, and which Redis returns at its end.
const START_OR_END: &[u8] = b"0";

/// Restarts of a walk. Where connections break more often than that, it goes on from its cursor.
const MAX_RESTARTS: u32 = 3;

/// Where a walk is in the keyspace.
pub(super) struct Position {
    pub(super) cursor: Vec<u8>,
    /// The connection over which the cursor was read; `None` at the beginning.
    connection: Option<u64>,
    restarts: u32,
}

/// The next step of a walk after a slice.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    GoesOn,
    StartsAgain,
    HasEnded,
}

impl Position {
    pub(super) fn beginning() -> Self {
        Self {
            cursor: START_OR_END.to_vec(),
            connection: None,
            restarts: 0,
        }
    }

    /// Moves to the cursor that a slice has returned, or back to the beginning if that slice may have
    /// been read from another server than the one before.
    pub(super) fn advance<R: Redis>(&mut self, redis: &R, next: Vec<u8>) -> Progress {
        let connection = redis.connection_number();
        let is_replaced = self.connection.is_some_and(|earlier| earlier != connection);
        if is_replaced && self.restarts < MAX_RESTARTS {
            *self = Self {
                restarts: self.restarts + 1,
                ..Self::beginning()
            };
            return Progress::StartsAgain;
        }

        self.cursor = next;
        self.connection = Some(connection);
        if self.cursor == START_OR_END {
            Progress::HasEnded
        } else {
            Progress::GoesOn
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::RedisError;
    use crate::redis::{Command, Reply, Topology};

    /// A client whose connection has a number.
    struct Connected(Cell<u64>);

    impl Redis for Connected {
        async fn execute(&self, _: Command) -> Result<Vec<Reply>, RedisError> {
            unreachable!("no command is sent")
        }

        fn connection_number(&self) -> u64 {
            self.0.get()
        }

        async fn topology(&self) -> Result<Topology, RedisError> {
            Ok(Topology::Single)
        }

        async fn newest_topology(&self) -> Result<Topology, RedisError> {
            Ok(Topology::Single)
        }
    }

    #[test]
    fn a_walk_starts_again_after_another_connection_and_not_without_end() {
        let redis = Connected(Cell::new(1));
        let mut position = Position::beginning();
        let mut advance = |connection, next: &str| {
            redis.0.set(connection);
            let progress = position.advance(&redis, next.into());
            (
                progress,
                String::from_utf8(position.cursor.clone()).unwrap(),
            )
        };

        assert_eq!(advance(2, "7"), (Progress::GoesOn, "7".into()));
        assert_eq!(advance(2, "3"), (Progress::GoesOn, "3".into()));
        for connection in 3..6 {
            assert_eq!(
                advance(connection, "9"),
                (Progress::StartsAgain, "0".into())
            );
            assert_eq!(advance(connection, "5"), (Progress::GoesOn, "5".into()));
        }
        assert_eq!(advance(6, "8"), (Progress::GoesOn, "8".into()));
        assert_eq!(advance(6, "0"), (Progress::HasEnded, "0".into()));
    }

    #[test]
    fn an_end_that_another_server_reports_is_none() {
        let redis = Connected(Cell::new(1));
        let mut position = Position::beginning();

        position.advance(&redis, b"7".to_vec());
        redis.0.set(2);

        assert_eq!(
            position.advance(&redis, b"0".to_vec()),
            Progress::StartsAgain
        );
    }
}
