//! A service that dies and comes back, and what the daemon makes of its checks.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::Value;
use vrrp_net::lab::{Host, Signal, wait_until};

use crate::{Daemon, Outcome, SOON, schema, text};
use libtest_mimic::Failed;

/// Two virtual routers whose service is the same, and who make of it what each of them was told.
const CONFIG: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
interval = "300ms"
track = ["http-ok"]
last = "leave"

[[virtual_router]]
name = "db"
interface = "eth0"
vrid = 52
addresses = ["192.0.2.20/24"]
interval = "300ms"
track = ["http-ok", { check = "command", weight = 10 }]

[[check]]
name = "http-ok"
http = "http://127.0.0.1:8080/healthz"
interval = "50ms"
timeout = "10s"
fall = 2

[[check]]
name = "command"
command = ["/bin/sh", "-c", "exec test -z \"$VRRP_SECRET_PASSWORD\""]
interval = "100ms"
timeout = "10s"
"#;

/// An HTTP server on the loopback of a host.
struct Service {
    at: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Service {
    fn start(host: &Host) -> Result<Self, Failed> {
        let at = SocketAddr::from(([127, 0, 0, 1], 8080));
        let listener = host.run(move || TcpListener::bind(at))??;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                answer(stream);
            }
        });
        Ok(Self { at, stop, thread })
    }

    /// Closes the port.
    fn die(self, host: &Host) -> Outcome {
        self.stop.store(true, Ordering::SeqCst);
        let at = self.at;
        // A check that asks at this moment wakes it as well.
        drop(host.run(move || TcpStream::connect(at))?);
        self.thread.join().map_err(|_| "the service panicked".into())
    }
}

/// Whoever asks and is gone already needs no answer.
fn answer(mut stream: TcpStream) {
    let mut request = [0; 1024];
    if stream.read(&mut request).is_ok() {
        let well = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        drop(stream.write_all(well));
    }
}

/// What the status says of the check `name`.
fn check(status: &Value, name: &str) -> Value {
    let checks = status["checks"].as_array().into_iter().flatten();
    checks.clone().find(|check| check["name"] == name).cloned().unwrap_or_default()
}

fn router(status: &Value, name: &str) -> Value {
    let routers = status["virtual_routers"].as_array().into_iter().flatten();
    routers.clone().find(|router| router["name"] == name).cloned().unwrap_or_default()
}

/// Waits until the status is as `wanted` says.
fn wait_for(daemon: &Daemon, wanted: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
    let mut last = Value::Null;
    let came = wait_until(SOON, || {
        last = daemon.status(&[]).unwrap_or_default();
        wanted(&last)
    });
    if came { Ok(last) } else { Err(format!("it is still {last}").into()) }
}

pub(crate) fn a_service_that_dies_takes_its_address_along_and_brings_it_back() -> Outcome {
    let mut daemon = Daemon::start_alone(CONFIG)?;
    // There is no service yet, and nobody may reach an ill one of this name.
    wait_for(&daemon, |status| check(status, "http-ok")["state"] == "bad")?;
    let service = Service::start(&daemon.host)?;
    daemon.wait_until_it_serves()?;
    let well = wait_for(&daemon, |status| {
        check(status, "http-ok")["state"] == "good"
            && check(status, "command")["state"] == "good"
            && router(status, "db")["effective_priority"] == 110
    })?;
    schema::check(&schema::load()?, &well)?;
    assert_eq!(check(&well, "http-ok")["virtual_routers"], serde_json::json!(["web", "db"]));

    service.die(&daemon.host)?;
    let ill = wait_for(&daemon, |status| {
        router(status, "web")["condition"] == "out"
            && router(status, "db")["condition"] == "ill"
            && router(status, "web")["addresses_held"] == serde_json::json!([])
    })?;
    schema::check(&schema::load()?, &ill)?;
    assert_eq!(router(&ill, "web")["hold"], "check", "{ill}");
    // The last one holds its address all the same.
    assert_eq!(router(&ill, "db")["addresses_held"], serde_json::json!(["192.0.2.20/24"]));
    assert_eq!(check(&ill, "http-ok")["outcome"], "failed");
    // The phase is told before the backend has let go.
    let let_go = || daemon.addresses().is_ok_and(|shown| !shown.contains("192.0.2.10"));
    let is_gone = wait_until(SOON, let_go);
    let addresses = daemon.addresses()?;
    assert!(is_gone && addresses.contains("192.0.2.20"), "{addresses}");
    let table = text(&daemon.vrrp(&["status", "-c", "vrrp.toml"])?.stdout);
    assert!(table.contains("\nhttp-ok  bad ") && table.contains("active, ill"), "{table}");
    let health = daemon.vrrp(&["health", "--control", &daemon.control().display().to_string()])?;
    let said = text(&health.stdout);
    assert_eq!(health.status.code(), Some(0), "{said}");
    assert!(said.contains("web: its check http-ok fails: "), "{said}");

    let service = Service::start(&daemon.host)?;
    daemon.wait_until_it_serves()?;
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    service.die(&daemon.host)
}

/// The daemon leaves while the program of a check runs.
pub(crate) fn the_program_of_a_check_ends_with_the_daemon() -> Outcome {
    let config = r#"
[[virtual_router]]
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
interval = "100ms"
track = [{ check = "slow", weight = -10 }]

[[check]]
name = "slow"
command = ["/bin/sh", "-c", "echo $$ > pid; exec sleep 1000"]
timeout = "1h"
"#;
    let mut daemon = Daemon::start_with(config, |_| Ok(String::new()))?;
    let file = daemon.directory.path().join("pid");
    let pid =
        || Some(fs::read_to_string(&file).ok()?.trim().to_owned()).filter(|pid| !pid.is_empty());
    assert!(wait_until(SOON, || pid().is_some()), "the check did not run");
    let process = Path::new("/proc").join(pid().ok_or("no process")?);
    assert!(process.exists(), "{} is not there", process.display());
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(wait_until(SOON, || !process.exists()), "{} is still there", process.display());
    Ok(())
}
