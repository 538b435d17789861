//! What the pages of `examples/deploy` tell a user to type, with the addresses of a test.

use std::fs;

use libtest_mimic::Failed;

use crate::{images, lan::Lan};

/// The `docker run` of `osixia.md` for `host`, on which the network of the host is a container's. The page has the
/// addresses of the test, but two nodes only.
pub(crate) fn osixia(lan: &Lan<'_>, host: u8, priority: u8) -> Result<String, Failed> {
    let page = read("osixia.md")?;
    let line = page.split("```\n").find(|block| block.starts_with("docker run"));
    let line = line.ok_or("osixia.md has no `docker run`")?;
    replace(
        line,
        &[
            ("--name keepalived", &format!("--name {}", lan.router(host))),
            ("--net=host", &format!("--network {}", lan.beside(host))),
            ("'192.168.9.27'", "'192.168.9.27', '192.168.9.28'"),
            ("KEEPALIVED_PRIORITY=200", &format!("KEEPALIVED_PRIORITY={priority}")),
        ],
    )
}

/// The variables of the service `vrrp` in `unbound/compose.yaml`, with `values` for the variables of `.env`.
pub(crate) fn arcts(values: &[(&str, &str)]) -> Result<Vec<(String, String)>, Failed> {
    let text = read("unbound/compose.yaml")?;
    let pairs = text.lines().filter_map(|line| line.trim().strip_prefix("KEEPALIVED_")?.split_once(": "));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| {
            let mut value = value.trim_matches('"').to_owned();
            for (variable, with) in values {
                value = value.replace(&format!("${{{variable}}}"), with);
            }
            (format!("KEEPALIVED_{name}"), value)
        })
        .collect();
    match pairs.iter().find(|(_, value)| value.contains("${")) {
        Some((name, value)) => Err(format!("{name} in compose.yaml is {value}").into()),
        None => Ok(pairs),
    }
}

/// The stack of `swarm/stack.yaml`, with a label for `node`.
pub(crate) fn swarm(node: &str) -> Result<String, Failed> {
    replace(&read("swarm/stack.yaml")?, &[("priority.node-1", &format!("priority.{node}"))])
}

fn read(name: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(images::root().join("examples/deploy").join(name))?)
}

fn replace(text: &str, changes: &[(&str, &str)]) -> Result<String, Failed> {
    let mut text = text.to_owned();
    for (old, new) in changes {
        if !text.contains(old) {
            return Err(format!("there is no {old} in {text}").into());
        }
        text = text.replace(old, new);
    }
    Ok(text)
}
