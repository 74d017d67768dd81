//! Names of people who do not exist.

use std::collections::HashSet;

use crate::error::Error;
use crate::random::Random;
use crate::slug::slug;
use crate::words::WordList;

const LIST: WordList = WordList { name: "people.txt", text: include_str!("../words/people.txt") };
/// How often another name is tried before the words count as used up.
const ATTEMPTS: u32 = 1_000;

/// First and family names, combined without ever giving the same name twice.
pub struct People {
    first: Vec<&'static str>,
    last: Vec<&'static str>,
    used: HashSet<(&'static str, &'static str)>,
}

/// A name and the address made of it.
pub struct Person {
    /// First and family name.
    pub name: String,
    /// At `example.com`, which nobody can receive mail at (RFC 2606).
    pub email: String,
}

impl People {
    /// Reads the names.
    pub fn read() -> Result<Self, Error> {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for line in LIST.lines() {
            match line.text.split_once(": ") {
                Some(("first", names)) => first.extend(names.split(", ")),
                Some(("last", names)) => last.extend(names.split(", ")),
                _ => return Err(line.bad("first: or last: and names")),
            }
        }
        Ok(Self { first, last, used: HashSet::new() })
    }

    /// A person not met before.
    pub fn meet(&mut self, random: &mut Random) -> Result<Person, Error> {
        for _ in 0..ATTEMPTS {
            let first = *random.pick(&self.first, "first name")?;
            let last = *random.pick(&self.last, "family name")?;
            if self.used.insert((first, last)) {
                let email = format!("{}.{}@example.com", slug(first), slug(last));
                return Ok(Person { name: format!("{first} {last}"), email });
            }
        }
        Err(Error::TooFewNames { what: "person".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_names_is_an_error() {
        let mut people = People { first: vec!["Ann"], last: vec!["O'Neill"], used: HashSet::new() };
        let mut random = Random::for_table(1, "test");
        let person = people.meet(&mut random).unwrap();
        assert_eq!((person.name.as_str(), person.email.as_str()), ("Ann O'Neill", "ann.o-neill@example.com"));
        assert!(people.meet(&mut random).is_err());
    }
}
