//! Redirections: a node of a Cluster that does not have a key's slot says who has it.

use super::slot_map::NodeAddress;
use crate::error::{ErrorKind, RedisError};

/// The words of redirections and of temporary refusals: as Redis writes them, and as hosts do, which
/// use the names of the `redis` crate.
const WORDS: [(&str, &str); 4] = [
    ("MOVED", "Moved"),
    ("ASK", "Ask"),
    ("TRYAGAIN", "TryAgain"),
    ("CLUSTERDOWN", "ClusterDown"),
];

/// The reaction to an error of a node, which has not executed the command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// Another node has the slot from now on.
    Moved { slot: u16, to: NodeAddress },
    /// Another node has this key already, while the slot moves there.
    Ask { to: NodeAddress },
    /// The slot is moving, or no node serves it: the same command may succeed in a moment.
    TryAgain,
}

impl Redirect {
    /// Reads the redirection in an error; `None` for any other error. `asked` is the node that replied.
    pub(super) fn of(error: &RedisError, asked: Option<&NodeAddress>) -> Option<Self> {
        if is_missing_in_script(error) {
            return Some(Self::TryAgain);
        }
        if error.kind != ErrorKind::Cluster {
            return None;
        }

        let text = error.message.as_str();
        let (at, (word, _)) = WORDS.iter().find_map(|words| {
            let at = text.find(words.0).or_else(|| text.find(words.1))?;
            Some((at, words))
        })?;
        let mut parts = text.get(at..)?.split_ascii_whitespace().skip(1);
        match *word {
            "MOVED" => Some(Self::Moved {
                slot: parts.next()?.parse().ok()?,
                to: NodeAddress::parse(parts.next()?, asked)?,
            }),
            "ASK" => Some(Self::Ask {
                to: NodeAddress::parse(parts.nth(1)?, asked)?,
            }),
            _ => Some(Self::TryAgain),
        }
    }
}

/// Returns whether a script met a key that has just left the node with its slot.
fn is_missing_in_script(error: &RedisError) -> bool {
    error.message.contains("non local key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(message: &str) -> Option<Redirect> {
        let error = RedisError::new(ErrorKind::Cluster, message);
        let asked = NodeAddress::parse("10.0.0.1:7000", None);
        Redirect::of(&error, asked.as_ref())
    }

    fn moved(slot: u16, to: &str) -> Option<Redirect> {
        let to = NodeAddress::parse(to, None).unwrap();
        Some(Redirect::Moved { slot, to })
    }

    #[test]
    fn redirections_of_servers_and_hosts_are_read() {
        let signalled = "An error was signalled by the server - Moved: 3999 127.0.0.1:6381";

        assert_eq!(
            redirect("MOVED 3999 127.0.0.1:6381"),
            moved(3999, "127.0.0.1:6381")
        );
        assert_eq!(redirect(signalled), moved(3999, "127.0.0.1:6381"));
        assert_eq!(
            redirect("MOVED 12 fe80::1:6381"),
            moved(12, "[fe80::1]:6381")
        );
        assert_eq!(
            redirect("ASK 1 10.0.0.9:1"),
            Some(Redirect::Ask {
                to: NodeAddress::parse("10.0.0.9:1", None).unwrap()
            })
        );
    }

    #[test]
    fn a_redirection_without_a_host_leads_to_the_host_that_replied() {
        assert_eq!(redirect("MOVED 3999 :6380"), moved(3999, "10.0.0.1:6380"));
    }

    #[test]
    fn a_slot_that_moves_is_tried_again() {
        for text in [
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN Hash slot not served",
            "An error was signalled by the server - ClusterDown: The cluster is down",
            "ERR Script attempted to access a non local key in a cluster node",
        ] {
            assert_eq!(redirect(text), Some(Redirect::TryAgain), "{text}");
        }
        assert_eq!(
            redirect("CROSSSLOT Keys in request don't hash to the same slot"),
            None
        );
    }
}
