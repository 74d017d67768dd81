//! A Redis in memory (`edge_cache::testing`) that is served over the Redis protocol, so that the tests
//! of the library also run over it.

use std::collections::HashMap;
use std::io::{BufReader, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use edge_cache::testing::Memory;

use crate::resp::Command;

/// A server that accepts connections until it is dropped.
#[derive(Debug)]
pub(crate) struct MemoryServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

/// The state that the connections share.
#[derive(Debug, Default)]
struct Shared {
    /// The logical databases that were selected.
    databases: Mutex<HashMap<String, Memory>>,
    state: Mutex<State>,
    changed: Condvar,
    /// The open connections by their numbers.
    connections: Mutex<HashMap<usize, TcpStream>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Running,
    /// Connections stay open, and commands get no reply.
    Frozen,
    Ended,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryServer {
    /// Starts a server without keys on this port of the loopback interface.
    ///
    /// # Errors
    /// The port is in use.
    pub(crate) fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());

        let accepting = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, &shared))
        };
        Ok(Self {
            shared,
            address,
            accepting: Some(accepting),
        })
    }

    /// Connections stay open, and commands get no reply.
    pub(crate) fn freeze(&self) {
        self.shared.change(State::Frozen);
    }

    /// Continues a frozen server.
    pub(crate) fn thaw(&self) {
        self.shared.change(State::Running);
    }
}

impl Drop for MemoryServer {
    fn drop(&mut self) {
        self.shared.change(State::Ended);
        // Ends the wait for the next connection.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        self.shared.close_all_but(None);
    }
}

impl Shared {
    fn change(&self, state: State) {
        *lock(&self.state) = state;
        self.changed.notify_all();
    }

    /// Waits while the server is frozen; false when it has ended.
    fn wait_until_running(&self) -> bool {
        let state = self
            .changed
            .wait_while(lock(&self.state), |state| *state == State::Frozen)
            .unwrap_or_else(PoisonError::into_inner);
        *state == State::Running
    }

    fn close_all_but(&self, kept: Option<usize>) {
        lock(&self.connections).retain(|number, connection| {
            let is_kept = Some(*number) == kept;
            if !is_kept {
                // Fails when the client has closed it, which is enough.
                let _ = connection.shutdown(Shutdown::Both);
            }
            is_kept
        });
    }

    fn database(&self, name: &str) -> Memory {
        let mut databases = lock(&self.databases);
        databases.entry(name.to_owned()).or_default().clone()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, connection) in listener.incoming().enumerate() {
        if *lock(&shared.state) == State::Ended {
            return;
        }
        let Ok(connection) = connection else {
            continue;
        };

        if let Ok(clone) = connection.try_clone() {
            lock(&shared.connections).insert(number, clone);
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // A connection that breaks ends.
            let _ = serve(&connection, number, &shared);
            lock(&shared.connections).remove(&number);
        });
    }
}

fn serve(mut connection: &TcpStream, number: usize, shared: &Shared) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut from = BufReader::new(connection);
    let mut database = shared.database("0");

    while let Some(words) = Command::read_words(&mut from)? {
        if !shared.wait_until_running() {
            break;
        }
        let text = |place: usize| {
            let word = words.get(place).map(Vec::as_slice).unwrap_or_default();
            String::from_utf8_lossy(word).to_ascii_uppercase()
        };

        let reply = match text(0).as_str() {
            "CLIENT" => {
                if text(1) == "KILL" {
                    shared.close_all_but(Some(number));
                }
                b"+OK\r\n".to_vec()
            }
            "SELECT" => {
                database = shared.database(&text(1));
                b"+OK\r\n".to_vec()
            }
            _ => database.respond(&words),
        };
        connection.write_all(&reply)?;
    }
    connection.shutdown(Shutdown::Both)
}
