//! The functions `cmsgpack.pack` and `cmsgpack.unpack`, for strings, numbers, booleans and nil.

use mlua::{Error, Lua, LuaString, MultiValue, Table, Value};
use rmp::Marker;
use rmp::decode::{self, Bytes};
use rmp::encode;

/// Creates the table `cmsgpack`.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.set("pack", lua.create_function(pack)?)?;
    let unpack = |lua: &Lua, packed: LuaString| unpack(lua, &packed.as_bytes());
    library.set("unpack", lua.create_function(unpack)?)?;
    Ok(library)
}

fn pack(lua: &Lua, values: MultiValue) -> mlua::Result<LuaString> {
    let mut packed = Vec::new();
    for value in values {
        pack_one(&mut packed, &value).map_err(Error::external)?;
    }
    lua.create_string(packed)
}

fn pack_one(packed: &mut Vec<u8>, value: &Value) -> Result<(), String> {
    match value {
        Value::Nil => encode::write_nil(packed).map_err(|error| error.to_string()),
        Value::Boolean(is_so) => {
            encode::write_bool(packed, *is_so).map_err(|error| error.to_string())
        }
        Value::Integer(number) => pack_integer(packed, *number),
        Value::Number(number) if *number as i64 as f64 == *number => {
            pack_integer(packed, *number as i64)
        }
        Value::Number(number) => pack_fraction(packed, *number),
        Value::String(text) => pack_string(packed, &text.as_bytes()),
        other => Err(format!("cmsgpack.pack of a {}", other.type_name())),
    }
}

fn pack_string(packed: &mut Vec<u8>, text: &[u8]) -> Result<(), String> {
    let length = u32::try_from(text.len()).map_err(|error| error.to_string())?;
    let written = encode::write_str_len(packed, length);
    packed.extend_from_slice(text);
    written.map(drop).map_err(|error| error.to_string())
}

/// Four bytes where they have all digits, as Redis does.
fn pack_fraction(packed: &mut Vec<u8>, number: f64) -> Result<(), String> {
    let short = number as f32;
    let written = if f64::from(short) == number {
        encode::write_f32(packed, short)
    } else {
        encode::write_f64(packed, number)
    };
    written.map_err(|error| error.to_string())
}

fn pack_integer(packed: &mut Vec<u8>, number: i64) -> Result<(), String> {
    let written = encode::write_sint(packed, number);
    written.map(drop).map_err(|error| error.to_string())
}

fn unpack(lua: &Lua, packed: &[u8]) -> mlua::Result<MultiValue> {
    let mut left = Bytes::new(packed);
    let mut values = MultiValue::new();
    while let Some(&first) = left.remaining_slice().first() {
        let value = unpack_one(lua, Marker::from_u8(first), &mut left)?;
        values.push_back(value);
    }
    Ok(values)
}

fn unpack_one(lua: &Lua, marker: Marker, left: &mut Bytes<'_>) -> mlua::Result<Value> {
    let broken = || Error::external("Missing bytes in input.");

    match marker {
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            let length = decode::read_str_len(left).map_err(|_| broken())?;
            let (text, rest) = left
                .remaining_slice()
                .split_at_checked(length as usize)
                .ok_or_else(broken)?;
            let text = lua.create_string(text)?;
            *left = Bytes::new(rest);
            Ok(Value::String(text))
        }
        Marker::Null => {
            decode::read_nil(left).map_err(|_| broken())?;
            Ok(Value::Nil)
        }
        Marker::True | Marker::False => {
            let is_so = decode::read_bool(left).map_err(|_| broken())?;
            Ok(Value::Boolean(is_so))
        }
        Marker::F32 => {
            let number = decode::read_f32(left).map_err(|_| broken())?;
            Ok(Value::Number(f64::from(number)))
        }
        Marker::F64 => {
            let number = decode::read_f64(left).map_err(|_| broken())?;
            Ok(Value::Number(number))
        }
        _ => {
            let number: i64 = decode::read_int(left).map_err(|_| broken())?;
            Ok(Value::Number(number as f64))
        }
    }
}
