//! The programs of a configuration: those that others than root may change (`script_security`), and
//! those that this host has not.

use std::{collections::HashSet, fs, os::unix::fs::MetadataExt, path::Path};

use nix::{errno::Errno, unistd::User};

use super::{
    look::{Look, Program},
    place::Place,
    plan::Config,
    script::Scripts,
    sentence::describe,
};

/// The bits of a mode (inode(7)): a directory in which nobody removes what belongs to others, and
/// who may write.
const STICKY: u32 = 0o1000;
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;

/// Every program that `config` has run, but for backends, with its place.
pub(crate) fn programs(config: &Config) -> impl Iterator<Item = (&Place, &Program)> {
    let routers = config.routers.iter().flat_map(|router| {
        router.before.iter().chain(router.scripts.iter().map(|(_, script)| script))
    });
    let scripts = config.groups.iter().map(|group| &group.scripts).chain([&config.scripts]);
    let told = routers.chain(scripts.flat_map(|scripts| scripts.iter().map(|(_, script)| script)));
    told.map(|script| (&script.place, &script.value.program)).chain(of_checks(config))
}

fn of_checks(config: &Config) -> impl Iterator<Item = (&Place, &Program)> {
    config.checks.iter().filter_map(|check| match &check.look {
        Look::Command(program) => Some((&check.look_place, program)),
        _ => None,
    })
}

/// The programs of `config` that run as root and that others may change, each with its place and a
/// sentence that can go on.
pub(crate) fn insecure(config: &Config) -> Vec<(&Place, String)> {
    let mut places = HashSet::new();
    let found = programs(config).filter_map(|(place, program)| Some((place, fault(program)?)));
    // Two families of one virtual router say it once.
    found.filter(|(place, _)| places.insert(*place)).collect()
}

/// The checks of `config` whose program or user this host has not, each with its place and a sentence
/// that can go on.
pub(crate) fn missing(config: &Config) -> Vec<(&Place, String)> {
    let missing = |program: &Program| {
        let absent = fs::metadata(&program.program).err().map(|error| describe(&error));
        let why = absent.or_else(|| unknown_user(program.user.as_deref()?))?;
        Some(format!("{} cannot be run: {why}", program.program.display()))
    };
    of_checks(config).filter_map(|(place, program)| Some((place, missing(program)?))).collect()
}

/// That this host has no user of this name, if so.
pub(crate) fn unknown_user(name: &str) -> Option<String> {
    match User::from_name(name) {
        // A host without any list of users.
        Ok(None) | Err(Errno::ENOENT) => Some(format!("there is no user {name:?} on this host")),
        Ok(Some(_)) | Err(_) => None,
    }
}

/// Takes the programs at these places out of `config`, with what tracks them.
pub(crate) fn leave_out(config: &mut Config, places: &HashSet<Place>) {
    let leave_out =
        |scripts: &mut Scripts| scripts.retain(|script| !places.contains(&script.place));
    leave_out(&mut config.scripts);
    config.groups.iter_mut().for_each(|group| leave_out(&mut group.scripts));
    let (gone, checks) = std::mem::take(&mut config.checks)
        .into_iter()
        .partition::<Vec<_>, _>(|check| places.contains(&check.look_place));
    config.checks = checks;
    for router in &mut config.routers {
        leave_out(&mut router.scripts);
        router.before.take_if(|script| places.contains(&script.place));
        let is_gone = |name: &str| gone.iter().any(|check| check.name == name);
        router.tracks.retain(|track| !is_gone(&track.value.check));
    }
}

/// Who but root may change a program that runs as root, and where.
fn fault(program: &Program) -> Option<String> {
    if program.user.as_deref().is_some_and(|user| user != "root") {
        return None;
    }
    // One that is not there is told elsewhere.
    let path = fs::canonicalize(&program.program).ok()?;
    let (at, who) = path.ancestors().find_map(|path| Some((path, who_else(path)?)))?;
    Some(format!(
        "{} is not run as root: {who} may change {}",
        program.program.display(),
        at.display()
    ))
}

fn who_else(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let (mode, is_shared) = (found.mode(), found.is_dir() && found.mode() & STICKY != 0);
    if found.uid() != 0 {
        return Some(format!("the user {}", found.uid()));
    }
    if mode & OTHERS != 0 && !is_shared {
        return Some("everybody".to_owned());
    }
    (mode & GROUP != 0 && found.gid() != 0 && !is_shared)
        .then(|| format!("the group {}", found.gid()))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, path::PathBuf};

    use super::*;

    fn config(program: &Path, user: &str) -> Config {
        let text = format!(
            "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = [\"192.0.2.10\"]\n\
             track = [\"x\"]\nnotify = {{ command = [{program:?}], user = {user:?} }}\n\
             notify_stop = [\"/bin/sh\"]\n[[check]]\nname = \"x\"\ncommand = [{program:?}]\nuser = \
             {user:?}\n"
        );
        Config::parse(Path::new("f.toml"), &text).unwrap()
    }

    #[test]
    fn what_others_may_change_does_not_run_as_root() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("notify");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
        let found = insecure(&config(&program, "root")).len();
        assert_eq!(found, 2, "a program that is told, and a check");
        assert!(insecure(&config(&program, "nobody")).is_empty(), "it does not run as root");
        assert!(insecure(&config(Path::new("/bin/sh"), "root")).is_empty());
        assert!(insecure(&config(Path::new("/nonexistent/x"), "root")).is_empty());
    }

    #[test]
    fn a_check_is_missing_with_its_program_or_its_user() {
        let said = |program: &str, user| {
            let config = config(Path::new(program), user);
            missing(&config).into_iter().map(|(_, said)| said).collect::<Vec<_>>()
        };
        assert_eq!(said("/bin/sh", "root"), [""; 0]);
        let expected = "/nonexistent/x cannot be run: no such file or directory";
        assert_eq!(said("/nonexistent/x", "root"), [expected]);
        let expected = "/bin/sh cannot be run: there is no user \"no-such-user\" on this host";
        assert_eq!(said("/bin/sh", "no-such-user"), [expected]);
    }

    #[test]
    fn what_tracks_it_is_left_out_too() {
        let folder = tempfile::tempdir().unwrap();
        let program: PathBuf = folder.path().join("notify");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
        let mut config = config(&program, "root");
        let places = insecure(&config).into_iter().map(|(place, _)| place.clone()).collect();
        leave_out(&mut config, &places);
        assert!(config.checks.is_empty() && config.routers[0].tracks.is_empty());
        assert_eq!(config.routers[0].scripts.iter().count(), 1, "notify_stop stays");
    }
}
