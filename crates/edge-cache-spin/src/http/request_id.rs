//! Request ids: the client's own if it is acceptable, else a random one.

use std::cell::RefCell;

/// Longest id accepted from a client, in bytes.
const MAX_ID_BYTES: usize = 128;
/// Bytes of one random id.
const ID_BYTES: usize = 16;
/// Random ids fetched from the host at once: a call for many takes no longer than a call for one.
const IDS_PER_FETCH: usize = 32;

thread_local! {
    /// Random bits for the next ids.
    static NEXT_IDS: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

/// True if an id that a client sent may appear in logs, records and responses.
pub(crate) fn is_acceptable(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Returns 128 random bits in hexadecimal.
pub(crate) fn random_id() -> String {
    let id = NEXT_IDS.with_borrow_mut(|ids| {
        if ids.is_empty() {
            *ids = fetch_random_ids();
        }
        ids.pop().unwrap_or_default()
    });

    format!("{id:032x}")
}

fn fetch_random_ids() -> Vec<u128> {
    let mut bytes = [0_u8; ID_BYTES * IDS_PER_FETCH];
    // Without randomness ids repeat, which only makes the log harder to read.
    let _ = getrandom::fill(&mut bytes);

    bytes
        .chunks_exact(ID_BYTES)
        .filter_map(|chunk| chunk.try_into().ok())
        .map(u128::from_ne_bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_client_is_short_and_has_no_special_characters() {
        assert!(is_acceptable("order-7.retry:2_a"));
        assert!(is_acceptable(&"x".repeat(MAX_ID_BYTES)));
        assert!(!is_acceptable(""));
        assert!(!is_acceptable(&"x".repeat(MAX_ID_BYTES + 1)));
        assert!(!is_acceptable("two words"));
        assert!(!is_acceptable("line\nbreak"));
    }

    #[test]
    fn random_ids_do_not_repeat() {
        let ids: std::collections::HashSet<String> =
            (0..3 * IDS_PER_FETCH).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 3 * IDS_PER_FETCH);
        assert!(ids.iter().all(|id| id.len() == 2 * ID_BYTES));
    }
}
