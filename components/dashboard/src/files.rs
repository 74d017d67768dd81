//! The built app: every file in three encodings, and which of them a request takes.

/// A file of the app.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path below `/admin/`.
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    /// Of the content; each encoding adds its own mark.
    tag: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// One encoding of a file.
#[derive(Debug)]
pub(crate) struct Form {
    /// `content-encoding`; none for the file as it is.
    pub(crate) encoding: Option<&'static str>,
    pub(crate) body: &'static [u8],
    /// The entity tag, quotes included.
    pub(crate) etag: String,
}

/// Everything in dashboard/dist.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

impl File {
    /// The file with this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FILES.iter().find(|file| file.name == name)
    }

    /// Whether its name changes with its content, so that it may be kept for ever.
    pub(crate) fn is_hashed(&self) -> bool {
        self.name.starts_with("assets/")
    }

    /// The smallest form that `accept_encoding` takes; on equal terms brotli before gzip before none.
    pub(crate) fn form(&self, accept_encoding: &str) -> Form {
        let (brotli, gzip, plain) = (quality(accept_encoding, "br"), quality(accept_encoding, "gzip"), 0.001);
        let (encoding, mark, body) = if brotli >= gzip && brotli >= plain {
            (Some("br"), "-br", self.brotli)
        } else if gzip >= plain {
            (Some("gzip"), "-gz", self.gzip)
        } else {
            (None, "", self.plain)
        };
        Form { encoding, body, etag: format!("\"{}{mark}\"", self.tag) }
    }
}

/// How much an encoding is wanted, 0 to 1: by its name, else by `*`; 0 where it is not named.
fn quality(accept_encoding: &str, encoding: &str) -> f32 {
    let mut any = 0.0;
    for part in accept_encoding.split(',') {
        let mut fields = part.split(';').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let quality = fields.find_map(|field| field.strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0);
        if name.eq_ignore_ascii_case(encoding) {
            return quality;
        }
        if name == "*" {
            any = quality;
        }
    }
    any
}

/// Whether `if-none-match` names this entity tag.
pub(crate) fn is_known(if_none_match: &str, etag: &str) -> bool {
    let mut tags = if_none_match.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == etag || tag == "*")
}
