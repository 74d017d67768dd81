//! Lua scripts: `EVAL`, `EVALSHA` and `SCRIPT`, in an interpreter of the version that Redis has.

mod convert;
mod message_pack;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mlua::{Function, Lua, LuaOptions, LuaString, MultiValue, StdLib, Table, Value};
use sha1_smol::Sha1;

use super::commands;
use super::keyspace::Keyspace;
use super::lock::lock;
use super::response::{Answered, Refusal, Response};
use convert::{to_lua, to_part, to_response};

/// Name of a script's chunk, as in Redis.
const CHUNK: &str = "@user_script";
const PRELUDE: &str = include_str!("redis.lua");

type Parts<'a> = &'a [Vec<u8>];

/// The interpreter, and the scripts that have run.
pub(super) struct Scripts {
    lua: Lua,
    run: Function,
    known: HashMap<String, Function>,
}

impl Scripts {
    /// Creates an interpreter whose scripts use these keys.
    pub(super) fn new(keyspace: &Arc<Mutex<Keyspace>>) -> mlua::Result<Self> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let keyspace = Arc::clone(keyspace);
        let send = move |lua: &Lua, args: MultiValue| call(lua, &keyspace, args);

        let redis = lua.create_table()?;
        redis.set("pcall", lua.create_function(send)?)?;
        let hash = |_: &Lua, text: LuaString| Ok(sha1_hex(&text.as_bytes()));
        redis.set("sha1hex", lua.create_function(hash)?)?;
        lua.globals().set("redis", redis)?;
        lua.globals()
            .set("cmsgpack", message_pack::library(&lua)?)?;

        let run = lua.load(PRELUDE).set_name("=redis.lua").eval()?;
        Ok(Self {
            lua,
            run,
            known: HashMap::new(),
        })
    }

    /// Executes `EVAL`, given its arguments.
    pub(super) fn eval(&mut self, args: &[Vec<u8>]) -> Answered {
        let source = args.first().ok_or_else(|| wrong_arguments("eval"))?;
        let sha = self.load(source)?;
        self.run(&sha, args)
    }

    /// Executes `EVALSHA`, given its arguments.
    pub(super) fn eval_sha(&mut self, args: &[Vec<u8>]) -> Answered {
        let sha = args.first().ok_or_else(|| wrong_arguments("evalsha"))?;
        let sha = String::from_utf8_lossy(sha).to_ascii_lowercase();
        self.run(&sha, args)
    }

    /// Executes `SCRIPT`, given its arguments.
    pub(super) fn manage(&mut self, args: &[Vec<u8>]) -> Answered {
        let (word, args) = args
            .split_first()
            .ok_or_else(|| wrong_arguments("script"))?;
        let word = String::from_utf8_lossy(word).to_ascii_uppercase();

        match (word.as_str(), args) {
            ("LOAD", [source]) => Ok(Response::bytes(self.load(source)?)),
            ("FLUSH", _) => {
                self.known.clear();
                Ok(Response::ok())
            }
            ("EXISTS", shas) => {
                let is_known =
                    |sha: &Vec<u8>| self.known.contains_key(&*String::from_utf8_lossy(sha));
                let flags = shas.iter().map(|sha| Response::flag(is_known(sha)));
                Ok(Response::Array(flags.collect()))
            }
            _ => Err(Refusal(format!("ERR unknown subcommand '{word}'."))),
        }
    }

    /// Compiles a script, unless it is known; returns its hash.
    fn load(&mut self, source: &[u8]) -> Result<String, Refusal> {
        let sha = sha1_hex(source);
        if !self.known.contains_key(&sha) {
            let compiled = self.lua.load(source).set_name(CHUNK).into_function();
            let function = compiled.map_err(|error| {
                Refusal(format!(
                    "ERR Error compiling script (new function): {error}"
                ))
            })?;
            self.known.insert(sha.clone(), function);
        }
        Ok(sha)
    }

    /// Runs a known script, given the arguments of `EVALSHA`.
    fn run(&self, sha: &str, args: &[Vec<u8>]) -> Answered {
        let script = self
            .known
            .get(sha)
            .ok_or_else(|| Refusal::new("NOSCRIPT No matching script. Please use EVAL."))?;
        let (keys, args) = split_keys(args)?;

        match self.call(script, keys, args) {
            Ok((true, reply)) => to_response(&reply).map_err(|error| internal(&error)),
            Ok((false, error)) => Err(uncaught(&error, sha)),
            Err(error) => Err(internal(&error)),
        }
    }

    fn call(
        &self,
        script: &Function,
        keys: &[Vec<u8>],
        args: &[Vec<u8>],
    ) -> mlua::Result<(bool, Value)> {
        let globals = self.lua.globals();
        globals.set("KEYS", self.strings(keys)?)?;
        globals.set("ARGV", self.strings(args)?)?;
        self.run.call(script)
    }

    fn strings(&self, parts: &[Vec<u8>]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(parts.len(), 0)?;
        for part in parts {
            table.raw_push(self.lua.create_string(part)?)?;
        }
        Ok(table)
    }
}

