//! The handler of the cron trigger: prints a line with the variable `redis`, read through the
//! interface of Spin 2. If the variable is `slow`, the handler takes half a second and prints a
//! line at its end.

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        inline: "
            package fermyon:spin-cron@2.0.0;

            package fermyon:spin@2.0.0 {
                interface variables {
                    variant error {
                        invalid-name(string), undefined(string), provider(string), other(string),
                    }
                    get: func(name: string) -> result<string, error>;
                }
            }

            interface cron-types {
                record metadata { timestamp: u64 }
                variant error { other(string) }
            }

            world spin-cron {
                import fermyon:spin/variables@2.0.0;
                use cron-types.{metadata, error};
                export handle-cron-event: func(metadata: metadata) -> result<_, error>;
            }
        ",
        generate_all,
    });
    use super::Cron;
    export!(Cron);
}

use bindings::fermyon::spin::variables;
use bindings::{Error, Guest, Metadata};

struct Cron;

impl Guest for Cron {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        let redis = variables::get("redis").map_err(|error| Error::Other(format!("{error:?}")))?;
        println!("tick at {} for {redis}", metadata.timestamp);
        println!("undefined is {:?}", variables::get("none"));
        if redis == "slow" {
            std::thread::sleep(std::time::Duration::from_millis(500));
            println!("end of {}", metadata.timestamp);
        }
        Ok(())
    }
}
