//! The rules of a restricted server, applied to one connection.

use std::io::Result;

use super::restrictions::{Restrictions, SelectRule, SlotRule};
use super::rights::Rights;
use super::upstream::Upstream;
use super::{cursors, info};
use crate::resp::{Command, encode};
use crate::slots::slot_of_key;

/// A connection to the server behind the rules.
#[derive(Debug)]
pub(super) struct Filter {
    restrictions: Restrictions,
    server: Upstream,
    /// A second connection, for questions about commands.
    questions: Option<Upstream>,
    rights: Option<Rights>,
    /// The port of the proxy.
    own_port: u16,
}

impl Filter {
    /// Connects to the server on this port.
    pub(super) fn open(restrictions: Restrictions, upstream: u16, own_port: u16) -> Result<Self> {
        let mut server = Upstream::connect(upstream)?;
        let needs_questions = restrictions.slots == SlotRule::OnePerCommand;
        let questions = needs_questions.then(|| Upstream::connect(upstream));
        let needs_rights = restrictions.undeclared_keys_are_refused;
        let rights = needs_rights.then(|| Rights::create(upstream, &mut server));

        Ok(Self {
            questions: questions.transpose()?,
            rights: rights.transpose()?,
            restrictions,
            server,
            own_port,
        })
    }

    /// The reply to a command: that of a rule, or the server's.
    pub(super) fn ask(&mut self, command: &Command) -> Result<Vec<u8>> {
        let mut words = command.words()?;
        if let Some(reply) = self.reply_of_rule(&command.name, &words)? {
            return Ok(reply);
        }

        let cursor = cursors::place(&command.name).filter(|_| self.restrictions.has_large_cursors);
        if let Some(cursor) = cursor.and_then(|place| words.get_mut(place)) {
            match cursors::to_server(cursor) {
                Some(changed) => *cursor = changed,
                None => return Ok(b"-ERR invalid cursor\r\n".to_vec()),
            }
            return Ok(cursors::change_reply(self.server.ask(&encode(&words))?));
        }

        let reply = self.ask_server(command, &words)?;
        Ok(self.change_reply(&command.name, reply))
    }

    /// The reply of a rule that refuses or ignores the command.
    fn reply_of_rule(&mut self, name: &str, words: &[Vec<u8>]) -> Result<Option<Vec<u8>>> {
        let error = |text: &str| Ok(Some(format!("-{text}\r\n").into_bytes()));
        let rules = &self.restrictions;

        if let Some(text) = refusal(rules, words) {
            return error(text);
        }
        if rules
            .max_arguments
            .is_some_and(|most| words.len() > most + 1)
        {
            return error("ERR too many arguments");
        }
        if name == "SELECT" {
            match rules.select {
                SelectRule::Refused(text) if words.get(1).is_some_and(|db| db != b"0") => {
                    return error(text);
                }
                SelectRule::Ignored => return Ok(Some(b"+OK\r\n".to_vec())),
                _ => {}
            }
        }
        if rules.is_cluster && begins_with(words, "CLUSTER SLOTS") {
            return Ok(Some(slots_of_only_node(self.own_port)));
        }

        let declared = declared_keys(name, words);
        if rules.keyless_scripts_are_refused && declared.is_some_and(<[_]>::is_empty) {
            return error("ERR Lua scripts without any input keys are not supported");
        }
        if self.has_several_slots(declared, words)? {
            return error("CROSSSLOT Keys in request don't hash to the same slot");
        }
        Ok(None)
    }

    fn has_several_slots(
        &mut self,
        declared: Option<&[Vec<u8>]>,
        words: &[Vec<u8>],
    ) -> Result<bool> {
        match (self.restrictions.slots, declared) {
            (SlotRule::OnePerScript | SlotRule::OnePerCommand, Some(keys)) => Ok(!share_slot(keys)),
            // A command has one word for each of its keys, and its name.
            (SlotRule::OnePerCommand, None) if words.len() > 2 => {
                Ok(!share_slot(&self.keys_of_command(words)?))
            }
            _ => Ok(false),
        }
    }

    /// The keys of a command, as the server finds them; none when it knows of none.
    fn keys_of_command(&mut self, words: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let Some(questions) = &mut self.questions else {
            return Ok(Vec::new());
        };
        let question = [b"COMMAND".to_vec(), b"GETKEYS".to_vec()];
        let reply = questions.ask(&encode(&[&question, words].concat()))?;

        // A list of keys has the form of a command; an error does not.
        let keys = Command::read_words(&mut reply.as_slice());
        Ok(keys.ok().flatten().unwrap_or_default())
    }

