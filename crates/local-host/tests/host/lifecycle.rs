//! Instances: how long they live and how much they take at once; and the end of the host itself.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Application, wait_for};

#[test]
fn an_instance_serves_128_requests_and_is_replaced() {
    let host = Application::with("").start();
    let counts: Vec<u32> = (0..130).map(|_| host.get("/instance").parse().unwrap()).collect();
    assert_eq!(counts[..128], (1..=128).collect::<Vec<_>>());
    assert_eq!(counts[128..], [1, 2]);
}

#[test]
fn connections_are_spread_over_the_cores() {
    let host = Application::with("").start();
    let cores = std::thread::available_parallelism().unwrap().get();
    let streams: Vec<_> = (0..2 * cores).map(|_| TcpStream::connect(&host.address).unwrap()).collect();
    let ask = |mut stream: &TcpStream| {
        stream.write_all(b"GET /instance HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        let mut answer = String::new();
        while !answer.contains("\r\n\r\n") || answer.ends_with('\n') {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0].into());
        }
        answer.pop().unwrap()
    };
    let mut counts: Vec<_> = streams.iter().map(ask).collect();
    counts.sort_unstable();
    // Each core has an instance, and each of those two of the connections.
    assert_eq!(counts.iter().collect::<String>(), "1".repeat(cores) + &"2".repeat(cores));
}

#[test]
fn an_idle_instance_is_dropped_after_a_second() {
    let host = Application::with("").start();
    assert_eq!(host.get("/instance"), "1");
    assert_eq!(host.get("/instance"), "2");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(host.get("/instance"), "1");
}

#[test]
fn an_instance_takes_requests_at_the_same_time_but_never_more_than_16() {
    let host = Application::with("").start();
    let paths: Vec<_> = (0..40).map(|_| "/sleep?400".to_owned()).collect();
    let most = host.get_all(&paths).iter().map(|active| active.parse::<u32>().unwrap()).max().unwrap();
    assert!((2..=16).contains(&most), "{most}");
}

#[test]
fn requests_that_come_at_the_same_moment_share_instances() {
    let host = Application::with("").start();
    let mut streams: Vec<_> = (0..320).map(|_| TcpStream::connect(&host.address).unwrap()).collect();
    for stream in &mut streams {
        stream.write_all(b"GET /sleep?2000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    }
    let answers = streams.iter_mut().map(|stream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    });
    // The last to leave an instance is alone in it.
    let instances = answers.filter(|answer| answer.ends_with("\r\n\r\n1")).count();
    assert!((20..=40).contains(&instances), "{instances} instances for 320 requests");
}

#[test]
fn requests_that_compute_keep_nobody_out() {
    let host = Application::with("").argument("--request-timeout=3").start();
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().unwrap().get();
        let loops: Vec<_> = (0..2 * cores).map(|_| scope.spawn(|| host.ask("/loop").status)).collect();
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(host.ask("/next").status, 200);
        assert!(loops.iter().all(|one| !one.is_finished()), "answered while others compute");
        assert!(loops.into_iter().all(|one| one.join().unwrap() == 504));
    });
}

#[test]
fn the_numbers_can_be_set() {
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
fn past_the_most_instances_clients_are_told_to_try_again() {
    let host = Application::with("")
        .argument("--max-instances=2")
        .argument("--max-instance-concurrent-reuse-count=1")
        .argument("--idle-instance-timeout=0")
        .start();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| host.ask("/sleep?1500"))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((served.len(), refused.len()), (2, 2), "{answers:?}");
    for answer in refused {
        assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()), "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    wait_for(|| (host.ask("/next").status == 200).then_some(())).unwrap();
    let said = host.stderr().iter().filter(|line| line.contains("no room for another instance")).count();
    assert!((1..=2).contains(&said), "{:?}", host.stderr());
}

#[test]
fn a_trap_takes_only_its_own_instance() {
    let host = Application::with("").argument("--max-instance-concurrent-reuse-count=1").start();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| host.get("/sleep?500"));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(host.ask("/trap").status, 500);
        assert_eq!(slow.join().unwrap(), "1");
    });
}

#[test]
fn lines_of_different_instances_do_not_mix() {
    let host = Application::with("").argument("--max-instance-concurrent-reuse-count=1").start();
    host.get_all(&["/print?one", "/print?two"].map(str::to_owned));
    let count = |lines: &[String], line: &str| lines.iter().filter(|seen| *seen == line).count();
    // The last line of each has no end and comes when its instance goes.
    wait_for(|| (count(&host.stdout(), "end-of-one") + count(&host.stdout(), "end-of-two") == 2).then_some(()))
        .unwrap();
    for line in ["oneoneone", "twotwotwo"] {
        assert_eq!((count(&host.stdout(), line), count(&host.stderr(), line)), (20, 20), "{:?}", host.stderr());
    }
}

#[test]
fn quiet_throws_away_what_components_print() {
    let host = Application::with("").argument("--quiet").start();
    host.get("/print?word");
    assert!(!host.stdout().join("\n").contains("wordword"));
}

#[test]
fn requests_in_flight_finish_when_the_host_is_stopped() {
    for signal in ["TERM", "INT"] {
        let mut host = Application::with("").start();
        let (answer, code) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| host.ask("/sleep?700"));
            std::thread::sleep(Duration::from_millis(200));
            host.signal(signal);
            (asked.join().unwrap(), ())
        });
        let () = code;
        assert_eq!((answer.status, answer.body.as_str()), (200, "1"), "{signal}");
        assert_eq!(host.exit_code(), Some(0), "{signal}");
        assert!(host.stderr().is_empty(), "{:?}", host.stderr());
    }
}

#[test]
fn a_request_that_does_not_end_does_not_keep_the_host() {
    let mut host = Application::with("").start();
    std::thread::scope(|scope| {
        let address = host.address.clone();
        scope.spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = "GET /sleep?60000 HTTP/1.1\r\nHost: h\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap();
            let _ = stream.read(&mut [0]);
        });
        std::thread::sleep(Duration::from_millis(200));
        host.signal("TERM");
        assert_eq!(host.exit_code(), Some(0));
    });
}

#[test]
fn the_copies_of_files_are_gone_with_the_host() {
    let scheduled = "files = ['text']\n[[trigger.cron]]\ncron_expression = '* * * * * *'\ncomponent = 'guest'";
    for grants in ["files = ['text']", scheduled] {
        let copies = tempfile::tempdir().unwrap();
        let application = Application::with(grants).environment("TMPDIR", copies.path().to_str().unwrap());
        std::fs::write(application.dir.path().join("text"), "text").unwrap();
        let mut host = application.start();
        assert_eq!(host.get("/file?text"), "text");
        let left = || std::fs::read_dir(copies.path()).unwrap().count();
        assert_eq!(left(), 1, "{grants}");
        host.signal("TERM");
        assert_eq!((host.exit_code(), left()), (Some(0), 0), "{grants}");
    }
}
