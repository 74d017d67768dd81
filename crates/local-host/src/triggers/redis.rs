//! The Redis trigger: runs a component for each message on a channel, as Spin does: exact channels, an instance for each
//! message, and one message after another on a connection.
//!
//! Unlike Spin, which ends when a connection is lost, this host subscribes again, and says so; so it does when the server no
//! longer answers. What was published in between is lost either way: pub/sub delivers at most once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use redis::aio::{PubSub, PubSubSink};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::component::Component;
use crate::guest::Guest;
use crate::interfaces::redis::bindings::SubscriberPre;
use crate::log;
use crate::manifest::Manifest;
use crate::triggers::Stop;
use crate::variables::Variables;

/// How long to wait before subscribing again.
const RETRY: Duration = Duration::from_secs(1);

/// How often the server is asked whether it is still there, and how long it may take to answer.
const PROBE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(10);

/// What is subscribed to: components by channel by server.
#[derive(Clone, Default)]
pub struct Subscriptions(BTreeMap<String, Channels>);

type Channels = BTreeMap<String, Vec<Arc<Handler>>>;

/// A component that takes messages.
struct Handler {
    component: Arc<Component>,
    code: OnceCell<SubscriberPre<Guest>>,
    time_limit: Option<Duration>,
}

impl Subscriptions {
    /// Checks and prepares every Redis trigger.
    ///
    /// # Errors
    /// No address, or one that is none.
    pub fn new(
        manifest: &Manifest,
        variables: &Variables,
        components: &std::collections::HashMap<String, Arc<Component>>,
        time_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut servers = Self::default();
        for trigger in &manifest.triggers.redis {
            let place = || format!("[[trigger.redis]] {}", trigger.channel);
            let address = trigger.address.as_ref().unwrap_or(&manifest.application.trigger.redis.address);
            // As the manifest has it: filled in, it may hold a password.
            let template = address;
            let address = variables.render(address).with_context(place)?;
            redis::Client::open(address.as_str()).with_context(|| {
                format!(
                    "{}: `{template}` is no Redis address; set `address` there or under [application.trigger.redis]",
                    place()
                )
            })?;
            let channel = variables.render(&trigger.channel).with_context(place)?;
            let Some(component) = components.get(&trigger.component) else { continue };
            let handler = Handler { component: component.clone(), code: OnceCell::new(), time_limit };
            servers.0.entry(address).or_default().entry(channel).or_default().push(Arc::new(handler));
        }
        Ok(servers)
    }

    /// Compiles every component before there is a message for it.
    ///
    /// # Errors
    /// A component that does not compile, or takes no messages.
    pub async fn prepare(&self) -> Result<()> {
        for handler in self.0.values().flat_map(Channels::values).flatten() {
            handler.component.code_ahead().await?;
            handler.code().await?;
        }
        Ok(())
    }

