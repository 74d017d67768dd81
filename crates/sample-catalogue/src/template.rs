//! Product names with choices, such as `[Front,Rear] Brake Disc {238-345/2} mm`.

use crate::error::Error;
use crate::random::Random;
use crate::words::Line;

/// A parsed name: text, choices of words and choices of numbers.
pub struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(&'static str),
    Words(Vec<&'static str>),
    Numbers { low: u32, steps: u32, step: u32 },
}

impl Template {
    /// Parses `text`; an error names `line`.
    pub fn parse(text: &'static str, line: &Line) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(['[', '{']) {
            let (literal, choice) = rest.split_at(start);
            parts.push(Part::Text(literal));

            let end = choice
                .find([']', '}'])
                .ok_or(line.bad("a closing ] or }"))?;
            let inside = &choice[1..end];
            parts.push(match choice.starts_with('[') {
                true => Part::Words(inside.split(',').collect()),
                false => numbers(inside).ok_or(line.bad("numbers such as {10-30/5}"))?,
            });
            rest = &choice[end + 1..];
        }
        parts.push(Part::Text(rest));
        Ok(Self { parts })
    }

    /// A random name of this template.
    pub fn fill(&self, random: &mut Random) -> Result<String, Error> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Words(words) => name.push_str(random.pick(words, "word")?),
                Part::Numbers { low, steps, step } => {
                    let number = low + step * random.between(0, *steps);
                    name.push_str(&number.to_string());
                }
            }
        }
        Ok(name)
    }
}

fn numbers(text: &str) -> Option<Part> {
    let (range, step) = text.split_once('/')?;
    let (low, high) = range.split_once('-')?;
    let low: u32 = low.parse().ok()?;
    let high: u32 = high.parse().ok()?;
    let step: u32 = step.parse().ok()?;
    let steps = high.checked_sub(low)?.checked_div(step)?;
    Some(Part::Numbers { low, steps, step })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::words::WordList;

    fn line() -> Line {
        WordList {
            name: "list.txt",
            text: "x",
        }
        .lines()
        .next()
        .unwrap()
    }

    #[test]
    fn every_choice_of_a_template_is_reached() {
        let template = Template::parse("[Front,Rear] Disc {10-20/5} mm[, Sport]", &line()).unwrap();
        let mut random = Random::for_table(1, "test");

        let names: BTreeSet<_> = (0..500)
            .map(|_| template.fill(&mut random).unwrap())
            .collect();

        assert_eq!(names.len(), 2 * 3 * 2);
        assert!(names.contains("Front Disc 20 mm Sport"));
        assert!(names.contains("Rear Disc 10 mm"));
    }

    #[test]
    fn a_malformed_template_is_an_error() {
        for text in [
            "Disc [Front",
            "Disc {10-20}",
            "Disc {20-10/5}",
            "Disc {1-2/0}",
            "Disc {a-b/c}",
        ] {
            assert!(Template::parse(text, &line()).is_err(), "{text}");
        }
    }
}
