//! `scripts/up` with an existing Redis and with its own: what it prints, writes, reveals and leaves
//! behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use end_to_end::{Connection, RedisServer, free_port, keys, repository};

/// The running script. It is ended as by Ctrl-C.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status();
        let _ = self.0.wait();
    }
}

/// The admin token.
const TOKEN: &str = "a-token-of-this-test-0a1b2c3d";

/// Starts the script without building, and returns the lines it prints until it is ready.
fn start(arguments: &[&str]) -> (Up, Vec<String>) {
    start_with_input(&[&["--token", TOKEN], arguments].concat(), "")
}

/// Starts the script like [`start`], with its standard input and without a token of its own.
fn start_with_input(arguments: &[&str], input: &str) -> (Up, Vec<String>) {
    let mut command = Command::new(repository().join("scripts/up"));
    command
        .args(["--no-build", "--host", "local"])
        .args(arguments);

    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPIN_VARIABLE_")) {
        command.env_remove(name);
    }

    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();

    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);

    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let up = Up(child);
    let printed: Vec<String> = lines
        .by_ref()
        .take_while(|line| !line.starts_with("Ctrl-C stops it"))
        .collect();
    // The log follows. It is read so that a full pipe does not stop the script.
    thread::spawn(move || lines.for_each(drop));
    (up, printed)
}

fn printed<'a>(lines: &'a [String], name: &str) -> &'a str {
    let line = lines.iter().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name:?} is not printed: {lines:#?}"))
        .trim()
}

