//! A request as it came in. The host keeps what nobody asks for: of its headers, and its body.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use spin_sdk::wasip3::http::types::{self, ErrorCode, Headers};
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

/// The longest request id taken over from a client.
const MAX_ID: usize = 128;

/// A request that came in.
///
/// Taken from the host as it is. To make an `http::Request` of it would take more calls of the host, for parts that no route
/// looks at, and each header would be copied in, of which a route looks at three or four.
pub struct Request {
    pub(crate) head: Rc<Head>,
    pub(crate) body: Unread,
}

/// What is known of a request before anything is checked.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) started: Instant,
    method: http::Method,
    target: String,
    headers: Headers,
}

/// A body of which nothing was read yet.
pub(crate) struct Unread(types::Request);

impl Request {
    /// Reads the first line.
    ///
    /// # Errors
    /// A method that is no token.
    pub fn new(request: types::Request) -> Result<Self, ErrorCode> {
        let started = Instant::now();
        let method = request.get_method().try_into().map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
        let target = request.get_path_with_query().unwrap_or_default();
        let headers = request.get_headers();
        let mut head = Head { id: String::new(), started, method, target, headers };
        head.id = head.given_id().unwrap_or_else(random_id);
        Ok(Self { head: Rc::new(head), body: Unread(request) })
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.head.path()
    }
}

impl Head {
    /// The client's own id, where it is a plain one.
    fn given_id(&self) -> Option<String> {
        let plain = |id: &String| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
            (1..=MAX_ID).contains(&id.len()) && id.bytes().all(allowed)
        };
        self.header("x-request-id").filter(plain)
    }

    pub(crate) fn method(&self) -> &str {
        self.method.as_str()
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first header of this name that is text. Each look is a call of the host.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers(name).into_iter().next()
    }

    /// All headers of this name that are text.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        self.headers.get(name).into_iter().filter_map(|value| String::from_utf8(value).ok()).collect()
    }
}

impl Unread {
    /// The body, to be read.
    ///
    /// # Errors
    /// A length that is none.
    pub(crate) fn open(self) -> Result<IncomingRequestBody, ErrorCode> {
        IncomingRequestBody::new(self.0)
    }
}

thread_local! {
    /// Random bits for the next ids: to ask the host for many at once takes no longer than for few.
    static BITS: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_id() -> String {
    let bits = BITS.with_borrow_mut(|bits| {
        if bits.is_empty() {
            let mut bytes = [0_u8; 512];
            // Without randomness ids repeat, which harms nobody but the reader of the log.
            let _ = getrandom::fill(&mut bytes);
            bits.extend(bytes.chunks_exact(16).filter_map(|chunk| chunk.try_into().ok()).map(u128::from_ne_bytes));
        }
        bits.pop().unwrap_or_default()
    });
    format!("{bits:032x}")
}

/// Makes an asynchronous function from a [`Request`] to a response the component's HTTP service.
#[macro_export]
macro_rules! http_service {
    ($handle:path) => {
        struct Service;

        impl $crate::wasip3::exports::http::handler::Guest for Service {
            async fn handle(
                request: $crate::wasip3::http::types::Request,
            ) -> Result<$crate::wasip3::http::types::Response, $crate::wasip3::http::types::ErrorCode> {
                Ok($handle($crate::Request::new(request)?).await)
            }
        }

        $crate::wasip3::http::service::export!(Service);
    };
}
