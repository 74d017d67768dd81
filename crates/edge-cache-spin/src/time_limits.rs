//! The time limits of commands, most of which are not reached.
//!
//! A timer of the host is expensive beside a command. The commands of an instance therefore share one, a
//! tick: after it, each command that still waits looks at its own limit. A task of a component wakes
//! another one through a stream of the component model, which is cheap.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use spin_sdk::wasip3::wit_bindgen::{self, StreamReader, StreamWriter};
use spin_sdk::wasip3::wit_stream;

/// How long a tick takes. The task of the request that began it lasts as long.
const TICK: Duration = Duration::from_millis(100);
/// A limit that is closer than this has a timer of its own, which is exact.
const SHARED_ABOVE: Duration = TICK.saturating_mul(2);
/// The first commands of an instance have timers of their own, so that no tick delays the end of an
/// instance that serves a single request.
const OWN_TIMERS: u32 = 16;

/// Wakes a command by being dropped, which ends the stream that the command reads.
type Wakeup = StreamWriter<u8>;

#[derive(Default)]
struct Tick {
    is_running: bool,
    /// The number of limits so far, and thereby of the last one.
    limits: u32,
    waiting: Vec<(u32, Wakeup)>,
    /// Streams that nobody reads.
    idle: Vec<(Wakeup, StreamReader<u8>)>,
}

thread_local! {
    static TICK_OF_INSTANCE: RefCell<Tick> = RefCell::default();
}

/// Waits until an instant; `now` is the time.
pub(crate) async fn wait_until(until: Instant, mut now: Instant) {
    let number = TICK_OF_INSTANCE.with_borrow_mut(|tick| {
        tick.limits = tick.limits.wrapping_add(1);
        tick.limits
    });
    let left = |now| until.saturating_duration_since(now);

    while left(now) > SHARED_ABOVE && number > OWN_TIMERS {
        wait_for_tick(number).await;
        now = Instant::now();
    }
    spin_sdk::time::sleep(left(now)).await;
}

/// Waits for the end of the tick that is running, or of a new one.
async fn wait_for_tick(number: u32) {
    let (mut waiting, begins) = TICK_OF_INSTANCE.with_borrow_mut(|tick| {
        let (wakeup, stream) = tick.idle.pop().unwrap_or_else(wit_stream::new);
        tick.waiting.push((number, wakeup));
        let waiting = Waiting {
            number,
            stream: Some(stream),
        };
        (waiting, !std::mem::replace(&mut tick.is_running, true))
    });
    if begins {
        let running = RunningTick;
        wit_bindgen::spawn(async move {
            spin_sdk::time::sleep(TICK).await;
            drop(running);
        });
    }
    if let Some(stream) = &mut waiting.stream {
        stream.next().await;
    }
}

/// A command that waits for a tick.
struct Waiting {
    number: u32,
    stream: Option<StreamReader<u8>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        TICK_OF_INSTANCE.with_borrow_mut(|tick| {
            let place = tick
                .waiting
                .iter()
                .position(|(number, _)| *number == self.number)?;
            let (_, wakeup) = tick.waiting.swap_remove(place);
            tick.idle.push((wakeup, self.stream.take()?));
            Some(())
        });
    }
}

/// The tick that is running. It also ends where the host drops the task that began it.
struct RunningTick;

impl Drop for RunningTick {
    fn drop(&mut self) {
        let waiting = TICK_OF_INSTANCE.with_borrow_mut(|tick| {
            tick.is_running = false;
            std::mem::take(&mut tick.waiting)
        });
        drop(waiting);
    }
}
