//! A server whose clock tests set, and wake-ups of the schedule.

use std::time::{Duration, UNIX_EPOCH};

use edge_cache::RedisClient;
use edge_cache::tokio::TokioTransport;
use edge_cache_admin::admin::history::{HistoryReport, HistoryRequest};
use edge_cache_admin::admin::stats::Thresholds;
use edge_cache_admin::warmup::Plan;
use edge_cache_admin::warmup::schedule::{self, ScheduleSettings};
use edge_cache_testing::{Proxy, RedisServer, client};

pub type Client = RedisClient<TokioTransport>;

/// 2026-01-31T12:00:00Z.
pub const NOON_MS: u64 = 1_769_860_800_000;
pub const MINUTE_MS: u64 = 60_000;

/// A server with a clock that tests set.
pub struct Timed {
    pub server: RedisServer,
    pub proxy: Proxy,
    pub redis: Client,
    pub trail: Client,
}

impl Timed {
    pub fn start() -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port());
        let url = |db| format!("redis://127.0.0.1:{}/{db}", proxy.port());
        Self {
            redis: client(&url(0)),
            trail: client(&url(1)),
            server,
            proxy,
        }
    }

    /// A wake-up of the schedule so many minutes after noon. Returns whether it wrote a row.
    pub async fn wake(&self, minute: u64) -> bool {
        self.wake_at(NOON_MS + minute * MINUTE_MS + 7_000).await
    }

    pub async fn wake_at(&self, ms: u64) -> bool {
        self.proxy
            .set_field("server_time_usec", &(ms * 1000).to_string());
        wake(&self.redis, &self.trail).await
    }

    pub async fn history(&self, query: &str) -> HistoryReport {
        history(&self.trail, query).await
    }
}

pub async fn wake(redis: &Client, trail: &Client) -> bool {
    let settings = ScheduleSettings {
        interval: Duration::from_secs(900),
        analysis_interval: Duration::ZERO,
        relief: Vec::new(),
        thresholds: Thresholds::default(),
    };
    let check = schedule::check(
        redis,
        &settings,
        &Plan {
            modules: Vec::new(),
        },
    )
    .await
    .unwrap();
    schedule::record_history(redis, trail, &check)
        .await
        .unwrap()
}

/// The history of the hour after noon, or as the query says.
pub async fn history(trail: &Client, query: &str) -> HistoryReport {
    let now = UNIX_EPOCH + Duration::from_millis(NOON_MS + 60 * MINUTE_MS);
    let range = "from=2026-01-31T12:00:00Z&to=2026-01-31T13:00:00Z";
    let request = HistoryRequest::parse(&format!("{range}&{query}"), now).unwrap();
    request.run(trail).await.unwrap()
}

pub fn add_lookups(server: &RedisServer, module: &str, kind: &str, count: u64) {
    let field = format!("{module}:{kind}");
    let () = redis::cmd("HINCRBY")
        .arg("cache:lookups")
        .arg(field)
        .arg(count)
        .query(&mut server.connection())
        .unwrap();
}

pub fn on_trail(server: &RedisServer) -> redis::Connection {
    let mut connection = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut connection).unwrap();
    connection
}
