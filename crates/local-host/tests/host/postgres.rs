//! `spin:postgres` against a real server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use edge_cache_testing::PostgresServer;

use crate::support::{Application, Host};

/// The response of `/postgres/sleep`.
const SLEPT: &str = "[?column? DbDataType::Int32] [DbValue::Int32(1)] then Ok(())";

const GRANTS: &str = "allowed_outbound_hosts = ['{{ postgres_origin }}']";

fn application(server: &PostgresServer) -> Application {
    Application::with(GRANTS).postgres(server)
}

fn start(server: &PostgresServer) -> Host {
    application(server).start()
}

/// Some of the guest's queries, with their rows.
const VALUES: &[(&str, &str)] = &[
    (
        "true, false, NULL::bool",
        "[DbValue::Boolean(true), DbValue::Boolean(false), DbValue::DbNull]",
    ),
    (
        "1::int2, -2::int4, 9007199254740993::int8, NULL::int8",
        "[DbValue::Int16(1), DbValue::Int32(-2), DbValue::Int64(9007199254740993), DbValue::DbNull]",
    ),
    (r"'\x00ff'::bytea", "[DbValue::Binary([0, 255])]"),
    (
        "date '2026-11-22', date '0001-01-01', date '0044-03-15 BC'",
        "[DbValue::Date((2026, 11, 22)), DbValue::Date((1, 1, 1)), DbValue::Date((-43, 3, 15))]",
    ),
    (
        "time '23:59:59.123456', time '00:00'",
        "[DbValue::Time((23, 59, 59, 123456000)), DbValue::Time((0, 0, 0, 0))]",
    ),
    (
        "'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        "[DbValue::Uuid(\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\")]",
    ),
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

/// The results of the guest's queries or statements, one `statement => result` a line.
struct Results(String);

impl Results {
    fn read(host: &Host, path: &str) -> Self {
        Self(host.get(path))
    }

    fn of(&self, statement: &str) -> &str {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(statement)?.strip_prefix(" => "))
            .unwrap_or_else(|| panic!("{statement} in {}", self.0))
    }
}

#[test]
fn every_type_of_value_is_read() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/values");
    for (query, row) in VALUES {
        let result = results.of(query);
        let expected = format!("{row} then Ok(())");
        assert!(result.ends_with(&expected), "{query}: {result}");
    }
}

#[test]
fn an_unreadable_value_or_a_late_error_ends_the_rows() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/values");
    for (query, expected) in [
        ("'infinity'::date", "value too large to decode"),
        (
            "1e30::numeric, 'NaN'::numeric",
            "error deserializing column 0",
        ),
        (
            "ARRAY[[1, 2], [3, 4]]",
            "array contains too many dimensions",
        ),
        (
            "n / (2 - n) FROM generate_series(1, 3) n",
            "division by zero",
        ),
    ] {
        let result = results.of(query);
        let failed = " then Err(PgError(Error::QueryFailed(";
        assert!(result.contains(failed), "{query}: {result}");
        assert!(result.contains(expected), "{query}: {result}");
    }
}

#[test]
fn an_invalid_query_is_refused_with_the_fields_of_the_server() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/values");
    let result = results.of("VARIADIC");
    let expected = "refused PgError(Error::QueryFailed(QueryError::DbError(";
    assert!(result.starts_with(expected), "{result}");
}

#[test]
fn every_type_of_parameter_is_sent() {
    let server = PostgresServer::start();
    let text = start(&server).get("/postgres/parameters");
    let accepted: Vec<_> = text
        .lines()
        .filter(|line| line.ends_with(" then Ok(())"))
        .collect();
    assert_eq!(accepted.len(), 27, "{text}");

    for line in accepted {
        let (_, parameter) = line.split_once(" ParameterValue::").unwrap();
        let (parameter, _) = parameter.split_once(" => ").unwrap();
        // These return as another type, or in another form.
        let differs = ["Int8(65)", "Jsonb([", "RangeInt64("]
            .iter()
            .any(|prefix| parameter.starts_with(prefix));
        if !differs {
            let returned = format!("[DbValue::{parameter}] then");
            assert!(line.contains(&returned), "{line}");
        }
    }
}

