//! A component with a path for each subject of the tests. Every response is plain text, one fact a
//! line. It also handles Redis messages and cron events.

mod cron;
mod postgres;
mod postgres_values;
mod redis;
mod storage;
mod subscriber;
mod synchronous_redis;

use std::cell::Cell;
use std::io::Write as _;
use std::time::Duration;

use spin_sdk::http::body::IncomingBodyExt as _;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

thread_local! {
    /// The number of requests that this instance has received, and of those in flight.
    static RECEIVED: Cell<u32> = const { Cell::new(0) };
    static IN_FLIGHT: Cell<u32> = const { Cell::new(0) };
}

type Outcome = Result<String, String>;

#[http_service]
async fn handle(request: Request) -> Result<Response<String>, spin_sdk::http::Error> {
    RECEIVED.set(RECEIVED.get() + 1);
    IN_FLIGHT.set(IN_FLIGHT.get() + 1);
    let text = match respond(request).await {
        Ok(text) => text,
        Err(text) => format!("error: {text}"),
    };
    IN_FLIGHT.set(IN_FLIGHT.get() - 1);
    let length = text.len();
    Ok(Response::builder()
        .header("content-length", length)
        .body(text)?)
}

async fn respond(request: Request) -> Outcome {
    let path = request.uri().path().to_owned();
    let argument = request.uri().query().unwrap_or_default().to_owned();
    match path.as_str() {
        "/ping" => redis::ping().await,
        "/redis" => redis::every_function().await,
        "/redis/replies" => redis::replies().await,
        "/redis/open" => Ok(redis::open(&argument).await),
        "/redis/many" => Ok(redis::open_many().await),
        "/redis/parallel" => redis::parallel().await,
        "/redis/synchronous" => synchronous_redis::every_function().await,
        "/redis/synchronous/open" => Ok(synchronous_redis::open(&argument)),
        "/kv" => storage::key_value().await,
        "/kv/open" => Ok(storage::open_store(&argument).await),
        "/kv/get" => storage::read(&argument).await,
        "/sqlite" => storage::sqlite(&argument).await,
        "/sqlite/open" => Ok(storage::open_database(&argument).await),
        "/postgres" => postgres::kept().await,
        "/postgres/values" => postgres_values::values().await,
        "/postgres/parameters" => postgres_values::parameters().await,
        "/postgres/statements" => postgres::statements().await,
        "/postgres/synchronous" => postgres::synchronous().await,
        "/postgres/nothing" => postgres::nothing().await,
        "/postgres/open" => Ok(postgres::open(&argument).await),
        "/postgres/build" => Ok(postgres::build(&argument).await),
        "/postgres/trust" => postgres::open_trusting(&argument).await,
        "/postgres/stream" => postgres::stream(&argument).await,
        "/postgres/partly" => postgres::partly().await,
        "/postgres/parallel" => postgres::parallel().await,
        "/postgres/sleep" => postgres::sleep(&argument).await,
        "/postgres/reuse" => postgres::reuse().await,
        "/variable" => Ok(format!("{:?}", spin_sdk::variables::get(&argument).await)),
        "/environment" => Ok(std::env::var(&argument).unwrap_or_else(|error| error.to_string())),
        "/file" => std::fs::read_to_string(&argument).map_err(|error| error.to_string()),
        "/file/write" => std::fs::write(&argument, "x")
            .map(|()| "written".to_owned())
            .map_err(|error| error.to_string()),
        "/tcp" => std::net::TcpStream::connect(&argument)
            .map(|_| "connected".to_owned())
            .map_err(|error| error.to_string()),
        "/headers" => Ok(headers(&request)),
        "/uri" => Ok(request.uri().to_string()),
        "/echo" => echo(request).await,
        "/send" => send(&argument).await,
        "/sleep" => sleep(&argument).await,
        "/instance" => Ok(RECEIVED.get().to_string()),
        "/large" => Ok("x".repeat(argument.parse().map_err(|_| "not a number")?)),
        "/print" => print(&argument).await,
        "/trap" => panic!("asked to trap"),
        "/loop" => loop {
            std::hint::black_box(&argument);
        },
        _ => Ok(path),
    }
}

fn headers(request: &Request) -> String {
    let lines: Vec<_> = request
        .headers()
        .iter()
        .map(|(k, v)| format!("{k}: {}", v.to_str().unwrap_or("?")))
        .collect();
    lines.join("\n")
}

async fn echo(request: Request) -> Outcome {
    let bytes = request
        .into_body()
        .bytes()
        .await
        .map_err(|error| error.to_string())?;
    Ok(format!(
        "{} bytes, sum {}",
        bytes.len(),
        bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>()
    ))
}

async fn send(url: &str) -> Outcome {
    let response = spin_sdk::http::get(url)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .bytes()
        .await
        .map_err(|error| error.to_string())?;
    Ok(format!("{status} {}", String::from_utf8_lossy(&bytes)))
}

/// Returns the number of requests in flight in this instance after the given time.
async fn sleep(milliseconds: &str) -> Outcome {
    let milliseconds = milliseconds.parse().map_err(|_| "not a number")?;
    spin_sdk::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(IN_FLIGHT.get().to_string())
}

/// Prints lines in parts, with pauses in which other instances print.
async fn print(word: &str) -> Outcome {
    for _ in 0..20 {
        for _ in 0..3 {
            print!("{word}");
            eprint!("{word}");
            spin_sdk::time::sleep(Duration::from_millis(1)).await;
        }
        println!();
        eprintln!();
    }

    print!("end-of-{word}");
    std::io::stdout()
        .flush()
        .map_err(|error| error.to_string())?;
    Ok(String::new())
}
