//! The reply of `INFO`, with other fields or fewer sections.

/// The reply with its changed fields: removed (`None`) or with another value.
pub(super) fn change_fields(reply: &[u8], fields: &[(String, Option<String>)]) -> Vec<u8> {
    if fields.is_empty() {
        return reply.to_vec();
    }

    change_lines(reply, |line| {
        let change = fields
            .iter()
            .rfind(|(name, _)| line.split(':').next() == Some(name));
        match change {
            None => Some(line.to_owned()),
            Some((name, value)) => value.as_ref().map(|value| format!("{name}:{value}")),
        }
    })
}

/// The reply with these sections alone, whose names are in lower case.
pub(super) fn keep_sections(reply: &[u8], sections: &[&str]) -> Vec<u8> {
    let mut is_kept = false;
    change_lines(reply, |line| {
        if let Some(name) = line.strip_prefix("# ") {
            is_kept = sections.contains(&name.to_ascii_lowercase().as_str());
        }
        is_kept.then(|| line.to_owned())
    })
}

/// The reply with a further section.
pub(super) fn add_section(reply: &[u8], name: &str, lines: &str) -> Vec<u8> {
    match text_of(reply) {
        Some(text) => bulk(&format!("{}# {name}\r\n{lines}", text.trim_start())),
        None => reply.to_vec(),
    }
}

/// The reply with other lines; an error stays as it is.
fn change_lines(reply: &[u8], change: impl FnMut(&str) -> Option<String>) -> Vec<u8> {
    let Some(text) = text_of(reply) else {
        return reply.to_vec();
    };

    let lines = text.trim_end().lines().filter_map(change);
    let text: String = lines.map(|line| line + "\r\n").collect();
    bulk(&text)
}

/// The text of a reply; `None` of an error.
fn text_of(reply: &[u8]) -> Option<String> {
    let reply = String::from_utf8_lossy(reply);
    let (_, text) = reply.strip_prefix('$')?.split_once("\r\n")?;
    Some(text.strip_suffix("\r\n").unwrap_or(text).to_owned())
}

fn bulk(text: &str) -> Vec<u8> {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"$29\r\n# Server\r\na:1\r\n# Stats\r\nb:2\r\n\r\n";

    #[test]
    fn fields_are_removed_and_replaced() {
        let fields = [
            ("a".to_owned(), None),
            ("b".to_owned(), Some("3".to_owned())),
        ];

        let changed = change_fields(REPLY, &fields);

        assert_eq!(changed, b"$24\r\n# Server\r\n# Stats\r\nb:3\r\n\r\n");
    }

    #[test]
    fn a_section_is_added() {
        let added = add_section(b"$0\r\n\r\n", "Keysizes", "a:1\r\n");
        assert_eq!(added, b"$17\r\n# Keysizes\r\na:1\r\n\r\n");

        let refusal = b"-NOPERM no\r\n";
        assert_eq!(add_section(refusal, "Keysizes", ""), refusal);
    }

    #[test]
    fn sections_are_removed() {
        let kept = keep_sections(REPLY, &["stats"]);

        assert_eq!(kept, b"$14\r\n# Stats\r\nb:2\r\n\r\n");
    }
}
