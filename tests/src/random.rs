//! Random requests, valid and invalid. The same seed gives the same requests.

use std::sync::LazyLock;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::client::encode;
use crate::connection::Connection;
use crate::routes::Route;

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-9",
];
const PARAMETERS: [&str; 10] = [
    "pattern",
    "limit",
    "cursor",
    "type",
    "exact",
    "q",
    "token",
    "access_token",
    "confirm",
    "Limit",
];
const FIELDS: [&str; 14] = [
    "pattern",
    "confirm",
    "dryRun",
    "keys",
    "patterns",
    "tags",
    "modules",
    "force",
    "ttl",
    "persist",
    "prefix",
    "type",
    "id",
    "priceCents",
];
const TEXTS: [&str; 26] = [
    "",
    "*",
    "?*",
    "users:*",
    "users:1",
    "cache:*",
    "lock:*",
    "[",
    "[a-",
    "\\",
    "product.updated",
    "-1",
    "0",
    "1",
    "100",
    "101",
    "9999999999999999999999",
    "1e9",
    "true",
    "false",
    "null",
    "0-0",
    "NaN",
    "../../etc/passwd",
    "'; DROP TABLE users; --",
    "\r\nset-cookie: a=b",
];

/// A key of each type, some with a TTL or a tag.
const TYPED: [&str; 6] = [
    "typed:string",
    "typed:hash",
    "typed:list",
    "typed:set",
    "typed:zset",
    "typed:stream",
];

