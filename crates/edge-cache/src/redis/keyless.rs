//! Scripts without keys, by which walks and questions about a node go. Some services refuse them.
//!
//! The refusal is remembered for all nodes of a client, so that it costs a walk one round trip at its first slice only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::RedisError;

/// Parts of the errors of servers that do not run a script without keys: of ElastiCache Serverless, of Dragonfly for keys
/// that are not declared, and of servers that do not let scripts run `SCAN`.
const REFUSALS: [&str; 3] = [
    "without any input keys",
    "undeclared key",
    "not allowed from script",
];

/// The memory of a refusal, shared by all maps of a client.
#[derive(Debug, Clone, Default)]
pub(super) struct KeylessScripts(Arc<AtomicBool>);

impl KeylessScripts {
    pub(super) fn are_refused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn record_refused(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Maps are compared by their slots.
impl PartialEq for KeylessScripts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeylessScripts {}

impl RedisError {
    /// Returns whether the server refuses a script because it declares no keys.
    pub fn refuses_keyless_script(&self) -> bool {
        REFUSALS.iter().any(|part| self.message.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn refuses(message: &str) -> bool {
        RedisError::new(ErrorKind::Server, message).refuses_keyless_script()
    }

    #[test]
    fn the_refusals_of_services_are_recognised() {
        for text in [
            "ERR Lua scripts without any input keys are not supported.",
            "An error was signalled by the server - ResponseError: Lua scripts without any input keys are not supported",
            "ERR Error running script (call to f_1b5): @user_script:7: script tried accessing undeclared key, key: users:1",
            "ERR This Redis command is not allowed from script script: 1b5, on @user_script:9.",
        ] {
            assert!(refuses(text), "{text}");
        }
    }

    #[test]
    fn other_errors_are_none() {
        for text in [
            "NOPERM this user has no permissions to run the 'scan' command",
            "ERR Script attempted to access a non local key in a cluster node",
            "CROSSSLOT Keys in request don't hash to the same slot",
        ] {
            assert!(!refuses(text), "{text}");
        }
    }
}
