//! Instances: how long they live and how many requests they serve at once. The end of the host.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Application, Response, wait_until};

#[test]
fn an_instance_is_replaced_after_128_requests() {
    let host = Application::with("").start();

    let counts: Vec<u32> = (0..130)
        .map(|_| host.get("/instance").parse().unwrap())
        .collect();

    assert_eq!(counts[..128], (1..=128).collect::<Vec<_>>());
    assert_eq!(counts[128..], [1, 2]);
}

#[test]
fn connections_are_spread_over_the_cores() {
    let host = Application::with("").start();
    let cores = std::thread::available_parallelism().unwrap().get();
    let streams: Vec<_> = (0..2 * cores)
        .map(|_| TcpStream::connect(&host.address).unwrap())
        .collect();

    let mut counts: Vec<_> = streams.iter().map(request_count_of_instance).collect();

    // Each core has an instance, and each instance serves two of the connections.
    counts.sort_unstable();
    let expected = "1".repeat(cores) + &"2".repeat(cores);
    assert_eq!(counts.iter().collect::<String>(), expected);
}

/// Sends `/instance` and returns the body, which is one digit.
fn request_count_of_instance(mut stream: &TcpStream) -> char {
    let request = b"GET /instance HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(request).unwrap();

    let mut response = String::new();
    while !response.contains("\r\n\r\n") || response.ends_with('\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        response.push(byte[0].into());
    }
    response.pop().unwrap()
}

#[test]
fn an_idle_instance_ends_after_a_second() {
    let host = Application::with("").start();
    assert_eq!(host.get("/instance"), "1");
    assert_eq!(host.get("/instance"), "2");

    std::thread::sleep(Duration::from_millis(1500));

    assert_eq!(host.get("/instance"), "1");
}

#[test]
fn an_instance_serves_at_most_16_requests_at_once() {
    let host = Application::with("").start();

    let paths: Vec<_> = (0..40).map(|_| "/sleep?400".to_owned()).collect();
    let concurrent = host.get_all(&paths);

    let concurrent = concurrent.iter().map(|count| count.parse::<u32>().unwrap());
    let maximum = concurrent.max().unwrap();
    assert!((2..=16).contains(&maximum), "{maximum}");
}

#[test]
fn simultaneous_requests_share_instances() {
    let host = Application::with("").start();
    let mut streams: Vec<_> = (0..320)
        .map(|_| TcpStream::connect(&host.address).unwrap())
        .collect();
    let request = b"GET /sleep?2000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for stream in &mut streams {
        stream.write_all(request).unwrap();
    }

    let responses = streams.iter_mut().map(|stream| {
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        response
    });

    // The body is the number of requests in the instance, and the last request is alone.
    let instances = responses
        .filter(|response| response.ends_with("\r\n\r\n1"))
        .count();
    let expected = 20..=40;
    assert!(expected.contains(&instances), "{instances} instances");
}

#[test]
fn a_request_is_served_while_others_compute() {
    let host = Application::with("")
        .argument("--request-timeout=3")
        .start();
    let cores = std::thread::available_parallelism().unwrap().get();

    std::thread::scope(|scope| {
        let loops: Vec<_> = (0..2 * cores)
            .map(|_| scope.spawn(|| host.send("/loop").status))
            .collect();
        std::thread::sleep(Duration::from_millis(500));

        assert_eq!(host.send("/next").status, 200);

        let still_run = loops.iter().all(|request| !request.is_finished());
        assert!(still_run, "it was served while the others computed");
        for request in loops {
            assert_eq!(request.join().unwrap(), 504);
        }
    });
}

#[test]
fn the_reuse_of_instances_can_be_configured() {
    let host = Application::with("")
        .argument("--max-instance-reuse-count=2")
        .argument("--max-instance-concurrent-reuse-count=1")
        .start();

    let counts: Vec<_> = (0..4).map(|_| host.get("/instance")).collect();
    assert_eq!(counts, ["1", "2", "1", "2"]);

    let paths: Vec<_> = (0..4).map(|_| "/sleep?200".to_owned()).collect();
    assert_eq!(host.get_all(&paths), ["1", "1", "1", "1"]);
}

