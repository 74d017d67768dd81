//! Replication: whether the server is a primary or a replica, the link between them, and the lag.

use serde::Serialize;

use edge_cache::redis::info::Info;

/// A server's role in replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplicationRole {
    /// It takes writes.
    Primary,
    /// It follows a primary.
    Replica,
}

/// Replication as `INFO` reports it; a figure that it does not report is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replication {
    /// Its role; null if the server does not report it.
    pub role: Option<ReplicationRole>,
    /// On a replica: true if the link to its primary is up.
    pub link_up: Option<bool>,
    /// On a replica: seconds since it last heard from its primary, or since the link went down. On
    /// a primary: seconds since the replica that is furthest behind last answered.
    pub lag_seconds: Option<u64>,
    /// Replicas that follow this server.
    pub connected_replicas: Option<u64>,
}

impl Replication {
    /// Reads the section `replication` of an `INFO`.
    pub(crate) fn of(info: &Info) -> Self {
        let role = match info.text("role") {
            Some("master") => Some(ReplicationRole::Primary),
            Some("slave") => Some(ReplicationRole::Replica),
            _ => None,
        };

        let link_up = info.text("master_link_status").map(|status| status == "up");
        let lag_seconds = match role {
            Some(ReplicationRole::Replica) if link_up == Some(false) => {
                info.number("master_link_down_since_seconds")
            }
            Some(ReplicationRole::Replica) => info.number("master_last_io_seconds_ago"),
            _ => (0..)
                .map_while(|n| info.text(&format!("slave{n}")))
                .filter_map(lag)
                .max(),
        };

        Self {
            role,
            link_up,
            lag_seconds,
            connected_replicas: info.number("connected_slaves"),
        }
    }

    /// The problem with a replica, in words; `None` for a primary.
    pub(crate) fn problem(&self) -> Option<String> {
        let seconds = self
            .lag_seconds
            .map(|seconds| format!(" for {seconds} s"))
            .unwrap_or_default();
        let link = match self.link_up {
            Some(false) => format!(", and its link to the primary has been down{seconds}"),
            _ => String::new(),
        };
        (self.role == Some(ReplicationRole::Replica)).then(|| {
            format!("this Redis is a replica{link}: writes are refused or lost; point redis_host at the primary")
        })
    }
}

/// Reads the lag from `ip=127.0.0.1,port=6380,state=online,offset=14,lag=1`.
fn lag(replica: &str) -> Option<u64> {
    replica
        .split(',')
        .find_map(|fact| fact.strip_prefix("lag="))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_read_with_its_link_and_lag() {
        let of = |info: &str| Replication::of(&Info::new(info));
        let primary = of(
            "role:master\nconnected_slaves:2\nslave0:ip=::1,port=1,state=online,offset=1,lag=1\n\
                          slave1:ip=::1,port=2,state=online,offset=1,lag=4\n",
        );

        assert_eq!(
            (
                primary.role,
                primary.lag_seconds,
                primary.connected_replicas
            ),
            (Some(ReplicationRole::Primary), Some(4), Some(2))
        );
        assert_eq!(primary.problem(), None);

        let up = of("role:slave\nmaster_link_status:up\nmaster_last_io_seconds_ago:3\n");
        assert_eq!(
            (up.role, up.link_up, up.lag_seconds),
            (Some(ReplicationRole::Replica), Some(true), Some(3))
        );

        let down = of(
            "role:slave\nmaster_link_status:down\nmaster_last_io_seconds_ago:-1\nmaster_link_down_since_seconds:9\n",
        );
        assert!(down.problem().unwrap().contains("down for 9 s"));
        assert_eq!(of("redis_version:7\n"), Replication::default());
    }
}
