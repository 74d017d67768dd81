//! Parameters in SQL: `?`, as SQLite has them, become `$1`, `$2`, ... of PostgreSQL.

/// Numbers every `?` that stands for a parameter: those in quotes, in quoted names and in comments do not.
///
/// Each is cast to text, which is what the parameters are; PostgreSQL would else expect what the place asks for.
pub(crate) fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or(first.len_utf8());
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

/// The length of the quoted text, quoted name or comment that `sql` begins with. A quote that is doubled inside ends one
/// and begins the next, which comes to the same.
fn skipped(sql: &str) -> Option<usize> {
    let (start, end) =
        [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")].into_iter().find(|(s, _)| sql.starts_with(s))?;
    let inside = &sql[start.len()..];
    Some(inside.find(end).map_or(sql.len(), |at| start.len() + at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn parameters_are_numbered_and_other_question_marks_left_alone() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ? AND b = CAST(? AS BIGINT)", "a = $1::text AND b = CAST($2::text AS BIGINT)"),
            ("'it''s ?' || ?", "'it''s ?' || $1::text"),
            ("\"?\" = ? -- why?\n OR ?", "\"?\" = $1::text -- why?\n OR $2::text"),
            ("/* ? */ ? /* ?", "/* ? */ $1::text /* ?"),
            ("'ü?' = ?", "'ü?' = $1::text"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }
}