/// Creates those keys again, with more elements than a page: a hash or set of up to 512 is read at
/// once.
///
/// # Panics
/// If Redis refuses.
pub fn fill_types(redis: &mut Connection) {
    let [string, hash, list, set, zset, stream] = TYPED;
    let many = || (0..600).map(|n| n.to_string());
    let mut pipe = redis::pipe();
    pipe.del(&TYPED).set_ex(
        string,
        json!({ "id": 1, "name": "x".repeat(500) }).to_string(),
        600,
    );
    pipe.hset_multiple(hash, &many().map(|n| (n.clone(), n)).collect::<Vec<_>>());
    pipe.rpush(list, many().collect::<Vec<_>>())
        .sadd(set, many().collect::<Vec<_>>());
    pipe.zadd_multiple(zset, &many().map(|n| (n.clone(), n)).collect::<Vec<_>>())
        .expire(zset, 600);

    for n in many().take(150) {
        pipe.xadd(stream, "*", &[("n", n)]);
    }

    let () = pipe
        .sadd("cache:tags:typed", &TYPED)
        .atomic()
        .ignore()
        .query(redis)
        .expect("Redis accepts keys");
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(Route::all);

/// A request, ready to be sent.
#[derive(Debug)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its path without the query.
    pub path: String,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// Makes requests.
pub struct Random(Rng);

impl Random {
    /// Returns the sequence of this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.0.usize(..from.len())]
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.0.usize(..many) == 0
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.0.usize(..most)).map(|_| self.0.u8(..)).collect()
    }

    /// Returns a word with or without a meaning.
    fn text(&mut self) -> String {
        match self.0.u8(..8) {
            0..=4 => self.pick(&TEXTS).to_owned(),
            5 => self.0.i64(..).to_string(),
            6 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            _ => (0..self.0.usize(..60)).map(|_| self.0.char(..)).collect(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.0.u8(..if depth == 0 { 5 } else { 7 }) {
            0 => json!(self.0.i64(-2..2000)),
            1 => json!(self.0.f64() * 1e12),
            2 => json!(self.0.bool()),
            3 | 4 => json!(self.text()),
            5 => (0..self.0.usize(..4))
                .map(|_| self.value(depth - 1))
                .collect(),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        let members = 0..self.0.usize(..4);
        members
            .map(|_| {
                let name = if self.one_in(6) {
                    self.text()
                } else {
                    self.pick(&FIELDS).to_owned()
                };
                (name, self.value(depth))
            })
            .collect()
    }

    fn body(&mut self, template: &str) -> Vec<u8> {
        // The body depends on the route, not on its parameter.
        let (fixed, _) = template.split_once('{').unwrap_or((template, ""));
        let below = |address: &str| {
            fixed != template && address.starts_with(fixed) && !address.contains("/keys/entry")
        };
        let is_of = |address: &str| address == template || below(address);
        let known = ROUTES.iter().filter(|route| is_of(&route.address()));
        let known: Vec<&Value> = known.filter_map(|route| route.body.as_ref()).collect();

        match self.0.u8(..16) {
            0 => Vec::new(),
            1 => self.bytes(300),
            2 => "[".repeat(self.0.usize(..3000)).into_bytes(),
            3 => format!("{{\"pattern\":\"{}\"}}", "x".repeat(self.0.usize(..5000))).into_bytes(),
            4 | 5 => {
                let mut cut = self.object(3).to_string().into_bytes();
                cut.truncate(self.0.usize(..=cut.len()));
                cut
            }
            6 | 7 if !known.is_empty() => {
                let mut body = known[self.0.usize(..known.len())].clone();
                body[self.pick(&FIELDS)] = self.value(1);
                body.to_string().into_bytes()
            }
            8..=10 if !known.is_empty() => {
                known[self.0.usize(..known.len())].to_string().into_bytes()
            }
            _ => self.object(3).to_string().into_bytes(),
        }
    }

    fn query(&mut self, template: &str) -> String {
        if self.0.bool() {
            return String::new();
        }

        if template.ends_with("/{key}") && self.0.bool() {
            return format!("?limit={}&cursor={}", self.0.u16(1..200), self.0.u16(..300));
        }

        let pairs = 0..self.0.usize(1..4);
        let pairs = pairs.map(|_| {
            let name = if self.one_in(6) {
                encode(self.text())
            } else {
                self.pick(&PARAMETERS).to_owned()
            };
            let value = if self.one_in(4) {
                encode(self.bytes(30))
            } else {
                encode(self.text())
            };
            if self.one_in(10) {
                name
            } else {
                format!("{name}={value}")
            }
        });

        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// Returns a documented path with values for its parameters, sometimes altered.
    fn path(&mut self, template: &str) -> String {
        let mut path = template.to_owned();
        if let Some((before, rest)) = template.split_once('{') {
            let (_, after) = rest.split_once('}').unwrap_or_default();
            let keys = template.ends_with("/{key}");
            let within = match self.0.u8(..if keys { 10 } else { 4 }) {
                0 => "users:1".to_owned(),
                4.. => encode(self.pick(&TYPED)),
                1 => encode(self.bytes(40)),
                2 => ["%", "%zz", "a/b", "%2e%2e%2f", "1", "%00", "~", "a;b=c"].map(str::to_owned)
                    [self.0.usize(..8)]
                .clone(),
                _ => encode(self.text()),
            };
            path = format!("{before}{within}{after}");
        }

        match self.0.u8(..20) {
            0 => path + self.pick(&["/", "//", "/..", "/%2e%2e/stats", "%20", "/.", ";x=1"]),
            1 => path.replacen('/', "//", 1),
            2 => path.to_ascii_uppercase(),
            _ => path,
        }
    }

    fn headers(&mut self, into: &mut Vec<u8>) {
        let mut add = |name: &str, value: &[u8]| {
            into.extend_from_slice(name.as_bytes());
            into.extend_from_slice(b": ");
            into.extend_from_slice(value);
            into.extend_from_slice(b"\r\n");
        };
        add("host", b"localhost");
        let caller = [
            Caller::Admin,
            Caller::Admin,
            Caller::Operator,
            Caller::Viewer,
            Caller::Stranger,
            Caller::Nobody,
        ];
        if let Some(token) = caller[self.0.usize(..6)].token() {
            add("authorization", format!("Bearer {token}").as_bytes());
        }
        // Any text that is valid in a header, so no control characters. (Hosts refuse bytes that
        // are not UTF-8.)
        let junk: String = self.text().chars().filter(|c| !c.is_control()).collect();
        let names = [
            "x-request-id",
            "x-forwarded-for",
            "accept",
            "accept-encoding",
            "content-type",
            "if-none-match",
            "cookie",
            "x-junk",
            "spin-client-addr",
            "authorization",
            "origin",
            "range",
            "forwarded",
            "te",
        ];

        for _ in 0..self.0.usize(..4) {
            let name = self.pick(&names);
            let known = self.pick(&[
                "*/*",
                "application/json",
                "text/event-stream",
                "127.0.0.1",
                "gzip, br;q=0",
                "a, b, c",
            ]);
            add(
                name,
                if self.0.bool() {
                    known.as_bytes()
                } else {
                    junk.as_bytes()
                },
            );
        }
    }

    /// Returns a request to a documented path, usually with one of its methods.
    pub fn request(&mut self, template: &str, methods: &[String]) -> Request {
        let own = self.0.u8(..10) < 7;
        let method = if own {
            methods[self.0.usize(..methods.len())].clone()
        } else {
            self.pick(&METHODS).to_owned()
        };

        let path = self.path(template);
        let query = self.query(template);
        let mut bytes = format!("{method} {path}{query} HTTP/1.1\r\n").into_bytes();
        self.headers(&mut bytes);
        let with_body =
            ["POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) || self.one_in(20);
        let body = if with_body {
            self.body(template)
        } else {
            Vec::new()
        };

        if with_body {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }

        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Request {
            method,
            path,
            bytes,
        }
    }
}
