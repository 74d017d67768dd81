//! The fences that an instance knows.
//!
//! A reader judges an entry by a view that was asked for at most [`FenceView::interval`] before its
//! lookup began. So an invalidation is in force for every instance that long after its fence was
//! acknowledged, however long its removal takes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::MAX_INTERVAL_ON_CLUSTER;
use super::index::FenceIndex;
use super::kind::FenceKind;
use super::soft::{SoftIndex, SoftPurge};
use super::stamp::{Stamp, StreamId, take_known};
use crate::error::{ErrorKind, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::key::FENCES;
use crate::keyspace::purge::PurgeMode;
use crate::redis::script::{Script, shared};
use crate::redis::{Command, Redis, Replies};
use crate::script;
use crate::units::microseconds;

/// Reads all fences that a reader has to know.
static READ_ALL: Script = script!(repeatable "fence/view", [shared::FENCES]);

/// How long a fence whose removal has finished stays in a view: an entry that was read before may
/// be judged later.
const RETAIN: Duration = Duration::from_secs(20);
/// How old a view may be when a lookup begins, unless the cache sets another interval.
const DEFAULT_INTERVAL: Duration = Duration::from_millis(50);

/// A view of the fences, renewed beside commands that an instance sends anyway.
#[derive(Debug)]
pub(crate) struct FenceView {
    /// How old the view may be when a lookup begins.
    interval_us: AtomicU64,
    known: Guarded<Known>,
}

/// The fences as the last reply had them.
#[derive(Debug, Default)]
struct Known {
    /// When it was asked for; `None` before the first time.
    asked: Option<Instant>,
    /// How often it was read anew.
    generation: u64,
    /// The connection on which it was asked for.
    connection: u64,
    /// `None` where there is no stream.
    epoch: Option<u32>,
    last: StreamId,
    /// The hard fences.
    index: FenceIndex,
    /// The soft fences.
    soft: SoftIndex,
    /// Fences whose removal has not finished, oldest first.
    open: Vec<Fence>,
    /// Those whose removal has finished, with the time at which that was learned.
    ended: VecDeque<(Instant, Fence)>,
}

#[derive(Debug)]
struct Fence {
    id: StreamId,
    kind: Vec<u8>,
    covered: Vec<u8>,
    /// The entry that records the end of its removal.
    ended_by: Option<StreamId>,
}

/// The newest entry of the stream that an instance knew when it sent a `GET`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position(StreamId);

/// The verdict of a view about an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Alive,
    /// It is not fresh any more.
    Stale(SoftPurge),
    Dead,
    /// The entry is of another epoch than the view: a newer view decides.
    OtherEpoch,
}

impl Default for FenceView {
    fn default() -> Self {
        Self {
            interval_us: AtomicU64::new(microseconds(DEFAULT_INTERVAL)),
            known: Guarded::default(),
        }
    }
}

