//! Glob patterns, as Redis matches them: `* ? [^a-z] \`.

/// Returns whether a name matches the pattern. As in Redis, nothing but the empty pattern matches the
/// empty name; the commands treat the pattern `*` apart.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.is_empty() {
        return pattern.is_empty();
    }
    matches_rest(pattern, name)
}

/// Matches element by element. Behind the last star that was met, a mismatch is tried again one byte
/// later in the name.
fn matches_rest(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut pattern_left) = (0, pattern);
    let mut star: Option<(usize, &[u8])> = None;

    loop {
        if let Some(behind) = pattern_left.strip_prefix(b"*") {
            star = Some((at, behind));
            pattern_left = behind;
            continue;
        }

        let byte = name.get(at);
        if byte.is_none() && pattern_left.is_empty() {
            return true;
        }
        if let Some(behind) = byte.and_then(|byte| match_one(pattern_left, *byte)) {
            at += 1;
            pattern_left = behind;
            continue;
        }

        match star {
            Some((from, behind)) if from < name.len() => {
                at = from + 1;
                pattern_left = behind;
                star = Some((at, behind));
            }
            _ => return false,
        }
    }
}

/// Matches one byte with the pattern's first element; returns the pattern behind it.
fn match_one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', behind @ ..] => Some(behind),
        [b'[', class @ ..] => match_class(class, byte),
        [b'\\', literal, behind @ ..] | [literal, behind @ ..] => {
            (*literal == byte).then_some(behind)
        }
    }
}

/// Matches one byte with a class, whose opening bracket was read. A class that is not closed ends with
/// the pattern.
fn match_class(class: &[u8], byte: u8) -> Option<&[u8]> {
    let (is_negated, mut left) = match class.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, class),
    };
    let mut is_found = false;

    loop {
        match left {
            [] => break,
            [b'\\', literal, behind @ ..] => {
                is_found |= *literal == byte;
                left = behind;
            }
            [b']', behind @ ..] => {
                left = behind;
                break;
            }
            [from, b'-', to, behind @ ..] => {
                is_found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                left = behind;
            }
            [literal, behind @ ..] => {
                is_found |= *literal == byte;
                left = behind;
            }
        }
    }
    (is_found != is_negated).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("*", "", false),
            ("*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a*b*c", "aXbYbZc", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            (r"h\*llo", "h*llo", true),
            (r"h\*llo", "hello", false),
            (r"[\]]", "]", true),
            ("[ab", "b", true),
            ("a**", "a", true),
            ("users:*", "users:1", true),
        ] {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }
}
