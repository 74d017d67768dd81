//! `spin:variables/variables@3.0.0`, and the same as `fermyon:spin/variables@2.0.0` for components
//! built for Spin 2 and 3 (such as those of the cron trigger): the variables that the manifest gives
//! a component.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{Accessor, HasSelf};

use crate::variables::check_name;
use bindings::{fermyon::spin::variables as v2, spin::variables::variables as v3};

/// Generated from both interfaces.
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

/// The variables of a component.
pub struct VariablesGrant {
    pub component_id: String,
    pub values: HashMap<String, String>,
}

/// The variables as one instance reads them.
pub struct VariablesState(Arc<VariablesGrant>);

/// Reason why a component does not receive a variable.
enum Refusal {
    InvalidName(String),
    Undefined(String),
}

impl VariablesState {
    pub fn new(grant: Arc<VariablesGrant>) -> Self {
        Self(grant)
    }

    fn read(&self, name: &str) -> Result<String, Refusal> {
        check_name(name).map_err(Refusal::InvalidName)?;

        let VariablesGrant {
            component_id,
            values,
        } = self.0.as_ref();
        values
            .get(name)
            .cloned()
            .ok_or_else(|| Refusal::Undefined(format!("no variable for {component_id:?}.{name:?}")))
    }
}

impl v3::Host for VariablesState {}

impl<T: Send> v3::HostWithStore<T> for HasSelf<VariablesState> {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, v3::Error> {
        accessor
            .with(|mut access| access.get().read(&name))
            .map_err(|refusal| match refusal {
                Refusal::InvalidName(text) => v3::Error::InvalidName(text),
                Refusal::Undefined(text) => v3::Error::Undefined(text),
            })
    }
}

impl v2::Host for VariablesState {
    fn get(&mut self, name: String) -> Result<String, v2::Error> {
        self.read(&name).map_err(|refusal| match refusal {
            Refusal::InvalidName(text) => v2::Error::InvalidName(text),
            Refusal::Undefined(text) => v2::Error::Undefined(text),
        })
    }
}
