//! Cron trigger: calls `POST /api/cache/warmup/scheduled`, which decides what is due. This component
//! holds no rule, so a hosted scheduler or a CronJob that calls the route has the same effect.
//!
//! Built on the interfaces of Spin 3: the plugin that provides the cron trigger has no newer ones.

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

/// The most characters of a response in the log.
const MAX_LOGGED_CHARS: usize = 2000;

struct Schedule;

impl Guest for Schedule {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        spin_sdk_5::http::run(wake()).map_err(Error::Other)
    }
}

async fn wake() -> Result<(), String> {
    let endpoint = variable("warmup_endpoint")?;
    let token = variable("warmup_token")?;
    if token.is_empty() {
        return Err(
            "set SPIN_VARIABLE_WARMUP_TOKEN to the token of an admin, for the warmup endpoint"
                .into(),
        );
    }

    let url = format!(
        "{}/api/cache/warmup/scheduled",
        endpoint.trim_end_matches('/')
    );
    let request = Request::post(&url, Vec::new())
        .header("authorization", format!("Bearer {token}"))
        .build();
    let response: Response = send(request)
        .await
        .map_err(|error| format!("cannot connect to {url}: {error}"))?;

    let body = String::from_utf8_lossy(response.body());
    let logged: String = body.chars().take(MAX_LOGGED_CHARS).collect();
    match response.status() {
        200 if logged.contains("\"reason\":null") => Ok(()),
        200 => {
            println!("{logged}");
            Ok(())
        }
        status => Err(format!("{url} returned status {status}: {logged}")),
    }
}

fn variable(name: &str) -> Result<String, String> {
    variables::get(name).map_err(|error| format!("cannot read the variable {name}: {error}"))
}
