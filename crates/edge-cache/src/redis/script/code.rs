//! The code of a Lua file, without its comments and indentation: they would be half of what every
//! component carries, sends and hashes. Lines stay where they are, so Redis' errors name those of the
//! file.

/// The code of a file, with a path as for `include_str!`.
#[macro_export]
#[doc(hidden)]
macro_rules! lua {
    ($file:expr) => {{
        const SOURCE: &str = include_str!($file);
        const CODE: &[u8; $crate::redis::script::code_length(SOURCE)] =
            &$crate::redis::script::code_of(SOURCE);
        match core::str::from_utf8(CODE) {
            Ok(code) => code,
            Err(_) => panic!("whole lines of a UTF-8 text are UTF-8"),
        }
    }};
}

const NEW_LINE: u8 = b'\n';

/// The length of [`code_of`] a source.
#[doc(hidden)]
pub const fn code_length(source: &str) -> usize {
    copy_code(source, &mut [])
}

/// The code of a source; `LENGTH` is [`code_length`].
#[doc(hidden)]
pub const fn code_of<const LENGTH: usize>(source: &str) -> [u8; LENGTH] {
    let mut code = [0; LENGTH];
    copy_code(source, &mut code);
    code
}

/// Copies the code as far as there is room. Returns its whole length.
#[expect(
    clippy::indexing_slicing,
    reason = "compile-time code has no iterators, and each index is compared before"
)]
const fn copy_code(source: &str, code: &mut [u8]) -> usize {
    let source = source.as_bytes();
    let (mut at, mut length) = (0, 0);
    let mut begins_line = true;

    while at < source.len() {
        let byte = source[at];
        let is_comment = byte == b'-' && at + 1 < source.len() && source[at + 1] == b'-';
        if begins_line && is_comment {
            while at < source.len() && source[at] != NEW_LINE {
                at += 1;
            }
            continue;
        }

        at += 1;
        if begins_line && byte == b' ' {
            continue;
        }
        begins_line = byte == NEW_LINE;
        if length < code.len() {
            code[length] = byte;
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> String {
        let mut code = vec![0; code_length(source)];
        copy_code(source, &mut code);
        String::from_utf8(code).unwrap()
    }

    #[test]
    fn comments_and_indentation_are_left_out_and_lines_stay() {
        let source = "-- Says ü.\n-- KEYS: 1\nif a then\n  -- Why.\n  b = 'x  -- y' - -1\nend\n";

        assert_eq!(code(source), "\n\nif a then\n\nb = 'x  -- y' - -1\nend\n");
    }

    #[test]
    fn a_source_without_a_last_new_line_is_kept() {
        assert_eq!(code("return 1"), "return 1");
        assert_eq!(code("return 1\n--"), "return 1\n");
        assert_eq!(code("  "), "");
    }

    /// Its lines would be taken for code, or for comments.
    #[test]
    fn no_script_has_a_text_or_comment_of_several_lines() {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scripts");
        let rooms = std::fs::read_dir(scripts).unwrap().flatten();

        for room in rooms {
            for file in std::fs::read_dir(room.path()).unwrap().flatten() {
                let source = std::fs::read_to_string(file.path()).unwrap();
                assert!(!source.contains("[["), "{}", file.path().display());
            }
        }
    }
}
