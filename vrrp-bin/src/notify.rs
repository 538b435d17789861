//! The scripts and the FIFO that are told what happens, as the configuration says.

use std::{io, time::Duration};

use vrrp_net::{
    Node,
    notify::{self, Notifier, Setup},
};

use crate::{
    config::{Config, Program, Script, Scripts, Told},
    import::environment,
};

/// How long what is still to be told may take when the daemon ends.
const LAST: Duration = Duration::from_secs(5);
/// The same for one that was told to leave at once.
const LAST_IN_HASTE: Duration = Duration::from_secs(1);

/// Starts telling what `node` does from now on. Where nobody is told, a reload may still change
/// that, and what was before is known then.
///
/// # Errors
/// What the operating system says when it gives no thread, or no FIFO.
pub(crate) fn start(config: &Config, node: &Node) -> io::Result<Notifier> {
    Notifier::start(setup(config), node)
}

/// Has others told from now on, as `config` says. Whoever is in `before` alone is about to be
/// removed: its own scripts are told how it ends.
///
/// # Errors
/// What the operating system says when it gives no FIFO. Nothing has changed then.
pub(crate) fn configure(notifier: &Notifier, config: &Config, before: &Config) -> io::Result<()> {
    notifier.configure(with_removed(setup(config), config, before))
}

/// Waits for what is still to be told of a node that has ended, and logs what was not.
pub(crate) async fn finish(notifier: &Notifier, in_haste: bool) {
    let within = if in_haste { LAST_IN_HASTE } else { LAST };
    finish_within(notifier, within).await;
}

/// Tells nothing more, and logs what was not told.
pub(crate) async fn abandon(notifier: &Notifier) {
    finish_within(notifier, Duration::ZERO).await;
}

async fn finish_within(notifier: &Notifier, within: Duration) {
    for sentence in notifier.finish(within).await {
        tracing::warn!(event = "not-told", "{sentence}");
    }
}

/// What starts `program`.
pub(crate) fn program(program: &Program) -> vrrp_net::Program {
    vrrp_net::Program::new(&program.program).args(&program.arguments)
}

fn with_removed(setup: Setup, config: &Config, before: &Config) -> Setup {
    let is_gone = |name: &str| config.routers.iter().all(|router| router.name != name);
    let gone = before.routers.iter().filter(|router| is_gone(&router.name));
    let setup = gone.fold(setup, |setup, it| setup.router(it.name.as_str(), scripts(&it.scripts)));
    let is_gone = |name: &str| config.groups.iter().all(|group| group.name != name);
    let gone = before.groups.iter().filter(|group| is_gone(&group.name));
    gone.fold(setup, |setup, it| setup.group(it.name.as_str(), scripts(&it.scripts)))
}

fn setup(config: &Config) -> Setup {
    let setup = Setup::new().node(scripts(&config.scripts));
    let setup = config
        .routers
        .iter()
        .fold(setup, |setup, router| setup.router(router.name.as_str(), scripts(&router.scripts)));
    let setup = config
        .groups
        .iter()
        .fold(setup, |setup, group| setup.group(group.name.as_str(), scripts(&group.scripts)));
    let setup = match &config.fifo {
        Some(fifo) => setup.fifo(&fifo.value),
        None => setup,
    };
    environment::secrets().into_iter().fold(setup, Setup::env_remove)
}

fn scripts(scripts: &Scripts) -> notify::Scripts {
    scripts.iter().fold(notify::Scripts::default(), |all, (told, found)| {
        let script = script(&found.value);
        match told {
            Told::All => all.all(script),
            Told::Active => all.active(script),
            Told::Backup => all.backup(script),
            Told::Fault => all.fault(script),
            Told::Stop => all.stop(script),
        }
    })
}

fn script(script: &Script) -> notify::Script {
    let told = notify::Script::new(program(&script.program)).limit(script.timeout);
    match &script.program.user {
        Some(user) => told.user(user),
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_script_is_told_what_its_key_says() {
        let text = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
notify = { command = ["/bin/a", "b"], timeout = "1s", user = "nobody" }

[[group]]
name = "all"
members = ["web"]
notify_active = ["/bin/c"]
notify_backup = ["/bin/d"]
notify_fault = ["/bin/e"]

[daemon]
notify_stop = ["/bin/f"]
notify_fifo = "/run/events"
"#;
        let script = |path: &str| notify::Script::new(vrrp_net::Program::new(path));
        let a = notify::Script::new(vrrp_net::Program::new("/bin/a").arg("b"));
        let a = notify::Scripts::default().all(a.limit(Duration::from_secs(1)).user("nobody"));
        let group = notify::Scripts::default().active(script("/bin/c")).backup(script("/bin/d"));
        let expected = Setup::new()
            .node(notify::Scripts::default().stop(script("/bin/f")))
            .router("web", a.clone())
            .router("web/v6", a)
            .group("all", group.fault(script("/bin/e")))
            .fifo("/run/events");
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let expected = environment::secrets().into_iter().fold(expected, Setup::env_remove);
        assert_eq!(setup(&config), expected);
    }

    #[test]
    fn the_scripts_of_what_is_removed_stay_for_its_end() {
        let router = |name: &str, vrid: u8, script: &str| {
            format!(
                "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\n\
                 addresses = [\"192.0.2.{vrid}/24\"]\nnotify_stop = [\"{script}\"]\n"
            )
        };
        let parse = |text: &str| Config::parse(Path::new("f.toml"), text).unwrap();
        let old = router("web", 51, "/bin/old") + &router("db", 52, "/bin/gone");
        let (before, after) = (parse(&old), parse(&router("web", 51, "/bin/new")));
        let setup = with_removed(setup(&after), &after, &before);
        let both = router("web", 51, "/bin/new") + &router("db", 52, "/bin/gone");
        assert_eq!(setup, super::setup(&parse(&both)));
    }

    #[test]
    fn without_a_key_nobody_is_told() {
        let text = "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = \
            [\"192.0.2.10/24\"]\n";
        assert!(setup(&Config::parse(Path::new("f.toml"), text).unwrap()).is_empty());
    }
}
