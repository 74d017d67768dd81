//! Injection of faults into a connection.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use super::state::{Fault, Shared, locked};

/// The time between two checks whether a silence is over.
const SILENCE_CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// Applies a fault to a command; `ask` gets the server's reply. Returns whether the connection stays
/// open.
pub(super) fn inject(
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
