//! A proxy in front of a real server that injects faults of networks and servers, and that makes the
//! server as restricted as those of managed services.

mod cursors;
mod faults;
mod filter;
mod info;
mod restrictions;
mod rights;
mod state;
mod upstream;

use std::io::{BufReader, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub use restrictions::{Restrictions, SelectRule, SlotRule};
pub use state::Fault;

use crate::resp::Command;
use faults::inject;
use filter::Filter;
use state::{Aim, Shared, State, locked, next_fault};

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
        Self::restricted(upstream, Restrictions::default())
    }

    /// Starts a proxy that makes the server on this port one with restrictions. For
    /// [`Restrictions::undeclared_keys_are_refused`] and [`SlotRule::OnePerCommand`] the server must
    /// let its default user in without a password.
    ///
    /// # Panics
    /// Panics when the loopback interface has no free port.
    pub fn restricted(upstream: u16, restrictions: Restrictions) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        let port = listener
            .local_addr()
            .expect("the address of a bound socket")
            .port();

        let fields = restrictions.info_fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())));
        let state = State {
            fields: fields.collect(),
            ..State::new(upstream)
        };

        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &shared, &restrictions));
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

    /// Adds a section to `INFO` that the server lacks, as newer servers have it: its name and its lines.
    pub fn add_section(&self, name: &str, lines: &[&str]) {
        let text = lines.iter().map(|line| format!("{line}\r\n"));
        let section = (name.to_owned(), text.collect());
        locked(&self.state).sections.push(section);
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

fn accept(listener: &TcpListener, shared: &Shared, restrictions: &Restrictions) {
    while let Ok((client, _)) = listener.accept() {
        if locked(shared).closed {
            return;
        }

        let shared = Arc::clone(shared);
        let restrictions = restrictions.clone();
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
            let _ = forward(&shared, &client, upstream, restrictions);
            let _ = client.shutdown(Shutdown::Both);
            locked(&shared).connections.remove(&number);
        });
    }
}

/// Forwards commands and replies until one side or a fault closes the connection.
fn forward(
    shared: &Shared,
    mut client: &TcpStream,
    upstream: u16,
    restrictions: Restrictions,
) -> Result<()> {
    client.set_nodelay(true)?;
    let own_port = client.local_addr()?.port();
    let mut filter = Filter::open(restrictions, upstream, own_port)?;

    let mut commands = BufReader::new(client);
    while let Some(command) = Command::read(&mut commands)? {
        let (fault, change) = next_fault(shared, &command);
        let stays_open = match fault {
            Some(fault) => inject(fault, change, shared, client, || filter.ask(&command))?,
            None => {
                let reply = filter.ask(&command)?;
                client.write_all(&change_reply(shared, &command, reply)?)?;
                true
            }
        };
        if !stays_open {
            return Ok(());
        }
    }
    Ok(())
}

/// The server's reply, that of `INFO` with its changed fields and further sections.
fn change_reply(shared: &Shared, command: &Command, reply: Vec<u8>) -> Result<Vec<u8>> {
    if command.name != "INFO" {
        return Ok(reply);
    }
    let words = command.words()?;
    let is_wanted = |name: &str| {
        let named = words.get(1);
        named.is_none_or(|named| named.eq_ignore_ascii_case(name.as_bytes()))
    };

    let state = locked(shared);
    let reply = info::change_fields(&reply, &state.fields);
    let sections = state.sections.iter().filter(|(name, _)| is_wanted(name));
    Ok(sections.fold(reply, |reply, (name, lines)| {
        info::add_section(&reply, name, lines)
    }))
}
