//! What the daemon tells over TCP: metrics, whether it is well, who is active.

mod exposition;
mod hostile;
pub(crate) mod http;
mod metrics;
mod probe;

use std::process::{Command, Stdio};

use libtest_mimic::{Completion, Trial};
use vrrp_net::lab::wait_until;

use crate::{CONFIG, Daemon, Outcome, SOON};
use http::{Answer, METRICS, get, send};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of what is told over TCP.
pub(crate) const TESTS: [Test; 9] = [
    ("watched_metrics_are_what_prometheus_reads", metrics::prometheus_reads_them),
    ("watched_metrics_are_what_the_page_says", metrics::the_page_has_each_of_them),
    ("watched_metrics_have_keepaliveds_names_too", metrics::they_have_keepaliveds_names),
    ("watched_health_is_that_of_vrrp_health", health_is_that_of_vrrp_health),
    ("watched_requests_of_others_are_refused", requests_of_others_are_refused),
    ("watched_by_whoever_means_harm_it_goes_on", hostile::it_goes_on),
    ("watched_probe_answers_only_while_active", probe::it_answers_only_while_active),
    ("watched_probe_tells_virtual_routers_apart", probe::it_tells_virtual_routers_apart),
    ("watched_check_finds_what_cannot_be_listened_on", check_finds_what_is_taken),
];

/// What Prometheus' own tool says of the metrics, where it is installed.
pub(crate) fn promtool() -> Trial {
    Trial::ignorable_test("watched_metrics_pass_promtool", || {
        if Command::new("promtool").arg("--version").stdout(Stdio::null()).status().is_err() {
            return Ok(Completion::ignored_with("promtool (Debian's prometheus) is not installed"));
        }
        metrics::promtool_takes_them()?;
        Ok(Completion::Completed)
    })
}

/// A daemon that tells its metrics, and more.
fn start(more: &str) -> Result<Daemon, crate::Failed> {
    Daemon::start_with(CONFIG, |_| Ok(format!("metrics = \"{METRICS}\"\n{more}")))
}

fn health_is_that_of_vrrp_health() -> Outcome {
    let daemon = start("")?;
    assert_eq!(get(&daemon, METRICS, "/healthz")?.status, 200);
    let ready = get(&daemon, METRICS, "/readyz")?;
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert!(ready.body.starts_with("web is active"), "{}", ready.body);
    daemon.host.run(|| Command::new("ip").args(["link", "set", "eth0", "down"]).status())??;
    // The address of the metrics is not on that interface.
    let mut last = String::new();
    let fails = wait_until(SOON, || {
        let Ok(Answer { status, body, .. }) = get(&daemon, METRICS, "/readyz") else {
            return false;
        };
        last = body;
        status == 503
    });
    assert!(fails, "{last}");
    assert!(last.starts_with("web on eth0 has not taken part since "), "{last}");
    let healthy = get(&daemon, METRICS, "/healthz")?;
    assert_eq!(healthy.status, 200, "a fault of the link is none of the daemon");
    Ok(())
}

/// What would change something, what is meant for another host, and what is not there.
fn requests_of_others_are_refused() -> Outcome {
    let daemon = start("")?;
    let ask = |line: &str, host: &str| {
        send(
            &daemon,
            METRICS,
            &format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        )
    };
    for line in ["POST /metrics", "PUT /", "DELETE /healthz", "OPTIONS /metrics"] {
        let answer = ask(line, METRICS)?;
        assert_eq!(answer.status, 405, "{line}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{line}");
    }
    for host in ["evil.example", "evil.example:9112", "127.0.0.1.evil.example"] {
        let answer = ask("GET /healthz", host)?;
        assert_eq!(answer.status, 421, "{host}");
        assert!(answer.body.contains("for another host"), "{}", answer.body);
    }
    assert_eq!(ask("GET http://evil.example/healthz", METRICS)?.status, 421);
    for host in [METRICS, "localhost:9112", "[::1]", "192.0.2.1"] {
        assert_eq!(ask("GET /healthz", host)?.status, 200, "{host}");
    }
    // Simple probes name no host.
    assert_eq!(send(&daemon, METRICS, "GET /healthz HTTP/1.0\r\n\r\n")?.status, 200);
    let head = ask("HEAD /metrics", METRICS)?;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let missing = ask("GET /secret", METRICS)?;
    assert_eq!(missing.status, 404);
    for answer in [head, missing, ask("POST /", METRICS)?, ask("GET /", "evil.example")?] {
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    Ok(())
}

/// Before the start; and beside the daemon that has the addresses itself, which is no fault.
fn check_finds_what_is_taken() -> Outcome {
    let mut daemon = start("probe = \"192.0.2.1:8111\"\n")?;
    let check = |daemon: &Daemon| {
        let output = daemon.vrrp(&["check", "-c", "vrrp.toml"])?;
        Ok::<_, crate::Failed>(crate::text(&output.stdout) + &crate::text(&output.stderr))
    };
    let said = check(&daemon)?;
    assert!(!said.contains("can listen"), "{said}");
    daemon.process.kill()?;
    let _theirs = daemon.host.run(|| std::net::TcpListener::bind(METRICS))??;
    let said = check(&daemon)?;
    let expected = format!("nothing can listen on {METRICS}: address already in use");
    assert!(said.contains(&expected), "{said}");
    // Nor does it start.
    let started = daemon.vrrp(&["run", "-c", "vrrp.toml"])?;
    assert_eq!(started.status.code(), Some(1));
    let said = crate::text(&started.stderr);
    assert!(said.contains("vrrp.toml:") && said.contains(&expected), "{said}");
    assert!(!said.contains("event=transition"), "{said}");
    Ok(())
}
