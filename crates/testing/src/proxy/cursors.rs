//! Cursors above 2^63, as some services have them.

/// The distance between a cursor of the server and that of the client.
const OFFSET: u64 = 1 << 63;

/// The place of the cursor among the words of a command; `None` for commands without one.
pub(super) fn place(name: &str) -> Option<usize> {
    match name {
        "SCAN" => Some(1),
        "HSCAN" | "SSCAN" | "ZSCAN" => Some(2),
        _ => None,
    }
}

/// The server's cursor for one of the client's; `None` when it is not one that a reply had.
pub(super) fn to_server(cursor: &[u8]) -> Option<Vec<u8>> {
    let cursor: u64 = std::str::from_utf8(cursor).ok()?.parse().ok()?;
    if cursor == 0 {
        return Some(b"0".to_vec());
    }
    let cursor = cursor.checked_sub(OFFSET).filter(|cursor| *cursor > 0)?;
    Some(cursor.to_string().into_bytes())
}

/// The reply of a scan with the client's cursor; an error stays as it is.
pub(super) fn change_reply(reply: Vec<u8>) -> Vec<u8> {
    let text = || {
        let mut parts = reply.splitn(4, |byte| *byte == b'\n');
        let (_, _) = (parts.next()?, parts.next()?);
        let cursor = parts.next()?.strip_suffix(b"\r")?;
        let cursor: u64 = std::str::from_utf8(cursor).ok()?.parse().ok()?;
        Some((cursor, parts.next()?))
    };
    let Some((cursor, rest)) = text().filter(|(cursor, _)| *cursor > 0) else {
        return reply;
    };

    let cursor = (cursor + OFFSET).to_string();
    let start = format!("*2\r\n${}\r\n{cursor}\r\n", cursor.len());
    [start.as_bytes(), rest].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_mapped_and_mapped_back() {
        let changed = change_reply(b"*2\r\n$2\r\n17\r\n*1\r\n$1\r\na\r\n".to_vec());

        assert_eq!(
            changed,
            b"*2\r\n$19\r\n9223372036854775825\r\n*1\r\n$1\r\na\r\n"
        );
        assert_eq!(to_server(b"9223372036854775825").unwrap(), b"17");
    }

    #[test]
    fn the_end_of_a_scan_and_errors_stay() {
        for reply in ["*2\r\n$1\r\n0\r\n*0\r\n", "-ERR invalid cursor\r\n"] {
            let reply = reply.as_bytes().to_vec();
            assert_eq!(change_reply(reply.clone()), reply);
        }
        assert_eq!(to_server(b"0").unwrap(), b"0");
    }

    #[test]
    fn a_cursor_that_was_rounded_is_unknown() {
        for cursor in ["17", "9223372036854775808", "9.2e18", "-1"] {
            assert_eq!(to_server(cursor.as_bytes()), None, "{cursor}");
        }
    }
}
