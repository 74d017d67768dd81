//! `spin:postgres` against a real server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use edge_cache_testing::PostgresServer;

use crate::support::{Application, Host};

/// What `/postgres/sleep` answers.
const SLEPT: &str = "[?column? DbDataType::Int32] [DbValue::Int32(1)] then Ok(())";

const GRANTS: &str = "allowed_outbound_hosts = ['{{ postgres_origin }}']";

fn application(server: &PostgresServer) -> Application {
    Application::with(GRANTS).postgres(server)
}

fn start(server: &PostgresServer) -> Host {
    application(server).start()
}

/// What comes back for some of the values the guest asks for.
const VALUES: &[(&str, &str)] = &[
    ("true, false, NULL::bool", "[DbValue::Boolean(true), DbValue::Boolean(false), DbValue::DbNull]"),
    (
        "1::int2, -2::int4, 9007199254740993::int8, NULL::int8",
        "[DbValue::Int16(1), DbValue::Int32(-2), DbValue::Int64(9007199254740993), DbValue::DbNull]",
    ),
    (r"'\x00ff'::bytea", "[DbValue::Binary([0, 255])]"),
    (
        "date '2026-11-22', date '0001-01-01', date '0044-03-15 BC'",
        "[DbValue::Date((2026, 11, 22)), DbValue::Date((1, 1, 1)), DbValue::Date((-43, 3, 15))]",
    ),
    ("time '23:59:59.123456', time '00:00'", "[DbValue::Time((23, 59, 59, 123456000)), DbValue::Time((0, 0, 0, 0))]"),
    ("'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "[DbValue::Uuid(\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\")]"),
    (
        "1.50::numeric, -0.000001::numeric, 12345678901234567890::numeric, 1e20::numeric, 0::numeric(5,2)",
        "[DbValue::Decimal(\"1.50\"), DbValue::Decimal(\"-0.000001\"), DbValue::Decimal(\"12345678901234567890\"), \
         DbValue::Decimal(\"100000000000000000000\"), DbValue::Decimal(\"0.00\")]",
    ),
    (
        "ARRAY[1, NULL, 3]::int4[], ARRAY[]::int8[], ARRAY[1.5, NULL]::numeric[]",
        "[DbValue::ArrayInt32([Some(1), None, Some(3)]), DbValue::ArrayInt64([]), \
         DbValue::ArrayDecimal([Some(\"1.5\"), None])]",
    ),
    ("1 WHERE false", "[] "),
];

/// What follows `question => ` in the answers.
fn answer<'a>(text: &'a str, question: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(question)?.strip_prefix(" => "));
    line.unwrap_or_else(|| panic!("{question} in {text}"))
}

#[test]
fn every_type_of_value_comes_back_and_null_with_it() {
    let server = PostgresServer::start();
    let text = start(&server).get("/postgres/values");
    for (question, expected) in VALUES {
        let told = answer(&text, question);
        assert!(told.ends_with(&format!("{expected} then Ok(())")), "{question}: {told}");
    }
    // What cannot be read ends the rows; so does what the server finds out late.
    for (question, says) in [
        ("'infinity'::date", "value too large to decode"),
        ("1e30::numeric, 'NaN'::numeric", "error deserializing column 0"),
        ("ARRAY[[1, 2], [3, 4]]", "array contains too many dimensions"),
        ("n / (2 - n) FROM generate_series(1, 3) n", "division by zero"),
    ] {
        let told = answer(&text, question);
        assert!(told.contains(" then Err(PgError(Error::QueryFailed(") && told.contains(says), "{question}: {told}");
    }
    assert!(answer(&text, "VARIADIC").starts_with("refused PgError(Error::QueryFailed(QueryError::DbError("));
}

