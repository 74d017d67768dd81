//! `spin:variables/variables@3.0.0`, and the same as `fermyon:spin/variables@2.0.0` for components built for Spin 2 and 3
//! (the cron trigger's are): the variables the manifest gives the component.

use wasmtime::component::{Accessor, HasSelf};

use crate::guest::Guest;
use crate::variables::check_name;
use bindings::{fermyon::spin::variables as v2, spin::variables::variables as v3};

/// What `bindgen!` makes of both interfaces.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package host:variables;

            package spin:variables@3.0.0 {
                interface variables {
                    variant error {
                        invalid-name(string), undefined(string), provider(string), other(string),
                    }
                    get: async func(name: string) -> result<string, error>;
                }
            }

            package fermyon:spin@2.0.0 {
                interface variables {
                    variant error {
                        invalid-name(string), undefined(string), provider(string), other(string),
                    }
                    get: func(name: string) -> result<string, error>;
                }
            }

            world imports {
                import spin:variables/variables@3.0.0;
                import fermyon:spin/variables@2.0.0;
            }
        ",
    });
}

/// Why a component does not get a variable.
enum Refusal {
    InvalidName(String),
    Undefined(String),
}

impl Guest {
    fn variable(&self, name: &str) -> Result<String, Refusal> {
        check_name(name).map_err(Refusal::InvalidName)?;
        let component = &self.component;
        component
            .variables
            .get(name)
            .cloned()
            .ok_or_else(|| Refusal::Undefined(format!("no variable for {:?}.{name:?}", component.id)))
    }
}

impl v3::Host for Guest {}

impl<T: Send> v3::HostWithStore<T> for HasSelf<Guest> {
    async fn get(store: &Accessor<T, Self>, name: String) -> Result<String, v3::Error> {
        store.with(|mut store| store.get().variable(&name)).map_err(|refusal| match refusal {
            Refusal::InvalidName(text) => v3::Error::InvalidName(text),
            Refusal::Undefined(text) => v3::Error::Undefined(text),
        })
    }
}

impl v2::Host for Guest {
    fn get(&mut self, name: String) -> Result<String, v2::Error> {
        self.variable(&name).map_err(|refusal| match refusal {
            Refusal::InvalidName(text) => v2::Error::InvalidName(text),
            Refusal::Undefined(text) => v2::Error::Undefined(text),
        })
    }
}
