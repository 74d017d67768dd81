use serde_json::json;

use super::*;

fn of(cell: DbValue) -> Value {
    named(cell, DbDataType::Str).unwrap()
}

fn named(cell: DbValue, data_type: DbDataType) -> Result<Value, String> {
    value(cell, &Column { name: "c".to_owned(), data_type })
}

#[test]
fn numbers_are_what_sqlite_gives() {
    assert_eq!(of(DbValue::Int16(-1)).to_string(), "-1");
    assert_eq!(of(DbValue::Int64(i64::MAX)).to_string(), "9223372036854775807");
    assert_eq!(of(DbValue::Floating64(0.1)).to_string(), "0.1");
    assert_eq!(of(DbValue::Floating64(2.0)).to_string(), "2.0");
    assert_eq!(of(DbValue::Floating32(0.1)).to_string(), "0.1");
}

#[test]
fn a_decimal_is_a_number_where_nothing_is_lost() {
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
        assert_eq!(of(DbValue::Decimal(digits.to_owned())).to_string(), expected, "{digits}");
    }
}

#[test]
fn what_json_has_no_number_for_is_text() {
    assert_eq!(of(DbValue::Floating64(f64::NAN)), json!("NaN"));
    assert_eq!(of(DbValue::Floating64(f64::NEG_INFINITY)), json!("-Infinity"));
}

#[test]
fn moments_are_iso_8601() {
    assert_eq!(of(DbValue::Date((2026, 11, 2))), json!("2026-11-02"));
    assert_eq!(of(DbValue::Date((-43, 3, 15))), json!("0044-03-15 BC"));
    assert_eq!(of(DbValue::Time((1, 2, 3, 0))), json!("01:02:03"));
    assert_eq!(of(DbValue::Datetime((2026, 11, 2, 1, 2, 3, 500_000_000))), json!("2026-11-02T01:02:03.5"));
    let interval = |months, days, micros| of(DbValue::Interval(Interval { micros, days, months }));
    assert_eq!(interval(14, 3, 14_706_700_000), json!("P1Y2M3DT4H5M6.7S"));
    assert_eq!(interval(0, -1, 0), json!("P-1D"));
    assert_eq!(interval(0, 0, -500_000), json!("PT-0.5S"));
    assert_eq!(interval(0, 0, 0), json!("PT0S"));
}

#[test]
fn lists_and_documents_keep_their_form() {
    assert_eq!(of(DbValue::ArrayInt32(vec![Some(1), None])), json!([1, null]));
    assert_eq!(of(DbValue::ArrayDecimal(vec![Some("1.50".into()), None])), json!([1.5, null]));
    assert_eq!(of(DbValue::ArrayStr(vec![Some("a".into())])), json!(["a"]));
    assert_eq!(of(DbValue::Jsonb(br#"{"a":[1,null]}"#.to_vec())), json!({"a": [1, null]}));
    let text = DbValue::Unsupported(br#"{"a": 1}"#.to_vec());
    assert_eq!(named(text, DbDataType::Other("json".into())), Ok(json!({"a": 1})));
}

#[test]
fn ranges_are_written_as_postgresql_writes_them() {
    let (closed, open) = (RangeBoundKind::Inclusive, RangeBoundKind::Exclusive);
    assert_eq!(of(DbValue::RangeInt32((Some((1, closed)), Some((5, open))))), json!("[1,5)"));
    assert_eq!(of(DbValue::RangeDecimal((Some(("1.5".into(), open)), None))), json!("(1.5,)"));
}

#[test]
fn kinds_of_text_are_text_and_other_types_are_refused_by_name() {
    let sent = |bytes: &[u8], name: &str| named(DbValue::Unsupported(bytes.to_vec()), DbDataType::Other(name.into()));
    assert_eq!(sent(b"happy", "mood"), Ok(json!("happy")));
    assert_eq!(sent(b"a", "citext"), Ok(json!("a")));
    for name in ["oid", "inet", "_bool", "daterange"] {
        let error = sent(b"abcd", name).unwrap_err();
        assert!(error.contains("`c`") && error.contains(name) && error.contains("CAST(c AS text)"), "{error}");
    }
    assert!(sent(&[0xff], "own").is_err());
    assert_eq!(of(DbValue::DbNull), json!(null));
    assert_eq!(of(DbValue::Boolean(true)), json!(true));
}
