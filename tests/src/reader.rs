//! Another client of the same Redis, which reads constantly and records its longest wait.

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

/// Waits of a [`Reader`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Waits {
    /// The duration of its slowest command.
    pub longest: Duration,
    /// The number of commands.
    pub commands: u64,
}

impl Reader {
    /// Starts to read this key.
    pub fn start(server: &RedisServer, key: &str) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let key = key.to_owned();
        let mut redis = server.connection();
        let thread = thread::spawn(move || {
            let mut waits = Waits::default();
            while !stop.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let _: Option<Vec<u8>> = redis::cmd("GET")
                    .arg(&key)
                    .query(&mut redis)
                    .expect("a reply to GET");
                waits.longest = waits.longest.max(sent.elapsed());
                waits.commands += 1;
            }
            waits
        });

        Self { done, thread }
    }

    /// Stops, and returns the waits.
    ///
    /// # Panics
    /// If a read failed.
    pub fn stop(self) -> Waits {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("a reply to every read")
    }
}