#[test]
fn an_invalid_parameter_is_an_error_with_the_reason() {
    let server = PostgresServer::start();
    let text = start(&server).get("/postgres/parameters");
    let refused = text
        .lines()
        .filter(|line| !line.ends_with(" then Ok(())"))
        .count();
    // One of them reads a timestamptz back, which neither Spin nor this host supports.
    assert_eq!(refused, 14, "{text}");

    for expected in [
        "BadParameter(\"invalid date y=2026, m=2, d=30\")",
        "BadParameter(\"invalid UUID x\\n\\nCaused by",
        "WrongType { postgres: Int4, rust: \\\"i64\\\" }",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_statement_returns_the_number_of_changed_rows() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/statements");
    for (statement, expected) in [
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "Ok(2)"),
        ("", "Ok(0)"),
        ("UPDATE t SET name = name || '!'", "Ok(2)"),
        ("SELECT id FROM t", "Ok(2)"),
        ("DELETE FROM t", "Ok(2)"),
        ("ROLLBACK", "Ok(0)"),
        ("DELETE FROM t WHERE id = 1", "Ok(1)"),
    ] {
        assert_eq!(results.of(statement), expected, "{statement}");
    }

    let rows = "[DbValue::Int32(7), DbValue::Str(\"r\")] then Ok(())\n[]  then Ok(())";
    assert!(results.0.ends_with(rows), "{}", results.0);
}

