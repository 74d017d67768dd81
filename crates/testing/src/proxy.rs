//! A proxy in front of a real `redis-server` that injects faults of networks and servers.

use std::collections::HashMap;
use std::io::{BufReader, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::resp::{self, Command};

/// The time between two checks whether a silence is over.
const SILENCE_CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// A fault of a command or its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes; the server never sees the command.
    Dropped,
    /// The server runs the command; the connection closes before its reply.
    Lost,
    /// The connection closes in the middle of the reply.
    Cut,
    /// Half of the reply arrives, then nothing.
    Truncated,
    /// No reply arrives; the server never sees the command.
    Black,
    /// No reply arrives, although the server runs the command.
    Mute,
    /// The reply arrives later by this time.
    Slow(Duration),
    /// The reply arrives byte by byte, with this pause after each.
    Drip(Duration),
    /// This error is the reply; the server never sees the command.
    Error(&'static str),
    /// `OK` is the reply; the server never sees the command. Some hosted services treat `SELECT` in
    /// this way.
    Ignored,
    /// The reply is not of the Redis protocol.
    Garbage,
}

impl Fault {
    fn closes_connection(self) -> bool {
        match self {
            Self::Dropped | Self::Lost | Self::Cut | Self::Truncated | Self::Black | Self::Mute => {
                true
            }
            Self::Slow(_) | Self::Drip(_) | Self::Error(_) | Self::Ignored | Self::Garbage => false,
        }
    }
}

/// The commands that a fault affects.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// All, including those that open a connection.
    All,
    /// Those whose names satisfy the function.
    Named(fn(&str) -> bool),
    /// The nth from now; those that open a connection are not counted.
    Nth(usize),
}

#[derive(Debug)]
struct State {
    upstream: u16,
    fault: Option<(Fault, Aim)>,
    /// Fields of `INFO` that are removed (`None`) or have another value.
    fields: Vec<(String, Option<String>)>,
    /// The number of changes of the fault, by which a silent connection notices one.
    change: u64,
    /// Commands since the last change, without those that open a connection.
    commands: Vec<String>,
    connections: HashMap<u64, TcpStream>,
    accepted: u64,
    closed: bool,
}

type Shared = Arc<Mutex<State>>;

fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens on a port of its own and forwards commands one after the other, with the faults that a
/// test sets.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Shared,
}

impl Proxy {
    /// Starts a proxy in front of the server on this port.
    ///
    /// # Panics
    /// Panics when the loopback interface has no free port.
    pub fn before(upstream: u16) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        let port = listener
            .local_addr()
            .expect("the address of a bound socket")
            .port();

        let state = State {
            upstream,
            fault: None,
            fields: Vec::new(),
            change: 0,
            commands: Vec::new(),
            connections: HashMap::new(),
            accepted: 0,
            closed: false,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &shared));
        Self { port, state }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a logical database behind it.
    pub fn url(&self, db: u16) -> String {
        format!("redis://127.0.0.1:{}/{db}", self.port)
    }

    /// Applies a fault to every command from now on.
    pub fn fail(&self, fault: Fault) {
        self.change(Some((fault, Aim::All)));
    }

    /// Applies a fault to commands of these names (in upper case) from now on.
    pub fn fail_named(&self, fault: Fault, named: fn(&str) -> bool) {
        self.change(Some((fault, Aim::Named(named))));
    }

    /// Applies a fault to one command: the nth from now, counted from 0 and without those that open
    /// a connection.
    pub fn fail_once(&self, fault: Fault, nth: usize) {
        self.change(Some((fault, Aim::Nth(nth))));
    }

    /// Ends the fault. Connections that it broke stay broken.
    pub fn heal(&self) {
        self.change(None);
    }

    /// Removes these fields from `INFO`, as servers other than Redis do.
    pub fn drop_fields(&self, names: &[&str]) {
        locked(&self.state)
            .fields
            .extend(names.iter().map(|name| ((*name).to_owned(), None)));
    }

    /// Sets the value of a field of `INFO`.
    pub fn set_field(&self, name: &str, value: &str) {
        locked(&self.state)
            .fields
            .push((name.to_owned(), Some(value.to_owned())));
    }

    /// The names of the commands since the last change, without those that open a connection.
    pub fn commands(&self) -> Vec<String> {
        locked(&self.state).commands.clone()
    }

    /// Switches to another server: connections close, and new ones lead there.
    pub fn switch(&self, upstream: u16) {
        let mut state = locked(&self.state);
        state.upstream = upstream;
        for connection in state.connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn change(&self, fault: Option<(Fault, Aim)>) {
        let mut state = locked(&self.state);
        state.fault = fault;
        state.change += 1;
        state.commands.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.switch(0);
        locked(&self.state).closed = true;
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Shared) {
    while let Ok((client, _)) = listener.accept() {
        if locked(shared).closed {
            return;
        }

        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let Ok(kept) = client.try_clone() else { return };

            let (number, upstream) = {
                let mut state = locked(&shared);
                state.accepted += 1;
                let number = state.accepted;
                state.connections.insert(number, kept);
                (number, state.upstream)
            };

            // Either side may close the connection at any time; this affects no other.
            let _ = forward(&shared, &client, upstream);
            let _ = client.shutdown(Shutdown::Both);
            locked(&shared).connections.remove(&number);
        });
    }
}

