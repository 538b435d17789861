//! Whether a container engine made the network that this process is in.

use std::{env, fs, path::Path};

/// Files that container engines make, each with the engine's name.
const FILES: [(&str, &str); 2] = [("/.dockerenv", "Docker"), ("/run/.containerenv", "Podman")];
/// Variables of the environment that they set: the first one names the engine.
const ENGINE: &str = "container";
const KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";

/// What says that this is a container with a network of its own: the trace of an engine, and that
/// process 1 is in the same network. In another one than that, somebody made it by hand.
pub(super) fn sign() -> Option<String> {
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    if network("1").is_none() || network("1") != network("thread-self") {
        return None;
    }
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let of_file = || FILES.iter().find(|(file, _)| Path::new(file).exists()).map(|(_, name)| *name);
    variable(KUBERNETES)
        .map(|_| "Kubernetes".to_owned())
        .or_else(|| of_file().map(str::to_owned))
        .or_else(|| variable(ENGINE))
}
