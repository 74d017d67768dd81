//! The state that a proxy and its connections share.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::resp::Command;

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
    pub(super) fn closes_connection(self) -> bool {
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
pub(super) enum Aim {
    /// All, including those that open a connection.
    All,
    /// Those whose names satisfy the function.
    Named(fn(&str) -> bool),
    /// The nth from now; those that open a connection are not counted.
    Nth(usize),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) upstream: u16,
    pub(super) fault: Option<(Fault, Aim)>,
    /// Fields of `INFO` that are removed (`None`) or have another value.
    pub(super) fields: Vec<(String, Option<String>)>,
    /// Sections of `INFO` that the server lacks: their names and lines.
    pub(super) sections: Vec<(String, String)>,
    /// The number of changes of the fault, by which a silent connection notices one.
    pub(super) change: u64,
    /// Commands since the last change, without those that open a connection.
    pub(super) commands: Vec<String>,
    pub(super) connections: HashMap<u64, TcpStream>,
    pub(super) accepted: u64,
    pub(super) closed: bool,
}

pub(super) type Shared = Arc<Mutex<State>>;

pub(super) fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(super) fn new(upstream: u16) -> Self {
        Self {
            upstream,
            fault: None,
            fields: Vec::new(),
            sections: Vec::new(),
            change: 0,
            commands: Vec::new(),
            connections: HashMap::new(),
            accepted: 0,
            closed: false,
        }
    }
}

/// The fault of a command, and the change that set it.
pub(super) fn next_fault(shared: &Shared, command: &Command) -> (Option<Fault>, u64) {
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
