//! Names of keys that are easily altered in transit.

/// Names that break careless code.
const HARD: [&str; 31] = [
    "",
    " ",
    "with space",
    "tab\tand\nnewline\r\n",
    "\"quotes\" 'and' `ticks`",
    "a/b/c",
    "/",
    "//",
    ".",
    "..",
    "../stats",
    "a%20b",
    "%",
    "a+b",
    "*",
    "?",
    "[a-z]",
    "back\\slash",
    "\\x41",
    "question?mark=1&x=2",
    "#fragment",
    "é-日本-🚀",
    "null",
    "{tag}",
    "<script>",
    "\0nul\0",
    "a;b,c:d",
    "a/",
    "a//b",
    "entry",
    "b\\xff",
];

/// Returns those names, and some that are not UTF-8 or long.
pub fn hard_names() -> Vec<Vec<u8>> {
    let not_utf8 = [
        vec![0xff],
        b"b\xff".to_vec(),
        b"caf\xe9".to_vec(),
        b"a\\\xff\\b".to_vec(),
        (0..=255).collect(),
    ];

    let long = [vec![b'x'; 10_240], vec![0xfe; 10_240]];
    HARD.iter()
        .map(|name| name.as_bytes().to_vec())
        .chain(not_utf8)
        .chain(long)
        .collect()
}