fn wrong_arguments(command: &str) -> Refusal {
    Refusal(format!(
        "ERR wrong number of arguments for '{command}' command"
    ))
}

/// Splits the arguments behind script and number of keys.
fn split_keys(args: Parts<'_>) -> Result<(Parts<'_>, Parts<'_>), Refusal> {
    let number = args.get(1).ok_or_else(|| wrong_arguments("eval"))?;
    let number = std::str::from_utf8(number).ok();
    let number: i64 = number
        .and_then(|number| number.parse().ok())
        .ok_or_else(Refusal::not_an_integer)?;
    let number = usize::try_from(number)
        .map_err(|_| Refusal::new("ERR Number of keys can't be negative"))?;

    args[2..]
        .split_at_checked(number)
        .ok_or_else(|| Refusal::new("ERR Number of keys can't be greater than number of args"))
}

fn internal(error: &mlua::Error) -> Refusal {
    Refusal(format!("ERR {error}"))
}

/// The error of a script that did not catch one, as Redis words it.
fn uncaught(error: &Value, sha: &str) -> Refusal {
    let Value::Table(reply) = error else {
        let text = error.to_string().unwrap_or_default();
        return Refusal(format!("ERR {text} script: {sha}, on {CHUNK}."));
    };
    let text = |name: &str| reply.raw_get::<Option<LuaString>>(name);
    let text = |name: &str| text(name).ok().flatten().map(|text| text.to_string_lossy());
    let problem = text("err").unwrap_or_default();
    let line = text("line").unwrap_or_default();
    Refusal(format!("{problem} script: {sha}, on {CHUNK}:{line}."))
}

/// `redis.pcall`: executes a command, and returns its reply or a table with its error.
fn call(lua: &Lua, keyspace: &Mutex<Keyspace>, args: MultiValue) -> mlua::Result<Value> {
    let mut parts = Vec::with_capacity(args.len());
    let mut answered = Ok(());
    for arg in args {
        match to_part(lua, &arg)? {
            Some(part) => parts.push(part),
            None => {
                answered = Err(Refusal::new(
                    "ERR Lua redis lib command arguments must be strings or integers",
                ));
            }
        }
    }

    match answered.and_then(|()| commands::execute(&mut lock(keyspace), &parts)) {
        Ok(response) => to_lua(lua, &response),
        Err(Refusal(text)) => {
            let error = lua.create_table()?;
            error.raw_set("err", text)?;
            error.raw_set("line", line_of_script(lua))?;
            Ok(Value::Table(error))
        }
    }
}

/// The line of the script that is being executed.
fn line_of_script(lua: &Lua) -> Option<usize> {
    let line_at = |level| {
        lua.inspect_stack(level, |frame| {
            let is_script = frame.source().source.as_deref() == Some(CHUNK);
            frame.current_line().filter(|_| is_script)
        })
    };
    (1..8).find_map(|level| line_at(level).flatten())
}

fn sha1_hex(text: &[u8]) -> String {
    Sha1::from(text).digest().to_string()
}