#[test]
fn clients_receive_503_when_all_instances_are_in_use() {
    let host = Application::with("")
        .argument("--max-instances=2")
        .argument("--max-instance-concurrent-reuse-count=1")
        .argument("--idle-instance-timeout=0")
        .start();

    let responses: Vec<Response> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| host.send("/sleep?1500")))
            .collect();
        let responses = requests.into_iter().map(|request| request.join().unwrap());
        responses.collect()
    });

    let (served, refused): (Vec<_>, Vec<_>) = responses
        .iter()
        .partition(|response| response.status == 200);
    assert_eq!(served.len(), 2, "{responses:?}");
    assert_eq!(refused.len(), 2, "{responses:?}");
    for response in refused {
        assert_eq!(response.status, 503, "{response:?}");
        assert_eq!(response.headers["retry-after"], "1");
        assert_eq!(response.headers["content-type"], "application/problem+json");
    }

    wait_until(|| host.send("/next").status == 200);
    let log = host.stderr();
    let lines = log
        .iter()
        .filter(|line| line.contains("no room for another instance"))
        .count();
    assert!((1..=2).contains(&lines), "{log:?}");
}

#[test]
fn a_trap_ends_only_its_own_instance() {
    let host = Application::with("")
        .argument("--max-instance-concurrent-reuse-count=1")
        .start();

    std::thread::scope(|scope| {
        let slow = scope.spawn(|| host.get("/sleep?500"));
        std::thread::sleep(Duration::from_millis(100));

        assert_eq!(host.send("/trap").status, 500);

        assert_eq!(slow.join().unwrap(), "1");
    });
}

#[test]
fn lines_of_different_instances_do_not_mix() {
    let host = Application::with("")
        .argument("--max-instance-concurrent-reuse-count=1")
        .start();
    let count = |lines: &[String], line: &str| lines.iter().filter(|seen| *seen == line).count();

    host.get_all(&["/print?one", "/print?two"].map(str::to_owned));
    // The last line has no newline, so it is printed when its instance ends.
    for line in ["end-of-one", "end-of-two"] {
        wait_until(|| count(&host.stdout(), line) == 1);
    }

    for line in ["oneoneone", "twotwotwo"] {
        assert_eq!(count(&host.stdout(), line), 20, "{:?}", host.stdout());
        assert_eq!(count(&host.stderr(), line), 20, "{:?}", host.stderr());
    }
}

#[test]
fn quiet_discards_the_output_of_components() {
    let host = Application::with("").argument("--quiet").start();

    host.get("/print?word");

    assert!(!host.stdout().join("\n").contains("wordword"));
}

#[test]
fn requests_in_flight_finish_when_the_host_is_stopped() {
    for signal in ["TERM", "INT"] {
        let mut host = Application::with("").start();

        let response = std::thread::scope(|scope| {
            let request = scope.spawn(|| host.send("/sleep?700"));
            std::thread::sleep(Duration::from_millis(200));
            host.signal(signal);
            request.join().unwrap()
        });

        assert_eq!(response.status, 200, "{signal}");
        assert_eq!(response.body, "1", "{signal}");
        assert_eq!(host.exit_code(), Some(0), "{signal}");
        assert!(host.stderr().is_empty(), "{:?}", host.stderr());
    }
}

#[test]
fn a_request_that_does_not_end_does_not_keep_the_host_alive() {
    let mut host = Application::with("").start();
    let address = host.address.clone();

    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = b"GET /sleep?60000 HTTP/1.1\r\nHost: h\r\n\r\n";
            stream.write_all(request).unwrap();
            let _ = stream.read(&mut [0]);
        });
        std::thread::sleep(Duration::from_millis(200));

        host.signal("TERM");

        assert_eq!(host.exit_code(), Some(0));
    });
}

#[test]
fn the_copies_of_files_are_removed_when_the_host_ends() {
    let scheduled =
        "files = ['text']\n[[trigger.cron]]\ncron_expression = '* * * * * *'\ncomponent = 'guest'";
    for grants in ["files = ['text']", scheduled] {
        let temporary = tempfile::tempdir().unwrap();
        let copies = || std::fs::read_dir(temporary.path()).unwrap().count();
        let application =
            Application::with(grants).environment("TMPDIR", temporary.path().to_str().unwrap());
        application.write("text", "text");

        let mut host = application.start();
        assert_eq!(host.get("/file?text"), "text");
        assert_eq!(copies(), 1, "{grants}");

        host.signal("TERM");
        assert_eq!(host.exit_code(), Some(0), "{grants}");
        assert_eq!(copies(), 0, "{grants}");
    }
}
