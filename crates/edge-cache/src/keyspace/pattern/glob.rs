//! The matcher for names that are already here. It matches as `SCAN ... MATCH` of a server does.

/// Matches a name against Redis' globs: `*`, `?`, `[...]` with ranges and `^`, and `\` before a
/// literal.
///
/// When the part after a star does not match, that star takes one byte more. Earlier stars never
/// need to, so the time grows at most with the product of both lengths.
pub(super) fn glob(mut pattern: &[u8], mut name: &[u8]) -> bool {
    // The pattern after the last star, and the part of the name on which it was tried.
    let mut star: Option<(&[u8], &[u8])> = None;

    loop {
        let matched = match (pattern, name) {
            ([], []) => return true,
            ([b'*', after @ ..], _) => {
                star = Some((after, name));
                pattern = after;
                continue;
            }
            ([_, ..], [byte, rest @ ..]) => {
                let (matched, after) = match_element(pattern, *byte);
                (pattern, name) = (after, rest);
                matched
            }
            _ => false,
        };

        if !matched {
            let Some((after, [_, rest @ ..])) = star else {
                return false;
            };

            star = Some((after, rest));
            (pattern, name) = (after, rest);
        }
    }
}

/// Matches one byte against the first element of a pattern, which is not a star; and the pattern
/// after the element.
fn match_element(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    match pattern {
        [b'?', after @ ..] => (true, after),
        [b'[', members @ ..] => match_class(members, byte),
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (*literal == byte, after),
        [] => (false, &[]),
    }
}

/// Returns whether a range contains a byte, for unsigned and for signed bytes: which of them a server
/// has depends on its processor, and beyond ASCII they differ.
fn range_contains(from: u8, to: u8, byte: u8) -> [bool; 2] {
    let unsigned = (from.min(to)..=from.max(to)).contains(&byte);
    let [from, to, byte] = [from, to, byte].map(u8::cast_signed);
    [unsigned, (from.min(to)..=from.max(to)).contains(&byte)]
}

/// Matches one byte against a class, read after its `[`, as any server might; and the pattern after
/// the class.
fn match_class(class: &[u8], byte: u8) -> (bool, &[u8]) {
    let negated = class.first() == Some(&b'^');
    let mut members = if negated {
        class.get(1..).unwrap_or(&[])
    } else {
        class
    };
    let mut matched = [false; 2];

    loop {
        let (has, after) = match members {
            [] => break,
            [b']', after @ ..] => {
                members = after;
                break;
            }
            [b'\\', literal, after @ ..] => ([*literal == byte; 2], after),
            [from, b'-', to, after @ ..] => (range_contains(*from, *to, byte), after),
            [literal, after @ ..] => ([*literal == byte; 2], after),
        };

        matched = [matched[0] | has[0], matched[1] | has[1]];
        members = after;
    }

    (matched.contains(&!negated), members)
}