#[test]
fn every_type_of_parameter_is_sent_and_what_is_no_value_told() {
    let server = PostgresServer::start();
    let text = start(&server).get("/postgres/parameters");
    let (good, bad): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.ends_with(" then Ok(())"));
    // The last of them reads a timestamptz back, which neither Spin nor this host can.
    assert_eq!((good.len(), bad.len()), (27, 14), "{text}");
    for line in good {
        let sent = line.split_once(" ParameterValue::").unwrap().1.split_once(" => ").unwrap().0;
        let kept = ["Int8(65)", "Jsonb([", "RangeInt64("].iter().any(|other| sent.starts_with(other));
        assert!(kept || line.contains(&format!("[DbValue::{sent}] then")), "{line}");
    }
    for says in ["BadParameter(\"invalid date y=2026, m=2, d=30\")", "BadParameter(\"invalid UUID x\\n\\nCaused by"] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert!(text.contains("WrongType { postgres: Int4, rust: \\\"i64\\\" }"), "{text}");
}

#[test]
fn statements_change_rows_and_are_refused_with_the_server_s_own_words() {
    let server = PostgresServer::start();
    let text = start(&server).get("/postgres/statements");
    for (statement, expected) in [
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "Ok(2)"),
        ("", "Ok(0)"),
        ("UPDATE t SET name = name || '!'", "Ok(2)"),
        ("SELECT id FROM t", "Ok(2)"),
        ("DELETE FROM t", "Ok(2)"),
        ("ROLLBACK", "Ok(0)"),
        ("DELETE FROM t WHERE id = 1", "Ok(1)"),
    ] {
        assert_eq!(answer(&text, statement), expected, "{statement}");
    }
    let refused = answer(&text, "INSERT INTO t VALUES (1, 'c')");
    for part in [
        "severity: \"ERROR\", code: \"23505\"",
        "message: \"duplicate key value violates unique constraint \\\"t_pkey\\\"\"",
        "detail: Some(\"Key (id)=(1) already exists.\")",
        "(\"constraint\", \"t_pkey\")",
        "(\"table\", \"t\")",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert!(answer(&text, "bad parameter").starts_with("Err(PgError(Error::ValueConversionFailed(\"invalid date"));
    assert!(text.ends_with("[DbValue::Int32(7), DbValue::Str(\"r\")] then Ok(())\n[]  then Ok(())"), "{text}");
}

#[test]
fn the_functions_without_async_do_the_same() {
    let server = PostgresServer::start();
    let host = start(&server);
    let text = host.get("/postgres/synchronous");
    assert!(
        text.contains("[[DbValue::Int32(1), DbValue::Str(\"1\")], [DbValue::Int32(2), DbValue::Str(\"2\")]]"),
        "{text}"
    );
    assert!(text.ends_with("Ok([[DbValue::Int32(5)]])"), "{text}");
    assert_eq!(host.get("/postgres/nothing"), "Ok(([], []))");
}

