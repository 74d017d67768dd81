//! The cron trigger's side of warming up: wakes on a schedule and calls `POST /api/cache/warmup/scheduled`, which decides
//! what there is to do. No rule is here, so hosted schedulers and CronJobs that call that route do just the same.
//!
//! Built on the interfaces of Spin 3, because the plugin that provides the cron trigger has no newer ones.

use bindings::{Error, Guest, Metadata};
use spin_sdk_5::http::{Request, Response, send};
use spin_sdk_5::variables;

mod bindings {
    spin_sdk_5::wit_bindgen::generate!({
        runtime_path: "spin_sdk_5::wit_bindgen::rt",
        inline: "
            package fermyon:spin-cron@2.0.0;

            interface cron-types {
                record metadata { timestamp: u64 }
                variant error { other(string) }
            }

            world spin-cron {
                use cron-types.{metadata, error};
                export handle-cron-event: func(metadata: metadata) -> result<_, error>;
            }
        ",
    });
    use super::Schedule;
    export!(Schedule);
}

/// Past this length an answer is cut in the log.
const MOST_LOGGED: usize = 2000;

struct Schedule;

impl Guest for Schedule {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        spin_sdk_5::http::run(wake()).map_err(Error::Other)
    }
}

async fn wake() -> Result<(), String> {
    let variable = |name: &str| variables::get(name).map_err(|error| format!("the variable {name}: {error}"));
    let (endpoint, token) = (variable("warmup_endpoint")?, variable("warmup_token")?);
    if token.is_empty() {
        return Err("set SPIN_VARIABLE_WARMUP_TOKEN to the token of an admin, for the warmup endpoint".into());
    }
    let url = format!("{}/api/cache/warmup/scheduled", endpoint.trim_end_matches('/'));
    let request = Request::post(&url, Vec::new()).header("authorization", format!("Bearer {token}")).build();
    let answer: Response = send(request).await.map_err(|error| format!("{url} cannot be asked: {error}"))?;
    let body: String = String::from_utf8_lossy(answer.body()).chars().take(MOST_LOGGED).collect();
    match answer.status() {
        200 if body.contains("\"reason\":null") => Ok(()),
        200 => {
            println!("{body}");
            Ok(())
        }
        status => Err(format!("{url} answered with the status {status}: {body}")),
    }
}
