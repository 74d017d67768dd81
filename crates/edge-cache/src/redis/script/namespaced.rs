//! Texts of scripts for caches in a namespace.

use std::collections::HashMap;

use super::{Script, Text};
use crate::guarded::Guarded;
use crate::keyspace::namespace::Namespace;

/// The texts by namespace and default text. They are never freed, like the default ones: each
/// namespace has at most one for each script.
static TEXTS: Guarded<Option<HashMap<Key, &'static Text>>> = Guarded::new(None);

/// A namespace's name, and the address of a default text, which is never freed.
type Key = (String, usize);

/// Returns the text of a script in this namespace, computed once.
pub(in crate::redis) fn text(namespace: &Namespace, source: &'static str) -> &'static Text {
    let key = (namespace.name().to_owned(), source.as_ptr().addr());
    let mut texts = TEXTS.lock();
    let known = texts.get_or_insert_default().entry(key);
    known.or_insert_with(|| Box::leak(Box::new(Text::new(namespace.script(source)))))
}

impl Script {
    /// The source and its hash as they are sent for a cache in this namespace. Computed once for each
    /// namespace.
    pub fn in_namespace(&'static self, namespace: &Namespace) -> (&'static str, &'static str) {
        let text = if namespace.is_default() {
            self.text()
        } else {
            text(namespace, self.source())
        };
        (&text.source, &text.sha1)
    }
}
