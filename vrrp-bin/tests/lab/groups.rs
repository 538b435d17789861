//! Two nodes on two networks, with virtual routers that move together: a link that goes down, a
//! check that fails and a drain of one member.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Switch, wait_until};

use crate::support::{Node, Outcome, SOON, check, timed};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("group_all_moves_when_one_link_goes_down", |_| all_moves()),
        timed("group_any_leaves_out_the_one_whose_link_is_down", |_| any_leaves_out()),
        timed("group_moves_when_a_check_of_one_fails", |_| moves_for_a_check()),
        timed("group_is_drained_by_the_name_of_one", |_| is_drained()),
        timed("group_that_names_one_family_has_both", |_| has_both_families()),
    ]
}

/// Both members of the group.
const BOTH: [&str; 2] = ["lan", "wan"];
/// A virtual router on each network.
const ROUTERS: &str = r#"
[[virtual_router]]
name = "lan"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.100/24"]
priority = PRIORITY
interval = "100ms"

[[virtual_router]]
name = "wan"
interface = "eth1"
vrid = 52
addresses = ["10.0.1.100/24"]
priority = PRIORITY
interval = "100ms"
"#;
/// The same, where the one on the first network has both families.
const THREE: [&str; 3] = ["lan", "lan/v6", "wan"];

fn group(policy: &str) -> String {
    format!(
        "\n[[group]]\nname = \"lan-and-wan\"\nmembers = [\"lan\", \"wan\"]\npolicy = {policy:?}\n"
    )
}

/// Two nodes with an interface on each of two switches; the first one is stronger.
struct Site {
    strong: Node,
    weak: Node,
    /// Of the second network, of each node.
    wan: [Cable; 2],
    folder: TempDir,
    _switches: [Switch; 2],
}

impl Site {
    /// Starts both, and waits until the strong one has everything.
    fn start(config: impl Fn(&Path) -> String, names: &[&str]) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switches = [Switch::new()?, Switch::new()?];
        let [lan, wan] = &switches;
        let strong = Node::new("a", lan, &["10.0.0.1/24", "fd00::1/64"], folder.path())?;
        let weak = Node::new("b", lan, &["10.0.0.2/24", "fd00::2/64"], folder.path())?;
        let cables = [
            Cable::new(&strong.host, "eth1", wan, &["10.0.1.1/24"])?,
            Cable::new(&weak.host, "eth1", wan, &["10.0.1.2/24"])?,
        ];
        let mut site = Self { strong, weak, wan: cables, folder, _switches: switches };
        for (node, priority) in [(&mut site.strong, "200"), (&mut site.weak, "100")] {
            node.start(&config(&flag(&site.folder, node.name)).replace("PRIORITY", priority))?;
        }
        site.all_are_at_home(names)?;
        Ok(site)
    }

    fn all_are_at_home(&self, names: &[&str]) -> Outcome {
        are(&self.strong, names, "phase", &json!("held"))?;
        are(&self.weak, names, "phase", &json!("backup"))
    }

    /// The first cable of the second network.
    fn wan(&self) -> &Cable {
        let [first, _] = &self.wan;
        first
    }
}

/// The file that a node's check looks at.
fn flag(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(format!("{name}.ill"))
}

fn router(node: &Node, name: &str) -> Value {
    let status = node.status().unwrap_or_default();
    let mut routers = status["virtual_routers"].as_array().into_iter().flatten();
    routers.find(|router| router["name"] == name).cloned().unwrap_or_default()
}

/// Waits until this field is that of all of these virtual routers of a node.
fn are(node: &Node, names: &[&str], field: &str, wanted: &Value) -> Outcome {
    let is = || names.iter().all(|name| router(node, name)[field] == *wanted);
    let is_so = wait_until(SOON, is);
    let all: Vec<Value> = names.iter().map(|name| router(node, name)[field].clone()).collect();
    let said = format!("{field} of {names:?} on {} is {all:?}, not {wanted}", node.name);
    check(is_so, format!("{said}; its log:\n{}", node.log()))
}

fn vrrp(node: &Node, arguments: &[&str]) -> Result<String, Failed> {
    let output = node.ask(arguments)?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("vrrp {arguments:?}: {said}\n{}", node.log()))?;
    Ok(said.into_owned())
}