impl FenceView {
    /// How old the view may be when a lookup begins.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_micros(self.interval_us.load(Ordering::Relaxed))
    }

    pub(crate) fn set_interval(&self, interval: Duration) {
        let interval = microseconds(interval);
        self.interval_us.store(interval, Ordering::Relaxed);
    }

    /// Returns whether the view is too old for a lookup that began then.
    pub(crate) fn is_due<R: Redis>(&self, redis: &R, began: Instant) -> bool {
        let known = self.known.lock();
        let is_of_connection = known.connection == redis.connection_number();
        let oldest = began.checked_sub(self.interval()).unwrap_or(began);
        !is_of_connection || known.asked.is_none_or(|asked| asked < oldest)
    }

    /// When the view was asked for.
    pub(crate) fn asked(&self) -> Option<Instant> {
        self.known.lock().asked
    }

    /// A number that changes when fences may have been missed.
    pub(crate) fn generation(&self) -> u64 {
        self.known.lock().generation
    }

    /// Returns whether a hard fence that is younger than this position covers the key by its name.
    pub(crate) fn covers_after(&self, position: Position, key: &[u8]) -> bool {
        let known = self.known.lock();
        known
            .index
            .covers_after(position.0, key, std::iter::empty())
    }

    /// The newest entry that is known.
    pub(crate) fn position(&self) -> Position {
        Position(self.known.lock().last)
    }

    /// Asks for the fences that came since, if the view is too old for a lookup that began then. One
    /// round trip, two where the stream has changed; sent beside another command it costs none.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn refresh_if_due<R: Redis>(
        &self,
        redis: &R,
        began: Instant,
    ) -> Result<(), RedisError> {
        let may_be_too_long = self.interval() > MAX_INTERVAL_ON_CLUSTER;
        if may_be_too_long && Box::pin(redis.topology()).await?.is_cluster() {
            self.set_interval(MAX_INTERVAL_ON_CLUSTER);
        }
        if self.is_due(redis, began) {
            Box::pin(self.refresh(redis)).await
        } else {
            Ok(())
        }
    }

    /// Asks for the fences that came since.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn refresh<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let asked = Instant::now();
        let last = {
            let known = self.known.lock();
            let is_same = known.connection == redis.connection_number() && known.epoch.is_some();
            is_same.then_some(known.last)
        };

        if let Some(last) = last {
            let range = Command::read("XRANGE")
                .arg(FENCES)
                .arg(last.to_string())
                .arg("+")
                .of_any_type();
            match redis.execute(range).await {
                Ok(new) => {
                    // The script also copes with entries of other clients.
                    if self.learn(asked, last, Replies::new(new)).unwrap_or(false) {
                        return Ok(());
                    }
                }
                Err(error) if error.kind == ErrorKind::WrongType => {}
                Err(error) => return Err(error),
            }
        }
        self.read_all(redis).await
    }

    /// Reads all fences anew. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn read_all<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let asked = Instant::now();
        // If the connection is replaced meanwhile, the view counts as one of the earlier connection,
        // and is due again. The first connection (number 1) is opened by this command itself.
        let earlier = redis.connection_number();
        let replies = READ_ALL.run(redis, [FENCES.into()], []).await?;
        let connection = earlier.max(redis.connection_number().min(1));
        self.replace(asked, connection, replies)
    }

    /// Adds the entries since the last one; false where some may be missing, because that one has
    /// left, or entries after it.
    fn learn(
        &self,
        asked: Instant,
        last: StreamId,
        mut replies: Replies,
    ) -> Result<bool, RedisError> {
        if !take_known(&mut replies, last)? {
            return Ok(false);
        }

        let mut known = self.known.lock();
        // Replies may overtake each other: what is known already is not added twice.
        while replies.remaining() > 0 {
            let entry = Fence::read(&mut replies)?;
            if entry.newest_trimmed().is_some_and(|trimmed| trimmed > last) {
                return Ok(false);
            }
            if entry.id > known.last {
                known.add(entry);
            }
        }
        known.forget_ended();
        known.asked = known.asked.max(Some(asked));
        Ok(true)
    }

    fn replace(
        &self,
        asked: Instant,
        connection: u64,
        mut replies: Replies,
    ) -> Result<(), RedisError> {
        let epoch = replies.text()?;
        let mut known = Known {
            asked: Some(asked),
            connection,
            ..Known::default()
        };
        if let Ok(epoch) = epoch.parse::<StreamId>() {
            known.epoch = Some(epoch.as_epoch());
        }
        while replies.remaining() > 0 {
            let entry = Fence::read(&mut replies)?;
            known.add(entry);
        }

        let mut earlier = self.known.lock();
        if earlier.asked.is_none_or(|earlier| earlier <= asked) {
            known.generation = earlier.generation + 1;
            *earlier = known;
        }
        Ok(())
    }

    /// Judges an entry of the library. A hard fence outweighs soft ones.
    pub(crate) fn judge<'a>(
        &self,
        stamp: &Stamp,
        key: &[u8],
        tags: impl Iterator<Item = &'a str> + Clone,
    ) -> Judgement {
        let known = self.known.lock();
        if known.epoch != Some(stamp.epoch) {
            return Judgement::OtherEpoch;
        }

        if known.index.covers_after(stamp.id, key, tags.clone()) {
            return Judgement::Dead;
        }
        let purge = known.soft.first_after(stamp.id, key, tags);
        purge.map_or(Judgement::Alive, Judgement::Stale)
    }

    /// Returns whether another client's value is dead: a removal that covers it was not known to
    /// have finished when the `GET` was sent.
    pub(crate) fn is_being_removed(&self, key: &[u8], sent_at: Position) -> bool {
        let known = self.known.lock();
        let covers = known
            .index
            .covers_after(StreamId::default(), key, std::iter::empty());
        if !covers {
            return false;
        }

        let ended = known.ended.iter().map(|(_, fence)| fence);
        let mut fences = known
            .open
            .iter()
            .chain(ended.filter(|fence| fence.ended_by > Some(sent_at.0)));

        fences.any(|fence| fence.covers_by_name(key))
    }
}

