//! Confirmation of a change of many keys: `confirm`, or the number of keys that the caller has seen.

use crate::error::Error;
use crate::input::Fields;

/// The largest number that JSON keeps exactly.
const MAX_COUNT: u64 = (1 << 53) - 1;
/// How far the number of keys may be from the confirmed one: so many keys, or one in so many.
const TOLERATED_KEYS: u64 = 10;
const TOLERATED_SHARE: u64 = 100;

/// A confirmation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirmation {
    /// Without one.
    #[default]
    Missing,
    /// `"confirm": true`.
    Given,
    /// `"confirmCount"`: the number of keys that a dry run has counted.
    Count(u64),
}

impl Confirmation {
    /// The names of its fields, for errors.
    pub(crate) const FIELDS: &'static str = "confirm, confirmCount";

    /// Takes its fields.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field with a wrong type or value, [`Error::Malformed`] for both.
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Error> {
        let confirm = fields.flag("confirm")?;
        let count = fields.whole("confirmCount", 0..=MAX_COUNT)?;
        match (confirm, count) {
            (false, None) => Ok(Self::Missing),
            (true, None) => Ok(Self::Given),
            (false, Some(count)) => Ok(Self::Count(count)),
            (true, Some(_)) => Err(Error::Malformed(
                "send either `confirm` or `confirmCount`".to_owned(),
            )),
        }
    }

    /// Returns whether the change is confirmed.
    pub fn is_given(self) -> bool {
        self != Self::Missing
    }

    /// Returns whether the keys have to be counted before the change.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Count(_))
    }

    /// Returns whether it is a count that is far from this one.
    pub(crate) fn differs_from(self, now: u64) -> bool {
        let Self::Count(seen) = self else {
            return false;
        };
        seen.abs_diff(now) > TOLERATED_KEYS.max(seen / TOLERATED_SHARE)
    }

    /// Checks the number of keys that match now.
    ///
    /// # Errors
    /// [`Error::CountChanged`] if it is far from the confirmed one.
    pub(crate) fn check(self, now: u64) -> Result<(), Error> {
        match self {
            Self::Count(seen) if self.differs_from(now) => Err(Error::CountChanged { seen, now }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Confirmation, Error> {
        Confirmation::read(&mut Fields::from_json(body.as_bytes()).unwrap())
    }

    #[test]
    fn both_forms_are_read_but_not_together() {
        assert_eq!(read("{}").unwrap(), Confirmation::Missing);
        assert_eq!(read(r#"{"confirm":true}"#).unwrap(), Confirmation::Given);
        assert_eq!(
            read(r#"{"confirmCount":7}"#).unwrap(),
            Confirmation::Count(7)
        );
        let both = read(r#"{"confirm":true,"confirmCount":7}"#);
        assert!(matches!(both, Err(Error::Malformed(_))), "{both:?}");
        for body in [r#"{"confirmCount":-1}"#, r#"{"confirmCount":"7"}"#] {
            assert!(matches!(read(body), Err(Error::Invalid { .. })), "{body}");
        }
    }

    #[test]
    fn one_percent_or_ten_keys_are_tolerated() {
        let cases = [
            (0, 10, true),
            (0, 11, false),
            (1000, 990, true),
            (1000, 989, false),
            (100_000, 101_000, true),
            (100_000, 98_999, false),
        ];
        for (seen, now, is_near) in cases {
            let checked = Confirmation::Count(seen).check(now);
            assert_eq!(checked.is_ok(), is_near, "{seen} {now}");
        }
        assert!(Confirmation::Given.check(7).is_ok());
    }
}