fn all_moves() -> Outcome {
    let site = Site::start(|_| ROUTERS.to_owned() + &group("all"), &BOTH)?;
    site.wan().unplug()?;
    are(&site.weak, &BOTH, "phase", &json!("held"))?;
    are(&site.strong, &["lan"], "hold", &json!("group"))?;
    are(&site.strong, &["wan"], "hold", &json!("link-down"))?;
    site.strong.wait_for_address("10.0.0.100".parse()?, false)?;
    let lan = router(&site.strong, "lan");
    assert_eq!((&lan["group"], &lan["group_cause"]), (&json!("lan-and-wan"), &json!("wan")));
    let table = vrrp(&site.strong, &["status", "lan"])?;
    let hold = "\n  hold      wan of its group lan-and-wan is held, and that holds all; see what\n";
    let group =
        "\n  group     lan-and-wan\n  policy    all; this is its first member\n  held by   wan\n";
    check(table.contains(hold) && table.contains(group), &*table)?;
    site.wan().plug()?;
    site.all_are_at_home(&BOTH)
}

fn any_leaves_out() -> Outcome {
    let site = Site::start(|_| ROUTERS.to_owned() + &group("any"), &BOTH)?;
    let before = router(&site.strong, "lan");
    site.wan().unplug()?;
    are(&site.weak, &["wan"], "phase", &json!("held"))?;
    are(&site.strong, &["wan"], "hold", &json!("link-down"))?;
    are(&site.weak, &["lan"], "phase", &json!("backup"))?;
    site.wan().plug()?;
    site.all_are_at_home(&BOTH)?;
    let after = router(&site.strong, "lan");
    check(before["since"] == after["since"], format!("it moved: {before} and {after}"))
}

fn moves_for_a_check() -> Outcome {
    let config = |flag: &Path| {
        let tracks = ROUTERS.replace("vrid = 52", "vrid = 52\ntrack = [\"well\"]");
        let file = format!("file = {{ path = {flag:?}, exists = false }}");
        let times = "interval = \"100ms\"\nrise = 1\nfall = 1\n";
        format!("{tracks}{}\n[[check]]\nname = \"well\"\n{file}\n{times}", group("all"))
    };
    let site = Site::start(config, &BOTH)?;
    let flag = flag(&site.folder, site.strong.name);
    fs::write(&flag, "")?;
    are(&site.weak, &BOTH, "phase", &json!("held"))?;
    are(&site.strong, &BOTH, "phase", &json!("backup"))?;
    // Both wait behind everybody who is well: the one that has the check, and the other one.
    are(&site.strong, &BOTH, "condition", &json!("ill"))?;
    fs::remove_file(&flag)?;
    site.all_are_at_home(&BOTH)
}

fn is_drained() -> Outcome {
    let site = Site::start(|_| ROUTERS.to_owned() + &group("any"), &BOTH)?;
    vrrp(&site.strong, &["drain", "wan"])?;
    are(&site.strong, &BOTH, "hold", &json!("drained"))?;
    are(&site.weak, &BOTH, "phase", &json!("held"))?;
    vrrp(&site.strong, &["resume", "lan"])?;
    site.all_are_at_home(&BOTH)
}

/// The two that one line of addresses makes are a group by themselves, in which a held one is left
/// out, until a group names either.
fn has_both_families() -> Outcome {
    let families = ROUTERS.replace("10.0.0.100/24\"", "10.0.0.100/24\", \"fd00::100/64\"");
    let site = Site::start(|_| families.clone(), &THREE)?;
    for (name, group) in [("lan", json!("lan")), ("lan/v6", json!("lan")), ("wan", Value::Null)] {
        assert_eq!(router(&site.strong, name)["group"], group);
    }
    assert_eq!(router(&site.strong, "lan/v6")["group_policy"], "any");
    drop(site);

    let named = format!("{families}{}", group("all").replace("\"lan\",", "\"lan/v6\","));
    let site = Site::start(|_| named.clone(), &THREE)?;
    site.wan().unplug()?;
    are(&site.weak, &THREE, "phase", &json!("held"))?;
    are(&site.strong, &["lan", "lan/v6"], "group_cause", &json!("wan"))?;
    site.wan().plug()?;
    site.all_are_at_home(&THREE)
}
