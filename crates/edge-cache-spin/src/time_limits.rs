//! The time limits of commands, most of which are not reached.
//!
//! A timer of the host is expensive beside a command. Limits of an instance therefore share one, a tick:
//! after it, each command that still waits looks at its own limit. A task of a component wakes another
//! one by ending a stream, which is cheap.
//!
//! ```text
//! A sends a command, and begins a tick  ->  its reply arrives
//! B sends a command, joins the tick     ->  the tick ends, B waits for the next one
//!                                       ->  ... 200 ms before B's limit: a timer of its own
//! ```

use std::cell::RefCell;
use std::time::{Duration, Instant};

use spin_sdk::time::sleep;
use spin_sdk::wasip3::wit_bindgen::{self, StreamReader, StreamWriter};
use spin_sdk::wasip3::wit_stream;

/// How long a tick takes. The task of the request that began it lasts as long.
const TICK: Duration = Duration::from_millis(100);
/// A limit that is closer than this has a timer of its own, which is exact.
const SHARED_ABOVE: Duration = TICK.saturating_mul(2);
/// The first limits of an instance have timers of their own, so that no tick delays the end of an
/// instance that runs few commands.
const OWN_TIMERS: u32 = 16;
/// Most streams that are kept for other commands.
const MAX_IDLE: usize = 16;

/// Wakes a command by being dropped, which ends the stream that the command reads.
type Wakeup = StreamWriter<u8>;

#[derive(Default)]
struct Tick {
    /// Limits created so far; the newest has this number.
    limits: u32,
    /// Spawned tasks run. They do not where the component's exports use another version of wit-bindgen.
    can_spawn: bool,
    is_running: bool,
    waiting: Vec<(u32, Wakeup)>,
    /// Streams that nobody reads.
    idle: Vec<(Wakeup, StreamReader<u8>)>,
}

thread_local! {
    static TICK_OF_INSTANCE: RefCell<Tick> = RefCell::default();
}

/// Waits until an instant; `now` is the current time.
pub(crate) async fn wait_until(mut now: Instant, until: Instant) {
    let (number, can_spawn) = TICK_OF_INSTANCE.with_borrow_mut(|tick| {
        tick.limits = tick.limits.wrapping_add(1);
        (tick.limits, tick.can_spawn)
    });
    if number == 1 {
        wit_bindgen::spawn(async {
            TICK_OF_INSTANCE.with_borrow_mut(|tick| tick.can_spawn = true);
        });
    }

    let left = |now| until.saturating_duration_since(now);
    if can_spawn && number > OWN_TIMERS {
        while left(now) > SHARED_ABOVE {
            wait_for_tick(number).await;
            now = Instant::now();
        }
    }
    sleep(left(now)).await;
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
            sleep(TICK).await;
            drop(running);
        });
        // A spawned task begins when its parent is polled again, which might otherwise be too late.
        wit_bindgen::yield_async().await;
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
        let unused = TICK_OF_INSTANCE.with_borrow_mut(|tick| {
            let mut waiting = tick.waiting.iter();
            let place = waiting.position(|(number, _)| *number == self.number)?;
            let (_, wakeup) = tick.waiting.swap_remove(place);
            let stream = self.stream.take()?;
            if tick.idle.len() >= MAX_IDLE {
                return Some((wakeup, stream));
            }
            tick.idle.push((wakeup, stream));
            None
        });
        drop(unused);
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
