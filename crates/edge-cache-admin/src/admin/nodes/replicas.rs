//! The replicas of a primary: how many the Cluster knows, and how many follow it.

use edge_cache::redis::info::Info;

/// The replicas of a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replicas {
    /// Those that the Cluster knows, failed ones included.
    pub(crate) known: u64,
    /// Those whose link is up and that are in sync.
    pub(crate) linked: u64,
}

impl Replicas {
    /// Reads a node's `CLUSTER NODES` and `INFO`; `None` if they do not report replicas.
    pub(super) fn read(cluster_nodes: &str, info: &Info) -> Option<Self> {
        info.number("connected_slaves")?;
        let replicas = (0..).map_while(|n| info.text(&format!("slave{n}")));
        let linked = replicas.filter(|replica| replica.contains("state=online"));
        Some(Self {
            known: known(cluster_nodes)?,
            linked: linked.count() as u64,
        })
    }

    pub(crate) fn are_linked(self) -> bool {
        self.linked >= self.known
    }
}

/// Counts the replicas of the node that wrote these lines: `id address flags primary ...`.
fn known(cluster_nodes: &str) -> Option<u64> {
    let lines = || {
        let lines = cluster_nodes.lines();
        lines.filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.nth(1)?, words.next()?))
        })
    };
    let has = |flags: &str, flag: &str| flags.split(',').any(|found| found == flag);

    let (own_id, ..) = lines().find(|(_, flags, _)| has(flags, "myself"))?;
    let replicas = lines().filter(|(_, flags, primary)| {
        has(flags, "slave") && !has(flags, "noaddr") && *primary == own_id
    });
    Some(replicas.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
        a1 10.0.0.1:7000@17000,one.example myself,master - 0 0 1 connected 0-8191\n\
        b2 10.0.0.2:7000@17000 master - 0 0 2 connected 8192-16383\n\
        c3 10.0.0.3:7000@17000 slave a1 0 0 1 connected\n\
        d4 10.0.0.4:7000@17000 slave,fail a1 0 0 1 disconnected\n\
        e5 :0@0 slave,noaddr a1 0 0 1 disconnected\n\
        f6 10.0.0.6:7000@17000 slave b2 0 0 2 connected\n";

    #[test]
    fn replicas_that_do_not_follow_are_known_by_the_cluster() {
        let info = Info::new(
            "role:master\nconnected_slaves:2\n\
             slave0:ip=10.0.0.3,port=7000,state=online,offset=1,lag=0\n\
             slave1:ip=10.0.0.4,port=7000,state=wait_bgsave,offset=0,lag=0\n",
        );

        let replicas = Replicas::read(NODES, &info).unwrap();

        assert_eq!((replicas.known, replicas.linked), (2, 1));
        assert!(!replicas.are_linked());
    }

    #[test]
    fn replicas_that_nobody_reports_are_unknown() {
        assert_eq!(Replicas::read(NODES, &Info::new("role:master\n")), None);
        assert_eq!(Replicas::read("", &Info::new("connected_slaves:0\n")), None);
    }
}
