//! The Redis trigger: runs a component for each message on a channel. As in Spin, channels are
//! exact names, each message has an instance of its own, and a connection delivers one message after
//! another.
//!
//! Spin ends when a connection is lost. This host logs the loss and subscribes again, also when the
//! server no longer answers. Either way, messages published in between are lost: pub/sub delivers
//! at most once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use redis::Msg;
use redis::aio::{PubSub, PubSubSink};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::stop::Stop;
use crate::component::Component;
use crate::guest::Guest;
use crate::interfaces::redis::bindings::SubscriberPre;
use crate::log;
use crate::manifest::Manifest;
use crate::variables::Variables;

/// Wait before the next attempt to subscribe.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Interval between probes of the server.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// Time limit of a probe, and of connecting with all subscriptions.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// The components that receive messages, by server and channel.
#[derive(Clone, Default)]
pub struct Subscriptions(BTreeMap<String, Channels>);

type Channels = BTreeMap<String, Vec<Arc<Handler>>>;

/// A component that receives messages.
struct Handler {
    component: Arc<Component>,
    code: OnceCell<SubscriberPre<Guest>>,
    time_limit: Option<Duration>,
}

impl Subscriptions {
    /// Checks and prepares every Redis trigger.
    ///
    /// # Errors
    /// A missing or invalid address.
    pub fn new(
        manifest: &Manifest,
        variables: &Variables,
        components: &HashMap<String, Arc<Component>>,
        time_limit: Option<Duration>,
    ) -> Result<Self> {
        let mut servers: BTreeMap<String, Channels> = BTreeMap::new();
        for trigger in &manifest.triggers.redis {
            let place = || format!("[[trigger.redis]] {}", trigger.channel);

            let default_address = &manifest.application.trigger.redis.address;
            let template = trigger.address.as_ref().unwrap_or(default_address);
            let address = variables.render(template).with_context(place)?;
            // The error shows the template, because the rendered address may hold a password.
            redis::Client::open(address.as_str()).with_context(|| {
                format!(
                    "{}: `{template}` is not a Redis address; set `address` there or under [application.trigger.redis]",
                    place()
                )
            })?;

            let channel = variables.render(&trigger.channel).with_context(place)?;
            let Some(component) = components.get(&trigger.component) else {
                continue;
            };
            let handler = Handler {
                component: component.clone(),
                code: OnceCell::new(),
                time_limit,
            };
            let channels = servers.entry(address).or_default();
            channels.entry(channel).or_default().push(Arc::new(handler));
        }
        Ok(Self(servers))
    }

    /// Compiles every component ahead of its first message.
    ///
    /// # Errors
    /// A component that does not compile, or does not handle messages.
    pub async fn prepare(&self) -> Result<()> {
        for handler in self.0.values().flat_map(Channels::values).flatten() {
            handler.component.code_ahead().await?;
            handler.code().await?;
        }
        Ok(())
    }

    /// Receives messages until `stop`, then waits for the components that still handle one.
    ///
    /// # Errors
    /// A defect of this host.
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

/// Subscribes again whenever the connection is lost. Logs a repeated error once.
async fn keep_subscribed(address: String, channels: Channels, stop: Stop) {
    let mut last_logged = String::new();
    loop {
        let was_subscribed = AtomicBool::new(false);
        if let Err(error) = listen(&address, &channels, &was_subscribed, stop.clone()).await {
            let problem = format!("{error:#}");
            if problem != last_logged || was_subscribed.into_inner() {
                log::error(format_args!("Redis trigger: {problem}; subscribing again"));
            }
            last_logged = problem;
        }

        tokio::select! {
            () = sleep(RETRY_DELAY) => {}
            () = stop.clone() => return,
        }
    }
}

/// Serves one connection until it is lost or the host stops.
async fn listen(
    address: &str,
    channels: &Channels,
    was_subscribed: &AtomicBool,
    stop: Stop,
) -> Result<()> {
    let client = redis::Client::open(address)?;
    // Host and port only, because the address may hold a password.
    let server = client.get_connection_info().addr.to_string();

    let mut stop = std::pin::pin!(stop);
    let connection = tokio::select! {
        connection = timeout(REPLY_TIMEOUT, subscribe(&client, &server, channels)) => connection,
        () = &mut stop => return Ok(()),
    };
    let (sink, mut messages) = connection
        .with_context(|| format!("{server} does not answer"))??
        .split();
    was_subscribed.store(true, Ordering::Relaxed);

    let mut silence = std::pin::pin!(wait_for_silence(sink, channels));
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            message = messages.next() => {
                let message =
                    message.with_context(|| format!("the connection to {server} was lost"))?;
                deliver(&message, channels).await;
            }
            () = &mut silence => anyhow::bail!("{server} no longer answers"),
        }
    }
}

