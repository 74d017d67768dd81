//! Names of invented people.

use std::collections::HashSet;

use crate::error::Error;
use crate::random::Random;
use crate::slug::slug;
use crate::words::WordList;

const LIST: WordList = WordList {
    name: "people.txt",
    text: include_str!("../words/people.txt"),
};
/// The most attempts to find a new name.
const MAX_ATTEMPTS: u32 = 1_000;

/// First and family names, and the combinations used so far.
pub struct People {
    first: Vec<&'static str>,
    last: Vec<&'static str>,
    used: HashSet<(&'static str, &'static str)>,
}

/// A name and the e-mail address made from it.
pub struct Person {
    /// First and family name.
    pub name: String,
    /// An address at `example.com`, where nobody receives mail (RFC 2606).
    pub email: String,
}

impl People {
    /// Reads the names.
    pub fn read() -> Result<Self, Error> {
        let mut first = Vec::new();
        let mut last = Vec::new();
        for line in LIST.lines() {
            match line.text.split_once(": ") {
                Some(("first", names)) => first.extend(names.split(", ")),
                Some(("last", names)) => last.extend(names.split(", ")),
                _ => return Err(line.bad("first: or last: and names")),
            }
        }

        Ok(Self {
            first,
            last,
            used: HashSet::new(),
        })
    }

    /// Invents a person whose name is new.
    pub fn invent(&mut self, random: &mut Random) -> Result<Person, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let first = *random.pick(&self.first, "first name")?;
            let last = *random.pick(&self.last, "family name")?;
            if self.used.insert((first, last)) {
                let email = format!("{}.{}@example.com", slug(first), slug(last));
                return Ok(Person {
                    name: format!("{first} {last}"),
                    email,
                });
            }
        }

        Err(Error::TooFewNames {
            what: "person".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_names_is_an_error() {
        let mut people = People {
            first: vec!["Ann"],
            last: vec!["O'Neill"],
            used: HashSet::new(),
        };
        let mut random = Random::for_table(1, "test");

        let person = people.invent(&mut random).unwrap();
        let second = people.invent(&mut random);

        assert_eq!(person.name, "Ann O'Neill");
        assert_eq!(person.email, "ann.o-neill@example.com");
        assert!(second.is_err());
    }
}
