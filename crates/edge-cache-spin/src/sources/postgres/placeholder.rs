//! Placeholders in SQL: converts the `?` of SQLite to the `$1`, `$2`, ... of PostgreSQL.

/// Numbers every `?` that is a placeholder, and not part of a quoted text, a quoted name or a
/// comment.
///
/// Each is cast to text, the type of the parameters. Otherwise PostgreSQL would infer a type from
/// the place where it is used.
pub(crate) fn number_placeholders(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut rest = sql;

    while let Some(first) = rest.chars().next() {
        let length = opaque_length(rest).unwrap_or(first.len_utf8());
        let (part, after) = rest.split_at(length);
        if part == "?" {
            count += 1;
            numbered.push_str(&format!("${count}::text"));
        } else {
            numbered.push_str(part);
        }
        rest = after;
    }

    numbered
}

/// The length of the quoted text, quoted name or comment that `sql` begins with. A doubled quote
/// inside is treated as the end of one and the beginning of the next, with the same effect.
fn opaque_length(sql: &str) -> Option<usize> {
    let (start, end) = [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")]
        .into_iter()
        .find(|(start, _)| sql.starts_with(start))?;

    let inside = &sql[start.len()..];
    Some(
        inside
            .find(end)
            .map_or(sql.len(), |at| start.len() + at + end.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::number_placeholders;

    #[test]
    fn placeholders_are_numbered_and_other_question_marks_are_kept() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            (
                "a = ? AND b = CAST(? AS BIGINT)",
                "a = $1::text AND b = CAST($2::text AS BIGINT)",
            ),
            ("'it''s ?' || ?", "'it''s ?' || $1::text"),
            (
                "\"?\" = ? -- why?\n OR ?",
                "\"?\" = $1::text -- why?\n OR $2::text",
            ),
            ("/* ? */ ? /* ?", "/* ? */ $1::text /* ?"),
            ("'ü?' = ?", "'ü?' = $1::text"),
        ] {
            assert_eq!(number_placeholders(sql), expected);
        }
    }
}