#[test]
fn a_refused_statement_has_the_fields_of_the_server() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/statements");
    let refused = results.of("INSERT INTO t VALUES (1, 'c')");

    for part in [
        "severity: \"ERROR\", code: \"23505\"",
        "message: \"duplicate key value violates unique constraint \\\"t_pkey\\\"\"",
        "detail: Some(\"Key (id)=(1) already exists.\")",
        "(\"constraint\", \"t_pkey\")",
        "(\"table\", \"t\")",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[test]
fn an_invalid_parameter_of_a_statement_is_a_conversion_error() {
    let server = PostgresServer::start();
    let results = Results::read(&start(&server), "/postgres/statements");
    let result = results.of("bad parameter");
    let expected = "Err(PgError(Error::ValueConversionFailed(\"invalid date";
    assert!(result.starts_with(expected), "{result}");
}

#[test]
fn the_synchronous_functions_return_the_same() {
    let server = PostgresServer::start();
    let host = start(&server);

    let text = host.get("/postgres/synchronous");

    let rows =
        "[[DbValue::Int32(1), DbValue::Str(\"1\")], [DbValue::Int32(2), DbValue::Str(\"2\")]]";
    assert!(text.contains(rows), "{text}");
    assert!(text.ends_with("Ok([[DbValue::Int32(5)]])"), "{text}");
    assert_eq!(host.get("/postgres/nothing"), "Ok(([], []))");
}

#[test]
fn many_rows_are_streamed() {
    let server = PostgresServer::start();
    let host = start(&server);
    assert_eq!(host.get("/postgres/stream?0"), "0 rows, sum 0, Ok(())");
    assert_eq!(
        host.get("/postgres/stream?100000"),
        "100000 rows, sum 5000050000, Ok(())"
    );
}

#[test]
fn a_component_can_stop_reading_rows() {
    let server = PostgresServer::start();
    let host = start(&server);
    let expected = "\
Some([DbValue::Int32(1)])
Some([DbValue::Int32(2)])
Some([DbValue::Int32(3)])
[?column? DbDataType::Str] [DbValue::Str(\"next\")] then Ok(())";
    assert_eq!(host.get("/postgres/partly"), expected);
}

#[test]
fn connections_are_reset_for_reuse_and_never_shared() {
    let server = PostgresServer::start();
    let host = start(&server);
    assert_eq!(
        host.get("/postgres/reuse"),
        "set: true, own: true, the first again and clean: true"
    );
    assert_eq!(host.get("/postgres/parallel"), "60");
}

#[test]
fn a_query_outlives_the_thread_that_opened_its_connection() {
    let server = PostgresServer::start();
    let mut host = start(&server);
    // The connection of this client stays open, so the next client goes to another thread.
    assert_eq!(host.get("/postgres/sleep?0"), SLEPT);
    let mut other = TcpStream::connect(&host.address).unwrap();
    let request = b"GET /postgres/sleep?1.5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    other.write_all(request).unwrap();
    std::thread::sleep(Duration::from_millis(500));

    host.signal("TERM");

    let mut response = String::new();
    other.read_to_string(&mut response).unwrap();
    assert!(response.ends_with(SLEPT), "{response}");
    assert_eq!(host.exit_code(), Some(0));
}

#[test]
fn a_forbidden_address_is_refused_by_every_function() {
    let server = PostgresServer::start();
    let port = server.port();
    let host = start(&server);

    for (address, forbidden) in [
        ("postgres://u:p@10.0.0.1/x", "postgres://10.0.0.1:5432"),
        ("host=127.0.0.1+port=1+user=u", "postgres://127.0.0.1:1"),
        // Every host must be allowed.
        (
            &format!("postgres://127.0.0.1:{port},127.0.0.1:1/x"),
            "postgres://127.0.0.1:1",
        ),
        // The client connects to `hostaddr` instead of the name.
        (
            &format!("host=127.0.0.1+hostaddr=10.0.0.1+port={port}"),
            &format!("postgres://10.0.0.1:{port}"),
        ),
    ] {
        let opened = host.get(&format!("/postgres/open?{address}"));
        let built = host.get(&format!("/postgres/build?{address}"));

        let expected = format!("Error::ConnectionFailed(\"address {forbidden} is not permitted\")");
        let lines = opened.lines().chain(built.lines());
        let refused = lines.filter(|line| line.contains(&expected)).count();
        assert_eq!(refused, 4, "{address}: {opened}\n{built}");
    }

    let line = host.wait_for_log("postgres://10.0.0.1");
    assert!(line.contains("component `guest`"), "{line}");
    assert!(line.contains("allowed_outbound_hosts"), "{line}");
}

#[test]
fn an_address_is_a_url_or_pairs() {
    let server = PostgresServer::start();
    let host = start(&server);
    let pairs = format!(
        "host=127.0.0.1+port={}+user=shop+dbname=postgres",
        server.port()
    );

    for (address, expected) in [
        (server.url().as_str(), "open"),
        (&pairs, "password missing"),
        (
            &format!("{pairs}+password=wrong"),
            "password authentication failed",
        ),
        (
            &server.url().replace("/postgres", "/none"),
            "does not exist",
        ),
        ("nonsense", "invalid connection string"),
        ("host=/tmp", "Unix sockets are not supported on WebAssembly"),
    ] {
        let text = host.get(&format!("/postgres/open?{address}"));
        let lines = text.lines().filter(|line| line.contains(expected));
        assert_eq!(lines.count(), 3, "{address}: {text}");
    }
}

#[test]
fn a_server_that_goes_away_is_an_error_until_it_returns() {
    let mut server = PostgresServer::start();
    let host = start(&server);
    let row = "[count DbDataType::Int64] [DbValue::Int64(1)] then Ok(())";
    assert_eq!(host.get("/postgres"), row);

    server.kill();
    let lost_connection = host.get("/postgres");
    assert!(lost_connection.starts_with("refused "), "{lost_connection}");
    let lost_server = host.get("/postgres");
    assert!(lost_server.contains("Connection refused"), "{lost_server}");

    server.launch();
    assert_eq!(host.get("/postgres"), row);
}

/// The guest with a server that offers TLS, and two certificates.
fn start_with_tls(server: &PostgresServer) -> Host {
    let grants = format!("{GRANTS}\nfiles = ['authority.pem', 'other.pem']");
    let application = Application::with(&grants).postgres(server);
    application.write("authority.pem", server.authority());
    application.write("other.pem", "none");
    application.start()
}

#[test]
fn an_unknown_certificate_is_refused() {
    let server = PostgresServer::with_tls();
    let host = start_with_tls(&server);
    // If the server offers TLS, it is used and is not optional.
    let error = host.get("/postgres");
    assert!(error.contains("error performing TLS handshake"), "{error}");
}

#[test]
fn a_component_can_trust_its_own_authority() {
    let server = PostgresServer::with_tls();
    let host = start_with_tls(&server);

    let trusted = host.get("/postgres/trust?/authority.pem");
    let expected = "[ssl DbDataType::Boolean] [DbValue::Boolean(true)] then Ok(())";
    assert_eq!(trusted, expected);

    let invalid = host.get("/postgres/trust?/other.pem");
    assert!(invalid.contains("invalid root certificate"), "{invalid}");
}

#[test]
fn an_address_can_disable_tls() {
    let server = PostgresServer::with_tls();
    let host = start_with_tls(&server);
    let plain = host.get(&format!("/postgres/open?{}?sslmode=disable", server.url()));
    assert_eq!(plain, "open\nopen\nopen");
}