#[test]
fn many_rows_stream_and_a_component_may_stop_reading_them() {
    let server = PostgresServer::start();
    let host = start(&server);
    assert_eq!(host.get("/postgres/stream?0"), "0 rows, sum 0, Ok(())");
    assert_eq!(host.get("/postgres/stream?100000"), "100000 rows, sum 5000050000, Ok(())");
    let expected = "\
Some([DbValue::Int32(1)])
Some([DbValue::Int32(2)])
Some([DbValue::Int32(3)])
[?column? DbDataType::Str] [DbValue::Str(\"next\")] then Ok(())";
    assert_eq!(host.get("/postgres/partly"), expected);
}

#[test]
fn connections_are_reused_clean_and_never_shared() {
    let server = PostgresServer::start();
    let host = start(&server);
    assert_eq!(host.get("/postgres/reuse"), "set: true, own: true, the first again and clean: true");
    assert_eq!(host.get("/postgres/parallel"), "60");
}

#[test]
fn a_query_outlives_the_thread_that_opened_its_connection() {
    let server = PostgresServer::start();
    let mut host = start(&server);
    // Its connection is still open when the next comes, which is given to another thread.
    assert_eq!(host.get("/postgres/sleep?0"), SLEPT);
    let mut other = TcpStream::connect(&host.address).unwrap();
    let request = "GET /postgres/sleep?1.5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    other.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    host.signal("TERM");
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(SLEPT), "{answer}");
    assert_eq!(host.exit_code(), Some(0));
}

#[test]
fn a_forbidden_address_is_refused_by_every_way_to_open_it() {
    let server = PostgresServer::start();
    let host = start(&server);
    for (address, named) in [
        ("postgres://u:p@10.0.0.1/x", "postgres://10.0.0.1:5432"),
        ("host=127.0.0.1+port=1+user=u", "postgres://127.0.0.1:1"),
        // Every host must be allowed, and where an address is given besides the name it is what counts.
        (&format!("postgres://127.0.0.1:{},127.0.0.1:1/x", server.port()), "postgres://127.0.0.1:1"),
        (
            &format!("host=127.0.0.1+hostaddr=10.0.0.1+port={}", server.port()),
            &format!("postgres://10.0.0.1:{}", server.port()),
        ),
    ] {
        let text = ["open", "build"].map(|way| host.get(&format!("/postgres/{way}?{address}"))).join("\n");
        let expected = format!("Error::ConnectionFailed(\"address {named} is not permitted\")");
        assert_eq!(text.lines().filter(|line| line.contains(&expected)).count(), 4, "{address}: {text}");
    }
    let line = host.logs("postgres://10.0.0.1");
    assert!(line.contains("component `guest`") && line.contains("allowed_outbound_hosts"), "{line}");
}

#[test]
fn an_address_is_a_url_or_pairs_and_anything_else_is_told() {
    let server = PostgresServer::start();
    let host = start(&server);
    let pairs = format!("host=127.0.0.1+port={}+user=shop+dbname=postgres", server.port());
    for (address, says) in [
        (server.url().as_str(), "open"),
        (&pairs, "password missing"),
        (&format!("{pairs}+password=wrong"), "password authentication failed"),
        (&server.url().replace("/postgres", "/none"), "does not exist"),
        ("nonsense", "invalid connection string"),
        ("host=/tmp", "Unix sockets are not supported on WebAssembly"),
    ] {
        let text = host.get(&format!("/postgres/open?{address}"));
        assert_eq!(text.lines().filter(|line| line.contains(says)).count(), 3, "{address}: {text}");
    }
}

#[test]
fn a_server_that_goes_away_is_an_error_and_its_return_is_noticed() {
    let mut server = PostgresServer::start();
    let host = start(&server);
    let well = "[count DbDataType::Int64] [DbValue::Int64(1)] then Ok(())";
    assert_eq!(host.get("/postgres"), well);
    server.kill();
    assert!(host.get("/postgres").starts_with("refused "), "the connection is gone");
    assert!(host.get("/postgres").contains("Connection refused"), "so is the server");
    server.launch();
    assert_eq!(host.get("/postgres"), well);
}

#[test]
fn a_certificate_is_checked_and_its_authority_may_be_the_component_s_own() {
    let server = PostgresServer::with_tls();
    let grants = format!("{GRANTS}\nfiles = ['authority.pem', 'other.pem']");
    let application = Application::with(&grants).postgres(&server);
    std::fs::write(application.dir.path().join("authority.pem"), server.authority()).unwrap();
    std::fs::write(application.dir.path().join("other.pem"), "none").unwrap();
    let host = application.start();
    // By default TLS is used where the server offers it, and is then not optional.
    let unknown = host.get("/postgres");
    assert!(unknown.contains("error performing TLS handshake"), "{unknown}");
    let trusted = host.get("/postgres/trust?/authority.pem");
    assert_eq!(trusted, "[ssl DbDataType::Boolean] [DbValue::Boolean(true)] then Ok(())");
    assert!(host.get("/postgres/trust?/other.pem").contains("invalid root certificate"));
    let plain = host.get(&format!("/postgres/open?{}?sslmode=disable", server.url()));
    assert_eq!(plain, "open\nopen\nopen");
}
