//! The settings of the shop. Some are not active.

use crate::error::Error;
use crate::random::Random;
use crate::sql::Script;
use crate::timestamp::{TAKEN, Timestamp};
use crate::words::{Line, WordList};

const LIST: WordList = WordList {
    name: "settings.txt",
    text: include_str!("../words/settings.txt"),
};

/// The rows of `settings`.
pub struct Settings {
    all: Vec<Setting>,
}

struct Setting {
    key: &'static str,
    value: &'static str,
    environment: &'static str,
    is_active: bool,
    updated_at: Timestamp,
}

impl Settings {
    /// Reads the settings. The seed decides only on the times of their last changes.
    pub fn generate(seed: u64) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "settings");
        let all = LIST.lines().map(|line| Setting::read(&line, &mut random));
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
        })
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = [
            "id",
            "key",
            "value",
            "environment",
            "is_active",
            "updated_at",
        ];
        let rows = (1_u32..).zip(&self.all).map(|(id, row)| {
            [
                id.into(),
                row.key.into(),
                row.value.into(),
                row.environment.into(),
                row.is_active.into(),
                row.updated_at.into(),
            ]
        });

        script.insert("settings", columns, rows);
    }
}

impl Setting {
    fn read(line: &Line, random: &mut Random) -> Result<Self, Error> {
        let [key, environment, switch, value] =
            line.fields("key | environment | on or off | value")?;
        let is_active = match switch {
            "on" => true,
            "off" => false,
            _ => return Err(line.bad("on or off in the third field")),
        };

        Ok(Self {
            key,
            value,
            environment,
            is_active,
            updated_at: TAKEN.some_time_before(700, random),
        })
    }
}
