//! The headers that Spin adds to a request and removes from it before a component sees them.
//!
//! Spin *appends* its `spin-*` headers: a header of the same name that a client sent stays, in front
//! of Spin's. A component that relies on one, such as `spin-client-addr`, has to read the **last**
//! value, here as in Spin.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST, HeaderName};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri};
use thiserror::Error;

use crate::allowed_hosts::chained_component;
use crate::routes::RouteMatch;

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// Reason why a request cannot be passed to a component.
#[derive(Debug, Error)]
pub enum BadRequest {
    #[error("the request has no host")]
    NoHost,
    #[error("the host header is not a host with an optional port")]
    BadHost,
    #[error("the request names more than one host")]
    TwoHosts,
    #[error("a header is not UTF-8")]
    BadHeader,
}

/// The route by which a request reached its component, in the forms of the `spin-*` headers.
#[derive(Debug)]
pub struct Matched {
    pub raw: String,
    pub raw_or_prefix: String,
    pub based: String,
    pub trailing: String,
    pub segments: Vec<(String, String)>,
}

impl<T> From<&RouteMatch<'_, '_, T>> for Matched {
    fn from(found: &RouteMatch<'_, '_, T>) -> Self {
        Self {
            raw: found.raw().to_owned(),
            raw_or_prefix: found.raw_or_prefix().to_owned(),
            based: found.based().to_owned(),
            trailing: found.trailing().into_owned(),
            segments: found
                .segments()
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        }
    }
}

impl Matched {
    /// A request of one component to another, as if it had arrived by the route `/...`.
    pub fn chained(path: &str) -> Self {
        Self {
            raw: "/...".to_owned(),
            raw_or_prefix: String::new(),
            based: "/...".to_owned(),
            trailing: path.to_owned(),
            segments: Vec::new(),
        }
    }
}

/// Removes `connection`, which is meant for the server, and a host that only components may use.
pub fn strip(headers: &mut HeaderMap) {
    let is_chained = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .is_some_and(|host| chained_component(host).is_some());
    if is_chained {
        headers.remove(HOST);
    }
    headers.remove(CONNECTION);
}

/// Adds the scheme of the server and the host of the request to the URI of a request.
///
/// # Errors
/// No host, an invalid one, or two that differ.
pub fn complete_uri<B>(request: &mut Request<B>) -> Result<(), BadRequest> {
    let from_header = match request.headers().get(HOST) {
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| BadRequest::BadHost)?),
        None => None,
    };

    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    let authority = match (from_header, parts.authority.take()) {
        (None, None) => return Err(BadRequest::NoHost),
        (Some(header), Some(line)) if header != line => return Err(BadRequest::TwoHosts),
        (Some(authority), _) | (None, Some(authority)) => authority,
    };

    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    // `CONNECT host:port` and `OPTIONS *` have no path of their own.
    parts
        .path_and_query
        .get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| BadRequest::BadHost)?;
    Ok(())
}

/// Checks the headers of a request, over HTTP/1 and HTTP/2.
///
/// # Errors
/// A header that is not UTF-8, which Spin refuses. Two hosts, because a proxy may have used the
/// other one.
pub fn check(headers: &HeaderMap) -> Result<(), BadRequest> {
    let is_text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).is_ok();
    if headers.get_all(HOST).iter().count() > 1 {
        return Err(BadRequest::TwoHosts);
    }
    if headers.values().all(is_text) {
        Ok(())
    } else {
        Err(BadRequest::BadHeader)
    }
}

/// Adds the `spin-*` headers.
pub fn add<B>(request: &mut Request<B>, matched: &Matched, client: SocketAddr) {
    let full_url = full_url(request.uri(), request.headers().get(HOST));
    let headers = request.headers_mut();
    let mut append = |name: HeaderName, value: &str| {
        // Omits an invalid value, as Spin does.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    };

    append(PATH_INFO, &matched.trailing);
    append(FULL_URL, &full_url);
    append(MATCHED_ROUTE, &matched.based);
    append(BASE_PATH, "/");
    append(RAW_COMPONENT_ROUTE, &matched.raw);
    append(COMPONENT_ROUTE, &matched.raw_or_prefix);
    append(CLIENT_ADDR, &client.to_string());

    for (name, value) in &matched.segments {
        let name = name.replace('_', "-").to_ascii_lowercase();
        if let Ok(name) = HeaderName::try_from(format!("spin-path-match-{name}")) {
            append(name, value);
        }
    }
}

fn full_url(uri: &Uri, host: Option<&HeaderValue>) -> String {
    let host = host
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let scheme = uri.scheme_str().unwrap_or("http");
    let path = uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Routes;

    const CLIENT: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5);

    fn headers_seen(route: &str, uri: &str, sent: &[(&'static str, &'static str)]) -> HeaderMap {
        let routes = Routes::build([(route.to_owned(), ())]).unwrap();
        let mut request = Request::get(uri).body(()).unwrap();
        for (name, value) in sent {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }

        let path = request.uri().path().to_owned();
        let matched = Matched::from(&routes.find(&path).unwrap());
        strip(request.headers_mut());
        complete_uri(&mut request).unwrap();
        add(&mut request, &matched, CLIENT);
        request.headers().clone()
    }

    #[test]
    fn a_component_sees_how_it_was_reached() {
        let headers = headers_seen(
            "/u/:user_id/...",
            "/u/42/x/?a=b",
            &[("host", "h.example:1")],
        );

        for (name, value) in [
            ("spin-path-info", "/x/"),
            ("spin-full-url", "http://h.example:1/u/42/x/?a=b"),
            ("spin-matched-route", "/u/:user_id/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/u/:user_id/..."),
            ("spin-component-route", "/u/:user_id"),
            ("spin-client-addr", "127.0.0.1:5"),
            ("spin-path-match-user-id", "42"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
    }

    #[test]
    fn a_header_of_the_host_follows_a_forged_one() {
        let headers = headers_seen(
            "/...",
            "/",
            &[("host", "h"), ("spin-client-addr", "1.2.3.4:5")],
        );
        let values: Vec<_> = headers.get_all("spin-client-addr").iter().collect();
        assert_eq!(values, ["1.2.3.4:5", "127.0.0.1:5"]);
    }

    #[test]
    fn connection_headers_and_chaining_hosts_are_removed() {
        let headers = headers_seen(
            "/...",
            "http://a.spin.internal/",
            &[("host", "a.spin.internal"), ("connection", "close")],
        );
        assert!(!headers.contains_key(HOST));
        assert!(!headers.contains_key(CONNECTION));
    }

    fn complete(uri: &str, host: Option<&'static str>) -> Result<String, BadRequest> {
        let mut request = Request::get(uri).body(()).unwrap();
        if let Some(host) = host {
            let host = HeaderValue::from_static(host);
            request.headers_mut().insert(HOST, host);
        }
        complete_uri(&mut request).map(|()| request.uri().to_string())
    }

    #[test]
    fn the_host_completes_the_uri() {
        assert_eq!(complete("/a", Some("h:1")).unwrap(), "http://h:1/a");
        assert_eq!(complete("http://h/a", Some("h")).unwrap(), "http://h/a");
    }

    #[test]
    fn a_request_needs_one_valid_host() {
        let missing = complete("/a", None);
        assert!(matches!(missing, Err(BadRequest::NoHost)));
        let contradictory = complete("http://h/a", Some("i"));
        assert!(matches!(contradictory, Err(BadRequest::TwoHosts)));
        let invalid = complete("/a", Some("a b"));
        assert!(matches!(invalid, Err(BadRequest::BadHost)));
    }
}
