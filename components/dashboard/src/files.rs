//! The files of the built app, each in three encodings, and the choice between them.

/// The weight of the file as it is: below that of any encoding that is accepted at all.
const PLAIN_QUALITY: f32 = 0.001;

/// A file of the app.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path below `/admin/`.
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    /// Identifies the content. Each encoding adds a suffix of its own.
    tag: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// A file in one encoding.
#[derive(Debug)]
pub(crate) struct EncodedFile {
    /// The `content-encoding`; `None` for the file as it is.
    pub(crate) encoding: Option<&'static str>,
    pub(crate) body: &'static [u8],
    /// The entity tag, quotes included.
    pub(crate) etag: String,
}

/// Every file in dashboard/dist.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

impl File {
    /// The file with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }

    /// True if the name changes with the content, so that clients may cache the file for ever.
    pub(crate) fn is_hashed(&self) -> bool {
        self.name.starts_with("assets/")
    }

    /// Chooses the encoding that `accept_encoding` prefers. Of equal ones, brotli comes before gzip,
    /// and gzip before none.
    pub(crate) fn encode(&self, accept_encoding: &str) -> EncodedFile {
        let brotli = quality(accept_encoding, "br");
        let gzip = quality(accept_encoding, "gzip");
        let plain = PLAIN_QUALITY;

        let (encoding, tag_suffix, body) = if brotli >= gzip && brotli >= plain {
            (Some("br"), "-br", self.brotli)
        } else if gzip >= plain {
            (Some("gzip"), "-gz", self.gzip)
        } else {
            (None, "", self.plain)
        };
        EncodedFile {
            encoding,
            body,
            etag: format!("\"{}{tag_suffix}\"", self.tag),
        }
    }
}

/// The weight of an encoding, 0 to 1: that of its name, else that of `*`, else 0.
fn quality(accept_encoding: &str, encoding: &str) -> f32 {
    let mut any_encoding = 0.0;
    for part in accept_encoding.split(',') {
        let mut fields = part.split(';').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let quality = fields
            .find_map(|field| field.strip_prefix("q=")?.trim().parse().ok())
            .unwrap_or(1.0);
        if name.eq_ignore_ascii_case(encoding) {
            return quality;
        }
        if name == "*" {
            any_encoding = quality;
        }
    }

    any_encoding
}

/// True if an `if-none-match` header names this entity tag.
pub(crate) fn matches_tag(if_none_match: &str, etag: &str) -> bool {
    let mut tags = if_none_match
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == etag || tag == "*")
}
