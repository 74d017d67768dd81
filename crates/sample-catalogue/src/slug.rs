//! Slugs: names in web addresses and cache keys.

/// Lower-case ASCII letters and digits with single hyphens between them: `Land Rover` is
/// `land-rover`.
pub fn slug(name: &str) -> String {
    let words = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_consists_of_letters_digits_and_hyphens() {
        for (name, expected) in [
            ("Land Rover", "land-rover"),
            ("ID. Buzz", "id-buzz"),
            ("#1", "1"),
            ("9-3", "9-3"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }
}
