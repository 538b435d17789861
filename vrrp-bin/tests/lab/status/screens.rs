//! The screens of the documentation: what `vrrp status` prints in a healthy and in a broken node.
//!
//! With `VRRP_SCREENS=DIRECTORY` each is written there as a file, from which `.ci/screens` puts it
//! into the README.

use std::{env, fs, path::PathBuf, time::Duration};

use libtest_mimic::Trial;
use serde_json::Value;
use vrrp_core::Authentication;
use vrrp_net::lab::{Injector, wait_until};

use super::{Message, run, said};
use crate::support::{Node, Outcome, Pair, SOON, check, timed};

/// How long a screen's node has run: a quiet moment says more than the first one.
const QUIET: Duration = Duration::from_secs(5);

pub(super) fn trial() -> Trial {
    timed("status_screens_of_a_healthy_and_of_a_broken_node", |_| screens())
}

/// Shows what `vrrp` prints for these arguments under a name.
fn screen(name: &str, node: &Node, arguments: &[&str]) -> Outcome {
    let text = said(node, arguments)?;
    let screen = format!("$ vrrp {}\n{text}", arguments.join(" "));
    println!("{screen}");
    if let Some(directory) = env::var_os("VRRP_SCREENS").map(PathBuf::from) {
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("{name}.txt")), screen)?;
    }
    Ok(())
}

fn config(priority: u8, more: &str) -> String {
    format!(
        r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.100/24", "fe80::100/64", "fd00::100/64"]
priority = {priority}
track = ["service", {{ check = "uplink", weight = -50 }}]
{more}
[[check]]
name = "service"
tcp = "127.0.0.1:22"
interval = "500ms"

[[check]]
name = "uplink"
interface = "eth1"
interval = "500ms"
"#
    )
}

fn screens() -> Outcome {
    let mut pair = Pair::new()?;
    for node in [&pair.a, &pair.b] {
        run(node, "ip link add eth1 type veth peer name far1")?;
        run(node, "ip link set far1 up")?;
        run(node, "ip link set eth1 up")?;
        run(node, "ip link set lo up")?;
    }
    let service = |node: &Node| {
        let listen = || std::net::TcpListener::bind("127.0.0.1:22");
        node.host.run(listen)
    };
    let (_a, b) = (service(&pair.a)??, service(&pair.b)??);
    let other = "[[virtual_router]]\nname = \"db\"\ninterface = \"eth2\"\nvrid = 52\naddresses = \
                 [\"10.1.0.100/24\"]\n";
    pair.a.start(&config(150, ""))?;
    pair.b.start(&config(100, other))?;
    is(&pair.a, "web", "phase", "held")?;
    is(&pair.b, "web", "phase", "backup")?;
    std::thread::sleep(QUIET);
    screen("status-healthy", &pair.a, &["status"])?;
    screen("status-healthy-web", &pair.a, &["status", "web"])?;

    // The service of b dies, its uplink goes down, and a stranger and a node of another version
    // use its VRID.
    drop(b);
    run(&pair.b, "ip link set far1 down")?;
    pair.b.wait_for_check("service", "bad", SOON)?;
    pair.b.wait_for_check("uplink", "bad", SOON)?;
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    let older = Message { authentication: Authentication::None, ..Message::of(2, 200) };
    let frame = older.frame(51)?;
    injector.inject(1, Duration::from_secs(2), |_| frame.clone())?;
    screen("status-broken", &pair.b, &["status"])?;
    screen("status-broken-web", &pair.b, &["status", "web"])
}

fn is(node: &Node, name: &str, field: &str, wanted: &str) -> Outcome {
    let is_so = || {
        let status = node.status().unwrap_or_default();
        let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
        let named = |router: &&Value| router["name"] == name;
        routers.iter().find(named).is_some_and(|router| router[field] == wanted)
    };
    check(wait_until(SOON, is_so), format!("{name} is not {wanted}:\n{}", node.log()))
}