impl Known {
    fn add(&mut self, entry: Fence) {
        self.last = self.last.max(entry.id);

        match entry.kind.as_slice() {
            b"end" => self.end(&entry),
            b"begin" | b"trimmed" => {}
            _ => {
                let kind = FenceKind::parse(&entry.kind);
                match kind.mode {
                    PurgeMode::Hard => self.index.insert(entry.id, kind.by, &entry.covered),
                    PurgeMode::Soft(grace) => {
                        self.soft.insert(entry.id, kind.by, &entry.covered, grace);
                    }
                }
                // A key is removed in the step that appends its fence; a soft purge by name needs
                // no fence for readers.
                if kind.by == b"key" {
                    self.ended.push_back((Instant::now(), entry));
                } else {
                    self.open.push(entry);
                }
            }
        }
    }

    /// Records that a removal has finished, and with it what an interrupted one of the same kind had
    /// left.
    fn end(&mut self, end: &Fence) {
        let Some(id) = end.named_entry() else {
            return;
        };
        let Some(ended) = self.open.iter().find(|fence| fence.id == id) else {
            return;
        };

        let (kind, covered) = (ended.kind.clone(), ended.covered.clone());
        let is_over =
            |fence: &mut Fence| fence.id <= id && fence.kind == kind && fence.covered == covered;

        for mut fence in self.open.extract_if(.., is_over) {
            fence.ended_by = Some(end.id);
            self.ended.push_back((Instant::now(), fence));
        }
    }

    /// Forgets fences whose removal finished long ago.
    fn forget_ended(&mut self) {
        while let Some((_, fence)) = self
            .ended
            .pop_front_if(|(ended, _)| ended.elapsed() >= RETAIN)
        {
            let kind = FenceKind::parse(&fence.kind);
            match kind.mode {
                PurgeMode::Hard => self.index.remove(fence.id, kind.by, &fence.covered),
                PurgeMode::Soft(_) => self.soft.remove(fence.id, kind.by, &fence.covered),
            }
        }
    }
}

impl Fence {
    fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            id: StreamId::read(replies)?,
            kind: replies.bytes()?,
            covered: replies.bytes()?,
            ended_by: None,
        })
    }

    /// The entry that an entry of the kind `end` or `trimmed` names.
    fn named_entry(&self) -> Option<StreamId> {
        String::from_utf8_lossy(&self.covered).parse().ok()
    }

    /// The newest entry that has left the stream, if this entry tells.
    fn newest_trimmed(&self) -> Option<StreamId> {
        self.named_entry().filter(|_| self.kind == b"trimmed")
    }

    /// Returns whether it removes this key.
    fn covers_by_name(&self, key: &[u8]) -> bool {
        if FenceKind::parse(&self.kind).mode.is_soft() {
            return false;
        }
        let mut index = FenceIndex::default();
        index.insert(self.id, &self.kind, &self.covered);
        index.covers_after(StreamId::default(), key, std::iter::empty())
    }
}