    /// Takes messages until `stop`, then waits for the components that are at one.
    ///
    /// # Errors
    /// A mistake in this host.
    pub async fn run(self, stop: Stop) -> Result<()> {
        let mut tasks = JoinSet::new();
        for (address, channels) in self.0 {
            tasks.spawn(keep_subscribed(address, channels, stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.context("the Redis trigger failed")?;
        }
        Ok(())
    }
}

/// Subscribes again whenever the connection is lost.
async fn keep_subscribed(address: String, channels: Channels, stop: Stop) {
    // What is wrong is told once, until it is something else.
    let mut told = String::new();
    loop {
        let subscribed = AtomicBool::new(false);
        if let Err(error) = listen(&address, &channels, &subscribed, stop.clone()).await {
            let problem = format!("{error:#}");
            if problem != told || subscribed.into_inner() {
                log::problem(format_args!("Redis trigger: {problem}; subscribing again"));
            }
            told = problem;
        }
        tokio::select! {
            () = sleep(RETRY) => {}
            () = stop.clone() => return,
        }
    }
}

/// Serves one connection until it is lost or the host is told to stop.
async fn listen(address: &str, channels: &Channels, subscribed: &AtomicBool, stop: Stop) -> Result<()> {
    let client = redis::Client::open(address)?;
    // Without the password an address may hold.
    let server = client.get_connection_info().addr.to_string();
    let mut stop = std::pin::pin!(stop);
    let connection = tokio::select! {
        connection = timeout(PATIENCE, subscribe(&client, &server, channels)) => connection,
        () = &mut stop => return Ok(()),
    };
    let (sink, mut messages) = connection.with_context(|| format!("{server} does not answer"))??.split();
    subscribed.store(true, Ordering::Relaxed);
    let mut silence = std::pin::pin!(silence(sink, channels));
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            message = messages.next() => {
                let message = message.with_context(|| format!("the connection to {server} was lost"))?;
                let handlers = channels.get(message.get_channel_name()).map_or(&[][..], Vec::as_slice);
                join_all(handlers.iter().map(|handler| handler.take(message.get_payload_bytes().to_vec()))).await;
            }
            () = &mut silence => anyhow::bail!("{server} no longer answers"),
        }
    }
}

async fn subscribe(client: &redis::Client, server: &str, channels: &Channels) -> Result<PubSub> {
    let cannot_connect = || format!("cannot connect to {server}");
    let mut trial = client.get_multiplexed_async_connection().await.with_context(cannot_connect)?;
    let mut connection = client.get_async_pubsub().await.with_context(cannot_connect)?;
    for (channel, handlers) in channels {
        let cannot_subscribe = || format!("cannot subscribe to {channel} on {server}");
        // As a command first: the crate does not tell of a subscription that the server refused, by its ACL say.
        redis::cmd("SUBSCRIBE").arg(channel).exec_async(&mut trial).await.with_context(cannot_subscribe)?;
        let _ = redis::cmd("UNSUBSCRIBE").arg(channel).exec_async(&mut trial).await;
        connection.subscribe(channel).await.with_context(cannot_subscribe)?;
        let ids: Vec<_> = handlers.iter().map(|handler| handler.component.id.as_str()).collect();
        log::notice(format_args!("Subscribed to {channel} on {server}: {}", ids.join(", ")));
    }
    Ok(connection)
}

/// Comes when the server does not answer: its machine may be gone, or a router may have forgotten the connection, without
/// either saying so. To subscribe to a channel again changes nothing, and unlike `PING` needs no permission of its own.
async fn silence(mut sink: PubSubSink, channels: &Channels) {
    let channel = channels.keys().next();
    loop {
        sleep(PROBE).await;
        if !matches!(timeout(PATIENCE, sink.subscribe(channel)).await, Ok(Ok(()))) {
            return;
        }
    }
}

impl Handler {
    async fn code(&self) -> Result<&SubscriberPre<Guest>> {
        let find = async || {
            let code = SubscriberPre::new(self.component.code().await?.clone()).map_err(anyhow::Error::from);
            code.with_context(|| format!("component `{}` takes no Redis messages", self.component.id))
        };
        self.code.get_or_try_init(find).await
    }

    async fn take(&self, payload: Vec<u8>) {
        let outcome = match self.time_limit {
            Some(limit) => timeout(limit, self.run(payload))
                .await
                .unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {limit:?}"))),
            None => self.run(payload).await,
        };
        if let Err(error) = outcome {
            log::problem(format_args!("component `{}` failed on a message: {error:#}", self.component.id));
        }
    }

    async fn run(&self, payload: Vec<u8>) -> Result<()> {
        let code = self.code().await?;
        let mut store = Guest::store(&self.component, None)?;
        let instance = code.instantiate_async(&mut store).await?;
        let handled = store
            .run_concurrent(async |store| instance.spin_redis_inbound_redis().call_handle_message(store, payload).await)
            .await??;
        handled.map_err(|error| anyhow::anyhow!("{error:?}"))
    }
}
