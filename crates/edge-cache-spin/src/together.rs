//! One look at Redis for all requests of an instance that ask the same at once.
//!
//! However many probes and dashboards ask, one of them asks Redis, and those who come meanwhile have its outcome, a failure
//! too. Who comes once it is there looks anew: an answer may tell of a moment before its request came, by one look at most.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::thread::LocalKey;

use spin_sdk::wasip3::wit_bindgen::StreamWriter;
use spin_sdk::wasip3::wit_stream;

use crate::Outcome;

/// What requests ask together.
#[derive(Default)]
pub struct Question(RefCell<Option<Rc<Round>>>);

/// One look, and who waits for it.
#[derive(Default)]
struct Round {
    outcome: OnceCell<Outcome>,
    /// Nothing is ever written. Requests are tasks of their own; that a stream ends is what wakes the one that reads it.
    waiting: RefCell<Vec<StreamWriter<u8>>>,
}

/// A round under way, which is over when this is dropped, however it ends.
struct Looking {
    question: &'static LocalKey<Question>,
    round: Rc<Round>,
}

impl Question {
    /// A question that nobody asks yet.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

/// The outcome of `look`, or that of another request that is looking.
pub async fn together(question: &'static LocalKey<Question>, look: impl AsyncFnOnce() -> Outcome) -> Outcome {
    while let Some(round) = question.with(|question| question.0.borrow().clone()) {
        let (writer, mut end) = wit_stream::new();
        round.waiting.borrow_mut().push(writer);
        end.next().await;
        // Who looked may have gone away before there was an outcome.
        if let Some(outcome) = round.outcome.get().and_then(again) {
            return outcome;
        }
    }
    let looking = Looking::begin(question);
    let outcome = look().await;
    if let Some(outcome) = again(&outcome) {
        let _ = looking.round.outcome.set(outcome);
    }
    outcome
}

/// The same outcome for another request; none where it is a stream.
fn again(outcome: &Outcome) -> Option<Outcome> {
    match outcome {
        Ok(answer) => answer.again().map(Ok),
        Err(problem) => Some(Err(problem.clone())),
    }
}

impl Looking {
    fn begin(question: &'static LocalKey<Question>) -> Self {
        let round: Rc<Round> = Rc::default();
        question.with(|question| question.0.replace(Some(Rc::clone(&round))));
        Self { question, round }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.question.with(|question| question.0.take());
        self.round.waiting.take();
    }
}