    fn ask_server(&mut self, command: &Command, words: &[Vec<u8>]) -> Result<Vec<u8>> {
        let Some(rights) = &mut self.rights else {
            return self.server.ask(&command.bytes);
        };
        if let Some(keys) = declared_keys(&command.name, words) {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            rights.narrow(&keys)?;
            let reply = self.server.ask(&command.bytes)?;
            rights.widen()?;
            return Ok(reply);
        }

        let reply = self.server.ask(&command.bytes)?;
        let is_login = ["AUTH", "HELLO", "RESET"].contains(&command.name.as_str());
        if is_login && !reply.starts_with(b"-") {
            rights.log_in(&mut self.server)?;
        }
        Ok(reply)
    }

    fn change_reply(&self, name: &str, reply: Vec<u8>) -> Vec<u8> {
        match (name, self.restrictions.info_sections) {
            ("INFO", Some(sections)) => info::keep_sections(&reply, sections),
            ("HELLO", _) if self.restrictions.is_cluster => {
                let text = String::from_utf8_lossy(&reply);
                text.replace("$10\r\nstandalone", "$7\r\ncluster")
                    .into_bytes()
            }
            _ => reply,
        }
    }
}

/// The error of a rule that names the command.
fn refusal(rules: &Restrictions, words: &[Vec<u8>]) -> Option<&'static str> {
    if rules.allowed.iter().any(|first| begins_with(words, first)) {
        return None;
    }
    let refused = rules.refused.iter();
    let mut refused = refused.filter(|(first, _)| begins_with(words, first));
    refused.next().map(|(_, error)| *error)
}

/// Compares the first words of a command, without regard to case.
fn begins_with(words: &[Vec<u8>], first: &str) -> bool {
    let mut words = words.iter();
    first.split(' ').all(|first| {
        let word = words.next();
        word.is_some_and(|word| word.eq_ignore_ascii_case(first.as_bytes()))
    })
}

/// The keys that a script declares; `None` for other commands.
fn declared_keys<'a>(name: &str, words: &'a [Vec<u8>]) -> Option<&'a [Vec<u8>]> {
    let scripts = [
        "EVAL",
        "EVALSHA",
        "EVAL_RO",
        "EVALSHA_RO",
        "FCALL",
        "FCALL_RO",
    ];
    if !scripts.contains(&name) {
        return None;
    }
    let count: usize = std::str::from_utf8(words.get(2)?).ok()?.parse().ok()?;
    words.get(3..3 + count)
}

fn share_slot(keys: &[Vec<u8>]) -> bool {
    let mut slots = keys.iter().map(|key| slot_of_key(key));
    let first = slots.next();
    slots.all(|slot| Some(slot) == first)
}

/// The reply of `CLUSTER SLOTS` of a cluster with one node.
fn slots_of_only_node(port: u16) -> Vec<u8> {
    let id = format!("{port:040x}");
    let node = format!("*3\r\n$9\r\n127.0.0.1\r\n:{port}\r\n$40\r\n{id}\r\n");
    format!("*1\r\n*3\r\n:0\r\n:16383\r\n{node}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<u8>> {
        text.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn commands_are_refused_by_their_first_words() {
        let rules = Restrictions {
            refused: vec![("CONFIG", "no"), ("CLIENT ID", "never")],
            allowed: vec!["CONFIG GET A"],
            ..Restrictions::default()
        };

        for (command, expected) in [
            ("config set a b", Some("no")),
            ("Config Get a", None),
            ("CONFIG GET b", Some("no")),
            ("CLIENT ID", Some("never")),
            ("CLIENT", None),
            ("GET config", None),
        ] {
            assert_eq!(refusal(&rules, &words(command)), expected, "{command}");
        }
    }

    #[test]
    fn declared_keys_are_found() {
        let eval = words("EVAL return 2 a b c");
        assert_eq!(declared_keys("EVAL", &eval).unwrap(), words("a b"));
        assert_eq!(
            declared_keys("EVAL", &words("EVAL return 0")),
            Some(&[][..])
        );
        assert_eq!(declared_keys("GET", &words("GET a")), None);
        // The server refuses it.
        assert_eq!(declared_keys("EVAL", &words("EVAL return 3 a")), None);
    }
}