/// Returns a free port that another free one follows.
fn first_of_two_free_ports() -> u16 {
    loop {
        let port = free_port();
        if TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

/// Returns all processes of the machine.
fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Returns all descendants of a process.
fn started_by(ancestor: u32) -> Vec<u32> {
    let parent = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(") ")?
            .1
            .split(' ')
            .nth(1)?
            .parse::<u32>()
            .ok()
    };

    let parents: HashMap<u32, u32> = processes()
        .filter_map(|process| Some((process, parent(process)?)))
        .collect();
    let descends = |process: &&u32| {
        let mut up = parents.get(*process);
        while up.is_some_and(|process| *process != ancestor) {
            up = up.and_then(|process| parents.get(process));
        }
        up.is_some()
    };

    parents.keys().filter(descends).copied().collect()
}

/// Returns the program and arguments of a process, which every user of the machine can read.
fn command_line(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

/// Returns true if a process has the lock file open that prevents a second start.
fn holds_the_lock(process: u32) -> bool {
    let open = fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    open.filter_map(|file| fs::read_link(file.path()).ok())
        .any(|file| file.ends_with(".spin/up.lock"))
}

#[test]
fn an_existing_redis_stays_empty() {
    let server = RedisServer::start();
    let (_up, lines) = start(&["--listen", "127.0.0.1:0", "--redis-url", &server.url(0)]);
    assert!(
        printed(&lines, "Warmup plan").starts_with("none"),
        "{lines:#?}"
    );
    assert!(
        printed(&lines, "Schedule").contains("warms nothing"),
        "{lines:#?}"
    );
    assert!(
        printed(&lines, "Relief of memory").starts_with("none"),
        "{lines:#?}"
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("Sample shop")),
        "{lines:#?}"
    );

    let address = printed(&lines, "edge-cache is running at");
    let run_schedule = || {
        let request = ureq::post(&format!("{address}/api/cache/warmup/scheduled"));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        assert_eq!(request.send_empty().unwrap().status(), 200);
    };
    let mut redis = Connection::to(&server);

    for _ in 0..4 {
        run_schedule();
        let () = redis::Commands::hset(&mut redis, "cache:warmup:schedule", "last_at", 0).unwrap();
    }

    let stored: Vec<String> = keys(&mut redis, "*")
        .into_iter()
        .filter(|key| !key.starts_with("cache:"))
        .collect();
    assert!(stored.is_empty(), "{stored:?}");
}

#[test]
fn without_an_existing_redis_the_sample_shop_starts_on_the_next_port() {
    let port = first_of_two_free_ports();
    let (up, lines) = start(&["--listen", &format!("127.0.0.1:{port}")]);
    assert!(
        printed(&lines, "Warmup plan").contains("sample shop"),
        "{lines:#?}"
    );

    let shop = printed(&lines, "Sample shop");
    assert!(
        shop.starts_with(&format!("http://127.0.0.1:{}/", port + 1)),
        "{shop}"
    );

    let response = ureq::get(shop).call().unwrap();
    assert!(response.headers().contains_key("x-cache"), "{response:?}");
    // A process that outlives the script must not hold the lock, or the next start would find the
    // script running. A short-lived process may.
    assert!(holds_the_lock(up.0.id()));

    let holding = || -> Vec<String> {
        let started = started_by(up.0.id());
        assert!(started.len() > 3, "{started:?}");
        let holding = started
            .into_iter()
            .filter(|process| holds_the_lock(*process));
        holding.map(command_line).collect()
    };
    for _ in 0..100 {
        if holding().is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }

    panic!("these hold the lock: {:?}", holding());
}

#[test]
fn a_token_below_128_bits_is_refused_before_anything_starts() {
    for token in ["short", "0123456789abcdef0123456789abcde"] {
        let mut command = Command::new(repository().join("scripts/up"));
        command
            .args(["--no-build", "--host", "local", "--token", token])
            .env_remove("SPIN_VARIABLE_TOKENS");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{token}: {errors}");
        assert!(errors.contains("128 random bits"), "{token}: {errors}");
    }
}

/// A password, and an admin token that no test passes as an argument.
const SECRETS: [&str; 2] = [
    "a-password-of-this-test-4e5f",
    "a-secret-token-of-this-test-6a7b",
];

/// Returns the arguments with a secret that processes of this machine have until `stop` is set: most
/// processes that the script starts end soon.
fn arguments_with_secrets(stop: &AtomicBool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        let arguments = processes().map(command_line);
        found.extend(
            arguments.filter(|text| SECRETS.into_iter().any(|secret| text.contains(secret))),
        );
        if is_last {
            return found;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Starts the script on a Redis with a password. The first option names a file with the first
/// secret, and the second option reads the second secret from standard input.
fn assert_secrets_are_hidden([file_option, input_option]: [&str; 2], [in_file, input]: [&str; 2]) {
    let [password, token] = SECRETS;
    let server = RedisServer::start();
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", password])
        .query(&mut server.connection())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, format!("{in_file}\n")).unwrap();

    let is_ready = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_ready);
    let watching = thread::spawn(move || arguments_with_secrets(&stop));
    let (up, lines) = start_with_input(
        &[
            "--listen",
            "127.0.0.1:0",
            "--redis-url",
            &server.url(0),
            file_option,
            file.to_str().unwrap(),
            input_option,
            "-",
        ],
        &format!("{input}\n"),
    );
    let address = printed(&lines, "edge-cache is running at");
    let stats = ureq::get(&format!("{address}/api/cache/stats"))
        .header("authorization", format!("Bearer {token}"))
        .call();
    assert_eq!(stats.unwrap().status(), 200);

    is_ready.store(true, Ordering::Relaxed);
    assert_eq!(watching.join().unwrap(), BTreeSet::new());
    let started = started_by(up.0.id());
    assert!(started.len() >= 3, "{started:?}");
    let shows_one = |line: &String| SECRETS.into_iter().any(|secret| line.contains(secret));
    assert!(!lines.iter().any(shows_one), "{lines:#?}");
}

#[test]
fn secrets_from_a_file_and_standard_input_are_not_arguments() {
    let [password, token] = SECRETS;
    assert_secrets_are_hidden(["--redis-password-file", "--token-file"], [password, token]);
    assert_secrets_are_hidden(["--token-file", "--redis-password-file"], [token, password]);
}

#[test]
fn a_second_script_in_the_same_folder_has_its_own_state() {
    let server = RedisServer::start();
    let arguments = ["--listen", "127.0.0.1:0", "--redis-url", &server.url(0)];
    let (_first, first) = start(&arguments);
    let (_second, second) = start(&arguments);

    for lines in [first, second] {
        let address = printed(&lines, "edge-cache is running at");
        let ready = ureq::get(&format!("{address}/api/cache/health/ready")).call();
        assert_eq!(ready.unwrap().status(), 200);
    }
}

#[test]
fn everything_ends_with_a_killed_script() {
    let (mut up, _) = start(&["--listen", "127.0.0.1:0"]);
    let is_server = |process: &u32| {
        let program = command_line(*process);
        program.contains("local-host") || program.contains("redis-server")
    };
    let servers: Vec<u32> = started_by(up.0.id())
        .into_iter()
        .filter(is_server)
        .collect();
    assert!(servers.len() >= 5, "{servers:?}");

    up.0.kill().unwrap();
    up.0.wait().unwrap();

    for _ in 0..200 {
        if !servers.iter().any(is_server) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("these outlive the script: {servers:?}");
}
