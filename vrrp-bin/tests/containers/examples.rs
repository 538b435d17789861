//! What the pages of `examples/deploy` tell a user to type, with the addresses of a test.

use std::{fs, path::PathBuf};

use libtest_mimic::Failed;

use crate::{
    Outcome,
    images::{self, VRRP},
    lan::Lan,
};

/// The `docker run` of `osixia.md` for `host`, on which the network of the host is a container's.
/// The page has the addresses of the test, but two nodes only.
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

/// `docker-compose up` for the service `vrrp` of `unbound/compose.yaml` on `host`, whose side
/// `values` tells. It is on the network of a container, and has a name of its own; the rest is the
/// file's.
pub(crate) fn unbound(lan: &Lan<'_>, host: u8, values: &str) -> Outcome {
    up(lan, host, values, &format!("services: {{{}}}\n", router(lan, host)), "vrrp")
}

/// The same with the service `unbound` beside it, which is Debian's.
pub(crate) fn unbound_beside(lan: &Lan<'_>, host: u8, values: &str) -> Outcome {
    let (resolver, beside) = (lan.resolver(host), lan.beside(host));
    let script = images::unbound(&lan.address(host).to_string());
    let command = serde_json::to_string(&["sh", "-c", &script])?;
    let changes = format!(
        "services: {{{}, unbound: {{container_name: \"{resolver}\", network_mode: \"{beside}\", \
         image: {}, command: {command}}}}}\n",
        router(lan, host),
        images::HOST,
    );
    up(lan, host, values, &changes, "unbound vrrp")
}

/// What is different in the service `vrrp`.
fn router(lan: &Lan<'_>, host: u8) -> String {
    let (router, beside) = (lan.router(host), lan.beside(host));
    format!("vrrp: {{container_name: \"{router}\", network_mode: \"{beside}\", image: {VRRP}}}")
}

fn up(lan: &Lan<'_>, host: u8, values: &str, changes: &str, services: &str) -> Outcome {
    let router = lan.router(host);
    let file = lan.engine.folder().join(format!("{router}.yaml"));
    fs::write(&file, changes)?;
    let (folder, file) = (folder().join("unbound"), file.display());
    let folder = folder.display();
    lan.engine.shell(&format!(
        "docker-compose --project-name {router} --env-file {folder}/{values} --file \
         {folder}/compose.yaml --file {file} up --detach --no-deps {services}"
    ))?;
    Ok(())
}

/// The stack of `swarm/stack.yaml`, with a label for `node`.
pub(crate) fn swarm(node: &str) -> Result<String, Failed> {
    replace(&read("swarm/stack.yaml")?, &[("priority.node-1", &format!("priority.{node}"))])
}

fn read(name: &str) -> Result<String, Failed> {
    Ok(fs::read_to_string(folder().join(name))?)
}

fn folder() -> PathBuf {
    images::root().join("examples/deploy")
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
