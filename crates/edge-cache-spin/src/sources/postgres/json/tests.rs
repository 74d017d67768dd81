//! Tests of each type's JSON form.

use serde_json::json;

use super::*;

fn converted(cell: DbValue) -> Value {
    converted_from(cell, DbDataType::Str).unwrap()
}

fn converted_from(cell: DbValue, data_type: DbDataType) -> Result<Value, String> {
    from_cell(
        cell,
        &Column {
            name: "c".to_owned(),
            data_type,
        },
    )
}

#[test]
fn numbers_are_like_those_of_sqlite() {
    assert_eq!(converted(DbValue::Int16(-1)).to_string(), "-1");
    assert_eq!(
        converted(DbValue::Int64(i64::MAX)).to_string(),
        "9223372036854775807"
    );
    assert_eq!(converted(DbValue::Floating64(0.1)).to_string(), "0.1");
    assert_eq!(converted(DbValue::Floating64(2.0)).to_string(), "2.0");
    assert_eq!(converted(DbValue::Floating32(0.1)).to_string(), "0.1");
}

#[test]
fn a_decimal_is_a_number_if_nothing_is_lost() {
    for (digits, expected) in [
        ("0", "0"),
        ("2.00", "2"),
        ("-19.90", "-19.9"),
        ("0.000001", "1e-6"),
        ("1234567890.12", "1234567890.12"),
        ("9223372036854775807", "9223372036854775807"),
        ("12345678901234567890", "\"12345678901234567890\""),
        ("0.1234567890123456789", "\"0.1234567890123456789\""),
    ] {
        assert_eq!(
            converted(DbValue::Decimal(digits.to_owned())).to_string(),
            expected,
            "{digits}"
        );
    }
}

#[test]
fn a_number_that_json_does_not_have_is_text() {
    assert_eq!(converted(DbValue::Floating64(f64::NAN)), json!("NaN"));
    assert_eq!(
        converted(DbValue::Floating64(f64::NEG_INFINITY)),
        json!("-Infinity")
    );
}

#[test]
fn dates_times_and_intervals_are_iso_8601() {
    assert_eq!(converted(DbValue::Date((2026, 11, 2))), json!("2026-11-02"));
    assert_eq!(
        converted(DbValue::Date((-43, 3, 15))),
        json!("0044-03-15 BC")
    );
    assert_eq!(converted(DbValue::Time((1, 2, 3, 0))), json!("01:02:03"));
    assert_eq!(
        converted(DbValue::Datetime((2026, 11, 2, 1, 2, 3, 500_000_000))),
        json!("2026-11-02T01:02:03.5")
    );

    let interval = |months, days, micros| {
        converted(DbValue::Interval(Interval {
            micros,
            days,
            months,
        }))
    };
    assert_eq!(interval(14, 3, 14_706_700_000), json!("P1Y2M3DT4H5M6.7S"));
    assert_eq!(interval(0, -1, 0), json!("P-1D"));
    assert_eq!(interval(0, 0, -500_000), json!("PT-0.5S"));
    assert_eq!(interval(0, 0, 0), json!("PT0S"));
}

#[test]
fn lists_and_documents_keep_their_form() {
    assert_eq!(
        converted(DbValue::ArrayInt32(vec![Some(1), None])),
        json!([1, null])
    );
    assert_eq!(
        converted(DbValue::ArrayDecimal(vec![Some("1.50".into()), None])),
        json!([1.5, null])
    );
    assert_eq!(
        converted(DbValue::ArrayStr(vec![Some("a".into())])),
        json!(["a"])
    );
    assert_eq!(
        converted(DbValue::Jsonb(br#"{"a":[1,null]}"#.to_vec())),
        json!({"a": [1, null]})
    );

    let text = DbValue::Unsupported(br#"{"a": 1}"#.to_vec());
    assert_eq!(
        converted_from(text, DbDataType::Other("json".into())),
        Ok(json!({"a": 1}))
    );
}

#[test]
fn ranges_are_written_as_postgresql_writes_them() {
    let (closed, open) = (RangeBoundKind::Inclusive, RangeBoundKind::Exclusive);
    assert_eq!(
        converted(DbValue::RangeInt32((Some((1, closed)), Some((5, open))))),
        json!("[1,5)")
    );
    assert_eq!(
        converted(DbValue::RangeDecimal((Some(("1.5".into(), open)), None))),
        json!("(1.5,)")
    );
}

#[test]
fn text_types_are_text_and_other_types_are_refused_by_name() {
    let sent = |bytes: &[u8], name: &str| {
        converted_from(
            DbValue::Unsupported(bytes.to_vec()),
            DbDataType::Other(name.into()),
        )
    };
    assert_eq!(sent(b"happy", "mood"), Ok(json!("happy")));
    assert_eq!(sent(b"a", "citext"), Ok(json!("a")));

    for name in ["oid", "inet", "_bool", "daterange"] {
        let error = sent(b"abcd", name).unwrap_err();
        assert!(
            error.contains("`c`") && error.contains(name) && error.contains("CAST(c AS text)"),
            "{error}"
        );
    }
    assert!(sent(&[0xff], "own").is_err());
    assert_eq!(converted(DbValue::DbNull), json!(null));
    assert_eq!(converted(DbValue::Boolean(true)), json!(true));
}
