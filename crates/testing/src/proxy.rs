//! A stretch of network before a real `redis-server`, with the faults networks and servers have.

use std::collections::HashMap;
use std::io::{BufReader, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::resp::{self, Command};

/// How often whoever keeps silent looks whether that is over.
const GLANCE: Duration = Duration::from_millis(10);

/// What becomes of a command and its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes; the server never sees the command.
    Dropped,
    /// The server carries the command out; the connection closes before its reply.
    Lost,
    /// The connection closes in the middle of the reply.
    Cut,
    /// Half of the reply comes, and then nothing more.
    Truncated,
    /// Nothing comes; the server never sees the command.
    Black,
    /// Nothing comes, though the server carries the command out.
    Mute,
    /// The reply comes this much later.
    Slow(Duration),
    /// The reply comes a byte at a time, with this pause after each.
    Drip(Duration),
    /// This error comes in place of the reply; the server never sees the command.
    Error(&'static str),
    /// What comes is no reply.
    Garbage,
}

/// Which commands a fault strikes.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// All, those that open a connection too.
    All,
    /// Those whose name this is true of.
    Named(fn(&str) -> bool),
    /// This one from now, those that open a connection not counted.
    Nth(usize),
}

#[derive(Debug)]
struct State {
    upstream: u16,
    fault: Option<(Fault, Aim)>,
    /// Goes up with each change, so that who keeps silent knows.
    change: u64,
    /// Commands since then, those that open a connection not counted.
    commands: Vec<String>,
    connections: HashMap<u64, TcpStream>,
    accepted: u64,
    closed: bool,
}

type Shared = Arc<Mutex<State>>;

fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens on a port of its own and passes on what comes, one command after the other, until told otherwise.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Shared,
}

impl Proxy {
    /// Starts it before a server on this port.
    ///
    /// # Panics
    /// When the loopback interface has no free port.
    pub fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        let port = listener.local_addr().expect("the address of a bound socket").port();
        let (commands, connections) = (Vec::new(), HashMap::new());
        let state = State { upstream, fault: None, change: 0, commands, connections, accepted: 0, closed: false };
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

    /// From now on every command meets this fault.
    pub fn fail(&self, fault: Fault) {
        self.change(Some((fault, Aim::All)));
    }

    /// From now on commands of these names (in upper case) meet this fault.
    pub fn fail_named(&self, fault: Fault, named: fn(&str) -> bool) {
        self.change(Some((fault, Aim::Named(named))));
    }

    /// One command meets this fault: the nth from now, counted from 0 and without those that open a connection.
    pub fn fail_once(&self, fault: Fault, nth: usize) {
        self.change(Some((fault, Aim::Nth(nth))));
    }

    /// From now on nothing is wrong, on connections that are not already broken.
    pub fn heal(&self) {
        self.change(None);
    }

    /// The names of the commands since the last change, without those that open a connection.
    pub fn commands(&self) -> Vec<String> {
        locked(&self.state).commands.clone()
    }

    /// Sends everybody to another server: connections close, new ones lead there.
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
            // Either side may go away at any time; that ends the connection and nothing else.
            let _ = pass(&shared, &client, upstream);
            let _ = client.shutdown(Shutdown::Both);
            locked(&shared).connections.remove(&number);
        });
    }
}

/// Passes commands and replies on until one side closes or a fault does.
fn pass(shared: &Shared, mut client: &TcpStream, upstream: u16) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", upstream))?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut commands, mut replies) = (BufReader::new(client), BufReader::new(server.try_clone()?));
    while let Some(command) = Command::read(&mut commands)? {
        let (fault, change) = meet(shared, &command);
        let mut ask = || server.write_all(&command.bytes).and_then(|()| resp::reply(&mut replies));
        match fault {
            None => client.write_all(&ask()?)?,
            Some(Fault::Dropped) => return Ok(()),
            Some(Fault::Lost) => return ask().map(drop),
            Some(Fault::Cut) => {
                let reply = ask()?;
                return client.write_all(&reply[..reply.len() / 2]);
            }
            Some(Fault::Truncated) => {
                let reply = ask()?;
                client.write_all(&reply[..reply.len() / 2])?;
                return silence(shared, client, change);
            }
            Some(Fault::Black) => return silence(shared, client, change),
            Some(Fault::Mute) => return ask().and_then(|_| silence(shared, client, change)),
            Some(Fault::Slow(pause)) => {
                let reply = ask()?;
                sleep(pause);
                client.write_all(&reply)?;
            }
            Some(Fault::Drip(pause)) => drip(shared, client, &ask()?, pause, change)?,
            Some(Fault::Error(error)) => client.write_all(format!("-{error}\r\n").as_bytes())?,
            Some(Fault::Garbage) => client.write_all(b"\x16\x03\x01 what is this?\r\n")?,
        }
    }
    Ok(())
}

/// The fault this command meets, and as of which change.
fn meet(shared: &Shared, command: &Command) -> (Option<Fault>, u64) {
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

/// Takes what comes and says nothing, until the client goes away or the fault is over.
fn silence(shared: &Shared, mut client: &TcpStream, change: u64) -> Result<()> {
    client.set_read_timeout(Some(GLANCE))?;
    while locked(shared).change == change {
        match client.read(&mut [0; 4096]) {
            Ok(0) => break,
            Err(error) if ![ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn drip(shared: &Shared, mut client: &TcpStream, reply: &[u8], pause: Duration, change: u64) -> Result<()> {
    for (sent, byte) in reply.iter().enumerate() {
        if locked(shared).change != change {
            return client.write_all(&reply[sent..]);
        }
        client.write_all(&[*byte])?;
        sleep(pause);
    }
    Ok(())
}