/// Forwards commands and replies until one side or a fault closes the connection.
fn forward(shared: &Shared, client: &TcpStream, upstream: u16) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;

    let mut commands = BufReader::new(client);
    let mut replies = BufReader::new(server.try_clone()?);
    while let Some(command) = Command::read(&mut commands)? {
        let (fault, change) = next_fault(shared, &command);
        let mut ask = || {
            server.write_all(&command.bytes)?;
            resp::read_reply(&mut replies)
        };
        let stays_open = match fault {
            Some(fault) => inject(fault, change, shared, client, ask)?,
            None => {
                let reply = ask()?;
                send_reply(shared, client, &command, &reply)?;
                true
            }
        };
        if !stays_open {
            return Ok(());
        }
    }
    Ok(())
}

/// Sends the server's reply, that of `INFO` with its changed fields.
fn send_reply(
    shared: &Shared,
    mut client: &TcpStream,
    command: &Command,
    reply: &[u8],
) -> Result<()> {
    if command.name == "INFO" {
        client.write_all(&change_fields(reply, shared))
    } else {
        client.write_all(reply)
    }
}

/// Applies a fault to a command; `ask` gets the server's reply. Returns whether the connection stays
/// open.
fn inject(
    fault: Fault,
    change: u64,
    shared: &Shared,
    mut client: &TcpStream,
    ask: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<bool> {
    let stays_open = !fault.closes_connection();
    match fault {
        Fault::Dropped => {}
        Fault::Lost => drop(ask()?),
        Fault::Cut => send_half(client, &ask()?)?,
        Fault::Truncated => {
            send_half(client, &ask()?)?;
            keep_silent(shared, client, change)?;
        }
        Fault::Black => keep_silent(shared, client, change)?,
        Fault::Mute => {
            ask()?;
            keep_silent(shared, client, change)?;
        }
        Fault::Slow(pause) => {
            let reply = ask()?;
            sleep(pause);
            client.write_all(&reply)?;
        }
        Fault::Drip(pause) => drip(shared, client, &ask()?, pause, change)?,
        Fault::Error(error) => client.write_all(format!("-{error}\r\n").as_bytes())?,
        Fault::Ignored => client.write_all(b"+OK\r\n")?,
        Fault::Garbage => client.write_all(b"\x16\x03\x01 what is this?\r\n")?,
    }

    Ok(stays_open)
}

fn send_half(mut client: &TcpStream, reply: &[u8]) -> Result<()> {
    client.write_all(&reply[..reply.len() / 2])
}

/// The fault of a command, and the change that set it.
fn next_fault(shared: &Shared, command: &Command) -> (Option<Fault>, u64) {
    let mut state = locked(shared);
    let number = state.commands.len();
    if !command.is_opening() {
        state.commands.push(command.name.clone());
    }
    let fault = state.fault.filter(|(_, aim)| match aim {
        Aim::All => true,
        Aim::Named(named) => named(&command.name),
        Aim::Nth(nth) => !command.is_opening() && number == *nth,
    });
    (fault.map(|(fault, _)| fault), state.change)
}

/// The reply of `INFO` with its changed fields.
fn change_fields(reply: &[u8], shared: &Shared) -> Vec<u8> {
    let fields = locked(shared).fields.clone();
    let text = String::from_utf8_lossy(reply);
    let Some((_, text)) = text
        .strip_prefix('$')
        .filter(|_| !fields.is_empty())
        .and_then(|text| text.split_once("\r\n"))
    else {
        return reply.to_vec();
    };
    let line = |line: &str| {
        let change = fields
            .iter()
            .rfind(|(name, _)| line.split(':').next() == Some(name));
        match change {
            None => Some(format!("{line}\r\n")),
            Some((name, value)) => value.as_ref().map(|value| format!("{name}:{value}\r\n")),
        }
    };

    let text: String = text.trim_end().lines().filter_map(line).collect();
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

/// Reads and sends nothing, until the client closes the connection or the fault is over.
fn keep_silent(shared: &Shared, mut client: &TcpStream, change: u64) -> Result<()> {
    client.set_read_timeout(Some(SILENCE_CHECK_INTERVAL))?;
    while locked(shared).change == change {
        match client.read(&mut [0; 4096]) {
            Ok(0) => break,
            Err(error) if ![ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sends a reply byte by byte; the rest at once when the fault is over.
fn drip(
    shared: &Shared,
    mut client: &TcpStream,
    reply: &[u8],
    pause: Duration,
    change: u64,
) -> Result<()> {
    for (sent, byte) in reply.iter().enumerate() {
        if locked(shared).change != change {
            return client.write_all(&reply[sent..]);
        }
        client.write_all(&[*byte])?;
        sleep(pause);
    }

    Ok(())
}
