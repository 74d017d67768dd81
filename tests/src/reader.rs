//! Another client of the same Redis, which reads all the time and remembers how long it ever had to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use edge_cache_testing::RedisServer;

/// A client that reads in a thread of its own.
pub struct Reader {
    done: Arc<AtomicBool>,
    thread: JoinHandle<Waits>,
}

/// How long it had to wait.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waits {
    /// For its slowest command.
    pub longest: Duration,
    /// Commands it sent.
    pub commands: u64,
}

impl Reader {
    /// Starts reading this key.
    pub fn start(server: &RedisServer, key: &str) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (stop, key, mut redis) = (Arc::clone(&done), key.to_owned(), server.connection());
        let thread = thread::spawn(move || {
            let mut waits = Waits::default();
            while !stop.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let _: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query(&mut redis).expect("GET is answered");
                waits.longest = waits.longest.max(sent.elapsed());
                waits.commands += 1;
            }
            waits
        });
        Self { done, thread }
    }

    /// Stops, and tells.
    ///
    /// # Panics
    /// When a read failed.
    pub fn stop(self) -> Waits {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("every read is answered")
    }
}