/// Passes a message to all components of its channel and waits for them.
async fn deliver(message: &Msg, channels: &Channels) {
    let Some(handlers) = channels.get(message.get_channel_name()) else {
        return;
    };
    let payload = message.get_payload_bytes();
    join_all(
        handlers
            .iter()
            .map(|handler| handler.handle(payload.to_vec())),
    )
    .await;
}

async fn subscribe(client: &redis::Client, server: &str, channels: &Channels) -> Result<PubSub> {
    let cannot_connect = || format!("cannot connect to {server}");
    let mut commands = client
        .get_multiplexed_async_connection()
        .await
        .with_context(cannot_connect)?;
    let mut connection = client
        .get_async_pubsub()
        .await
        .with_context(cannot_connect)?;

    for (channel, handlers) in channels {
        let cannot_subscribe = || format!("cannot subscribe to {channel} on {server}");
        // An ordinary command comes first: the crate hides that the server refused a subscription,
        // for example because of its ACL.
        redis::cmd("SUBSCRIBE")
            .arg(channel)
            .exec_async(&mut commands)
            .await
            .with_context(cannot_subscribe)?;
        let _ = redis::cmd("UNSUBSCRIBE")
            .arg(channel)
            .exec_async(&mut commands)
            .await;

        connection
            .subscribe(channel)
            .await
            .with_context(cannot_subscribe)?;

        let ids = handlers.iter().map(|handler| handler.component.id.as_str());
        let ids: Vec<_> = ids.collect();
        log::info(format_args!(
            "Subscribed to {channel} on {server}: {}",
            ids.join(", ")
        ));
    }
    Ok(connection)
}

/// Returns when the server does not answer. Its machine may be gone, or a router may have dropped
/// the connection without closing it. The probe subscribes to a channel again, which changes nothing
/// and, unlike `PING`, needs no further permission.
async fn wait_for_silence(mut sink: PubSubSink, channels: &Channels) {
    let channel = channels.keys().next();
    loop {
        sleep(PROBE_INTERVAL).await;
        let probe = timeout(REPLY_TIMEOUT, sink.subscribe(channel)).await;
        if !matches!(probe, Ok(Ok(()))) {
            return;
        }
    }
}

impl Handler {
    async fn code(&self) -> Result<&SubscriberPre<Guest>> {
        let load = async || {
            let code = self.component.code().await?;
            SubscriberPre::new(code.clone())
                .map_err(anyhow::Error::from)
                .with_context(|| {
                    format!(
                        "component `{}` handles no Redis messages",
                        self.component.id
                    )
                })
        };
        self.code.get_or_try_init(load).await
    }

    async fn handle(&self, payload: Vec<u8>) {
        let outcome = match self.time_limit {
            Some(limit) => timeout(limit, self.run(payload))
                .await
                .unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {limit:?}"))),
            None => self.run(payload).await,
        };

        if let Err(error) = outcome {
            log::error(format_args!(
                "component `{}` failed on a message: {error:#}",
                self.component.id
            ));
        }
    }

    async fn run(&self, payload: Vec<u8>) -> Result<()> {
        let code = self.code().await?;
        let mut store = self.component.new_store(None)?;
        let instance = code.instantiate_async(&mut store).await?;

        let outcome = store
            .run_concurrent(async |store| {
                instance
                    .spin_redis_inbound_redis()
                    .call_handle_message(store, payload)
                    .await
            })
            .await??;
        outcome.map_err(|error| anyhow::anyhow!("{error:?}"))
    }
}
