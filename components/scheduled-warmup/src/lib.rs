//! Cron trigger: calls `POST /api/cache/warmup/scheduled`, which decides what is due. This component
//! holds no rule, so a hosted scheduler or a CronJob that calls the route has the same effect.
//!
//! Built on the interfaces of Spin 3: the plugin that provides the cron trigger has no newer ones.

use bindings::fermyon::spin::variables;
use bindings::{Error, Guest, Metadata};
use wstd::http::{Body, Client, Request};
use wstd::runtime::block_on;

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package fermyon:spin-cron@2.0.0;

            interface cron-types {
                record metadata { timestamp: u64 }
                variant error { other(string) }
            }

            world spin-cron {
                use cron-types.{metadata, error};
                import fermyon:spin/variables@2.0.0;
                export handle-cron-event: func(metadata: metadata) -> result<_, error>;
            }

            package fermyon:spin@2.0.0 {
                interface variables {
                    variant error {
                        invalid-name(string),
                        undefined(string),
                        provider(string),
                        other(string),
                    }
                    get: func(name: string) -> result<string, error>;
                }
            }
        ",
        generate_all,
    });
    use super::Schedule;
    export!(Schedule);
}

/// The most characters of a response in the log.
const MAX_LOGGED_CHARS: usize = 2000;

struct Schedule;

impl Guest for Schedule {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        block_on(wake()).map_err(Error::Other)
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
    let request = Request::post(&url)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .map_err(|error| format!("{url} is not an address: {error}"))?;
    let failed = |error| format!("cannot connect to {url}: {error}");
    let response = Client::new().send(request).await.map_err(failed)?;

    let status = response.status().as_u16();
    let mut body = response.into_body();
    let body = String::from_utf8_lossy(body.contents().await.map_err(failed)?);
    let logged: String = body.chars().take(MAX_LOGGED_CHARS).collect();
    match status {
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
