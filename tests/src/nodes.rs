//! Connections to the primaries of a Cluster: each command goes to the node of its key, and some to
//! all nodes.

use edge_cache_testing::{Cluster, slot_of_key};
use redis::{ConnectionLike, RedisResult, Value, from_redis_value};

use crate::connection::refusal;
use crate::own_names::{on_cluster, on_single_server};

/// The words of a command.
type Words = Vec<Vec<u8>>;

/// A connection to each primary.
pub struct Nodes {
    connections: Vec<redis::Connection>,
    /// The index of each slot's node among the connections.
    owners: Vec<usize>,
}

/// The routing of a command.
enum Route {
    /// To the node of the key at this position.
    Key(usize),
    /// The same command for each of its keys, to the node of each; replies are added up.
    EachKey,
    /// `MSET`: its pairs one by one.
    Pairs,
    /// To all nodes; their replies are added up.
    Sum,
    /// To all nodes, which reply with names.
    Names,
    /// To all nodes; the first reply counts.
    All,
}

impl Nodes {
    pub(crate) fn connect(cluster: &Cluster) -> Self {
        let primaries = cluster.primaries();
        let connections = primaries
            .iter()
            .map(|number| cluster.node(*number).connection());
        let index = |number: usize| primaries.iter().position(|one| *one == number);
        let owners = cluster.owners_of_slots().into_iter();
        Self {
            connections: connections.collect(),
            owners: owners
                .map(|number| index(number).expect("the owner of a slot is a primary"))
                .collect(),
        }
    }

    /// Returns true if all nodes reply.
    pub(crate) fn reply(&mut self) -> bool {
        let mut connections = self.connections.iter_mut();
        connections.all(redis::Connection::check_connection)
    }

    /// The index of a key's node.
    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        self.owners[usize::from(slot_of_key(key))]
    }

    /// A connection to each primary.
    pub(crate) fn connections(&mut self) -> &mut [redis::Connection] {
        &mut self.connections
    }

    /// Runs a command.
    pub(crate) fn run(&mut self, words: &[Vec<u8>]) -> RedisResult<Value> {
        match route(words)? {
            Route::Key(at) => {
                let (owner, words) = self.addressed(words.to_vec(), at);
                send(&mut self.connections[owner], &words)
            }

            Route::EachKey => {
                let each = |key: &Vec<u8>| vec![words[0].clone(), key.clone()];
                self.sum(words[1..].iter().map(each).collect())
            }

            Route::Pairs => {
                for pair in words[1..].chunks(2) {
                    let set = [&[b"SET".to_vec()], pair].concat();
                    self.run(&set)?;
                }
                Ok(Value::Okay)
            }

            Route::Sum => {
                let mut sum = 0;
                for reply in self.run_on_all(words)? {
                    sum += from_redis_value::<i64>(&reply)?;
                }
                Ok(Value::Int(sum))
            }

            Route::Names => {
                let mut names = Vec::new();
                for reply in self.run_on_all(words)? {
                    let found: Words = from_redis_value(&reply)?;
                    names.extend(found.into_iter().map(on_single_server));
                }
                Ok(Value::Array(
                    names.into_iter().map(Value::BulkString).collect(),
                ))
            }

            Route::All => {
                let mut replies = self.run_on_all(words)?;
                Ok(replies.swap_remove(0))
            }
        }
    }

    /// Runs commands, in as few round trips as possible. Returns their replies in order.
    pub(crate) fn run_all(&mut self, commands: Vec<Words>) -> RedisResult<Vec<Value>> {
        let mut of_nodes = vec![redis::pipe(); self.connections.len()];
        let mut owners = Vec::with_capacity(commands.len());
        for words in commands {
            let at = match route(&words)? {
                Route::Key(at) => at,
                Route::EachKey if words.len() == 2 => 1,
                _ => return Err(refusal("a pipeline with commands for several nodes")),
            };
            let (owner, words) = self.addressed(words, at);
            of_nodes[owner].add_command(command(&words));
            owners.push(owner);
        }

        let mut replies = Vec::new();
        for (connection, pipe) in self.connections.iter_mut().zip(of_nodes) {
            let count = pipe.cmd_iter().count();
            let of_node = match count {
                0 => Vec::new(),
                _ => connection.req_packed_commands(&pipe.get_packed_pipeline(), 0, count)?,
            };
            replies.push(of_node.into_iter());
        }
        let in_order = owners.iter().map(|owner| replies[*owner].next());
        Ok(in_order.map(|reply| reply.expect("a reply")).collect())
    }

    /// Gives the key at this position its name on a Cluster, and returns the index of its node.
    fn addressed(&self, mut words: Words, at: usize) -> (usize, Words) {
        words[at] = on_cluster(std::mem::take(&mut words[at]));
        (self.owner(&words[at]), words)
    }

    fn sum(&mut self, commands: Vec<Words>) -> RedisResult<Value> {
        let mut sum = 0;
        for reply in self.run_all(commands)? {
            sum += from_redis_value::<i64>(&reply)?;
        }
        Ok(Value::Int(sum))
    }

    fn run_on_all(&mut self, words: &[Vec<u8>]) -> RedisResult<Vec<Value>> {
        let connections = self.connections.iter_mut();
        connections.map(|one| send(one, words)).collect()
    }
}

fn send(connection: &mut redis::Connection, words: &[Vec<u8>]) -> RedisResult<Value> {
    connection.req_packed_command(&command(words).get_packed_command())
}

fn command(words: &[Vec<u8>]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(word.as_slice());
    }
    command
}

/// Returns the routing of a command; an error for commands to one node.
fn route(words: &[Vec<u8>]) -> RedisResult<Route> {
    let name = String::from_utf8_lossy(&words[0]).to_ascii_uppercase();
    match name.as_str() {
        "DEL" | "EXISTS" | "UNLINK" => Ok(Route::EachKey),
        "MSET" => Ok(Route::Pairs),
        "DBSIZE" => Ok(Route::Sum),
        "KEYS" => Ok(Route::Names),
        "CLIENT" | "CONFIG" | "FLUSHALL" | "ACL" => Ok(Route::All),
        "DEBUG" | "MEMORY" | "OBJECT" => Ok(Route::Key(2)),
        "EVAL" | "EVALSHA" if words.len() > 3 => Ok(Route::Key(3)),
        "EVAL" | "EVALSHA" | "INFO" | "MGET" | "PING" | "SCAN" | "SCRIPT" | "SELECT" | "TIME" => {
            Err(refusal("a command for one node of a Cluster"))
        }
        _ => Ok(Route::Key(1)),
    }
}
