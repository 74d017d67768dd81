//! Removing one key by its name: an invalidation that names a single key and fails if that does not
//! exist.

use crate::admin::invalidate::{InvalidateReport, InvalidateRequest};
use crate::error::Error;
use crate::input::{Fields, key};

impl InvalidateRequest {
    /// Reads `{key}` or `{keyBase64}` of a `DELETE /keys/entry`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body; a key of the audit trail is
    /// rejected.
    pub fn parse_entry(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let key = key::from_fields(&mut fields)?;
        fields.reject_unknown("key, keyBase64")?;

        if key.is_trail() {
            return Err(Error::invalid(
                "key",
                "is the audit trail, which cannot be removed",
            ));
        }
        Ok(Self::configured(vec![key], Vec::new(), Vec::new()))
    }

    /// Returns the report if all keys of the request existed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the first that did not.
    pub fn require_found(&self, report: InvalidateReport) -> Result<InvalidateReport, Error> {
        let is_missing = |shown: String| report.keys_not_found.contains(&shown);
        match self.keys.iter().find(|key| is_missing(key.display())) {
            Some(missing) => Err(Error::key_not_found(missing)),
            None => Ok(report),
        }
    }
}

#[cfg(test)]
mod tests {
    use edge_cache::KeyName;

    use super::*;
    use crate::admin::role::Role;

    fn parse(body: &str) -> Result<InvalidateRequest, Error> {
        InvalidateRequest::parse_entry(body.as_bytes())
    }

    #[test]
    fn the_key_is_named_in_either_form() {
        let plain = parse(r#"{"key":""}"#).unwrap();
        assert_eq!(plain.keys, [KeyName::new("")]);

        let encoded = parse(r#"{"keyBase64":"/w=="}"#).unwrap();
        assert_eq!(encoded.keys, [KeyName::new(*b"\xff")]);
    }

    #[test]
    fn a_protected_key_needs_an_admin() {
        assert_eq!(parse(r#"{"key":"a"}"#).unwrap().role(), Role::Operator);
        assert_eq!(parse(r#"{"key":"cache:ttl"}"#).unwrap().role(), Role::Admin);
    }

    #[test]
    fn any_other_body_is_rejected() {
        for bad in [
            "{}",
            r#"{"key":"a","keyBase64":"YQ=="}"#,
            r#"{"key":"cache:audit"}"#,
            r#"{"key":"a","dryRun":true}"#,
        ] {
            assert!(matches!(parse(bad), Err(Error::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn a_key_that_did_not_exist_is_an_error() {
        let request = parse(r#"{"key":"a"}"#).unwrap();
        let missing = InvalidateReport {
            keys_not_found: vec!["a".into()],
            ..InvalidateReport::default()
        };

        let result = request.require_found(missing);

        assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    }

    #[test]
    fn a_key_that_existed_is_reported() {
        let request = parse(r#"{"key":"a"}"#).unwrap();
        let removed = InvalidateReport {
            keys: vec!["a".into()],
            ..InvalidateReport::default()
        };

        let report = request.require_found(removed).unwrap();

        assert_eq!(report.keys_invalidated(), 1);
    }
}
