//! The trace that a request belongs to (W3C Trace Context): its id goes to the log, and requests that
//! a component sends itself belong to the same trace.

/// Length of a header of version 00, in bytes.
const HEADER_BYTES: usize = 55;
/// The only flag that every version knows: the sender has recorded the trace.
const SAMPLED: u8 = 1;

/// The trace of a request, from a valid `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace_id: String,
    /// The value of `traceparent` for requests that belong to this trace.
    pub(crate) parent: String,
}

impl TraceContext {
    /// Reads the `traceparent` headers of a request; `None` unless there is one, and it is valid.
    pub(crate) fn read(headers: &[String]) -> Option<Self> {
        match headers {
            [header] => Self::parse(header.trim()),
            _ => None,
        }
    }

    /// Parses `version-trace-parent-flags`. A later version may have further fields, which are not
    /// passed on.
    fn parse(header: &str) -> Option<Self> {
        let mut fields = header.splitn(5, '-');
        let version = hexadecimal(fields.next()?, 2)?;
        let trace_id = hexadecimal(fields.next()?, 32).filter(|id| !is_zero(id))?;
        let parent_id = hexadecimal(fields.next()?, 16).filter(|id| !is_zero(id))?;
        let flags = hexadecimal(fields.next()?, 2)?;

        let parent = match version {
            "ff" => return None,
            "00" if header.len() == HEADER_BYTES => header.to_owned(),
            "00" => return None,
            _ => {
                let known = u8::from_str_radix(flags, 16).ok()? & SAMPLED;
                format!("00-{trace_id}-{parent_id}-{known:02x}")
            }
        };
        Some(Self {
            trace_id: trace_id.to_owned(),
            parent,
        })
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> &str {
        &self.trace_id
    }
}

/// Returns the text if it consists of so many digits, in lower case.
fn hexadecimal(text: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_digit)).then_some(text)
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(header: &str) -> Option<TraceContext> {
        TraceContext::read(&[header.to_owned()])
    }

    #[test]
    fn a_valid_header_is_passed_on_as_it_is() {
        let trace = parse(VALID).unwrap();

        assert_eq!(trace.trace_id(), TRACE);
        assert_eq!(trace.parent, VALID);
    }

    #[test]
    fn an_invalid_header_is_ignored() {
        let parent = "00f067aa0ba902b7";
        let (no_trace, no_parent) = ("0".repeat(32), "0".repeat(16));
        let invalid = [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-{parent}"),
            format!("00-{TRACE}-{parent}-1"),
            format!("00-{TRACE}-{parent}-01-more"),
            format!("00-{TRACE}-{parent}-01-"),
            format!("00-{}-{parent}-01", TRACE.to_uppercase()),
            format!("00-{}-{parent}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", &parent[1..]),
            format!("00-{TRACE}g-{}-01", &parent[1..]),
            format!("00-{no_trace}-{parent}-01"),
            format!("00-{TRACE}-{no_parent}-01"),
            format!("0x-{TRACE}-{parent}-01"),
            format!("ff-{TRACE}-{parent}-01"),
            format!("cc-{TRACE}-{parent}-01more"),
        ];

        for header in invalid {
            assert_eq!(parse(&header), None, "{header}");
        }

        assert_eq!(TraceContext::read(&[]), None);
        let twice = [VALID.to_owned(), VALID.to_owned()];
        assert_eq!(TraceContext::read(&twice), None);
    }

    #[test]
    fn of_a_later_version_the_known_fields_are_passed_on() {
        let trace = parse(&VALID.replacen("00", "cc", 1).replace("-01", "-03-later")).unwrap();
        assert_eq!(trace.parent, VALID);
    }
}
