//! Values of Lua and replies of Redis, converted into each other as Redis does.

use mlua::{Function, Lua, LuaString, Table, Value};

use crate::testing::response::Response;

/// Converts a reply for a script: nil is `false`, a status and an error are tables.
pub(super) fn to_lua(lua: &Lua, response: &Response) -> mlua::Result<Value> {
    let named = |name: &str, text: &str| {
        let table = lua.create_table()?;
        table.raw_set(name, text)?;
        Ok(Value::Table(table))
    };

    match response {
        Response::Nil => Ok(Value::Boolean(false)),
        // Lua 5.1 has no integers: large ones lose digits, as in Redis.
        Response::Int(number) => Ok(Value::Number(*number as f64)),
        Response::Bytes(bytes) => lua.create_string(bytes).map(Value::String),
        Response::Status(status) => named("ok", status),
        Response::Error(text) => named("err", text),
        Response::Array(elements) => {
            let table = lua.create_table_with_capacity(elements.len(), 0)?;
            for element in elements {
                table.raw_push(to_lua(lua, element)?)?;
            }
            Ok(Value::Table(table))
        }
    }
}

/// Converts what a script returns: numbers lose their fraction, `false` is nil, and a list ends before
/// its first nil.
pub(super) fn to_response(value: &Value) -> mlua::Result<Response> {
    Ok(match value {
        Value::Integer(number) => Response::Int(*number),
        Value::Number(number) => Response::Int(*number as i64),
        Value::String(text) => Response::bytes(&*text.as_bytes()),
        Value::Boolean(true) => Response::Int(1),
        Value::Table(table) => table_to_response(table)?,
        _ => Response::Nil,
    })
}

fn table_to_response(table: &Table) -> mlua::Result<Response> {
    if let Value::String(text) = table.raw_get("err")? {
        return Ok(Response::Error(text.to_string_lossy()));
    }
    if let Value::String(text) = table.raw_get("ok")? {
        return Ok(Response::Status(text.to_string_lossy()));
    }

    let mut elements = Vec::new();
    loop {
        match table.raw_get(elements.len() + 1)? {
            Value::Nil => return Ok(Response::Array(elements)),
            element => elements.push(to_response(&element)?),
        }
    }
}

/// Converts an argument of a command; `None` for one that is neither a string nor a number.
pub(super) fn to_part(lua: &Lua, value: &Value) -> mlua::Result<Option<Vec<u8>>> {
    Ok(match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Number(number) => Some(number_to_part(lua, *number)?),
        _ => None,
    })
}

/// Whole numbers are written without a fraction or an exponent.
fn number_to_part(lua: &Lua, number: f64) -> mlua::Result<Vec<u8>> {
    let whole = number as i64;
    if whole as f64 == number {
        return Ok(whole.to_string().into_bytes());
    }
    let strings: Table = lua.globals().get("string")?;
    let format: Function = strings.get("format")?;
    let text: LuaString = format.call(("%.17g", number))?;
    Ok(text.as_bytes().to_vec())
}
