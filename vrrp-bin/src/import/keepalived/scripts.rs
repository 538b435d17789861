//! Programs: how keepalived makes words of a command, and whom it runs as.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    blocks::Statement,
    report::Report,
    values::{first, only},
    words::Word,
};
use crate::config::{Located, Program, Wrong};

/// The shell of commands that begin with where their input comes from.
const SHELL: &str = "/bin/sh";

/// The command behind the keyword, in one word: `"PROGRAM ARGUMENT ..." [USER [GROUP]]`.
pub(super) fn command(
    statement: &Statement,
    user: Option<&Located<String>>,
    report: &mut Report,
) -> Result<Located<Program>, Wrong> {
    let word = first(statement, report)?;
    let own = statement.arguments().get(1);
    if let Some(group) = statement.arguments().get(2) {
        let message = format!("the group {:?} is left out: it is the user's own", group.text);
        report.warn(&group.place, message);
    }
    only(statement, 3, report);
    let user = own.map(|word| &word.text).or_else(|| user.map(|user| &user.value)).cloned();
    program(word, user, report)
}

/// A command of one word.
pub(super) fn program(
    word: &Word,
    user: Option<String>,
    report: &mut Report,
) -> Result<Located<Program>, Wrong> {
    let mut words = split(&word.text).into_iter();
    let Some(name) = words.next().filter(|name| !name.is_empty()) else {
        return report.skip(&word.place, "there is no command here; it is left out");
    };
    let program = if name.starts_with('<') {
        // As keepalived does with </dev/tcp/192.0.2.1/80, which some shells know.
        let arguments = vec!["-c".to_owned(), word.text.clone()];
        Program { program: SHELL.into(), arguments, user }
    } else if let Some(program) = found(&name, &search_path()) {
        Program { program, arguments: words.collect(), user }
    } else {
        let message = format!(
            "there is no program {name:?} on this host, and it is left out, as keepalived does; \
             write its path, or the words of a shell as /bin/sh -c '...'"
        );
        return report.skip(&word.place, message);
    };
    Ok(Located::new(word.place.clone(), program))
}

/// Where programs are looked for that have no path.
fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
    env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

/// The program of this name: one with a path is what it says, whether it is there or not.
fn found(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(name.into());
    }
    if name.contains('/') {
        return None;
    }
    folders.iter().map(|folder| folder.join(name)).find(|path: &PathBuf| Path::is_file(path))
}

/// The words of a command, as keepalived separates them: quotes of both kinds keep space together,
/// and a backslash takes the next character as it is.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words() {
        for (text, expected) in [
            ("/bin/echo", &["/bin/echo"][..]),
            (" /bin/echo  a\tb ", &["/bin/echo", "a", "b"]),
            ("/bin/sh -c 'exit 1; true'", &["/bin/sh", "-c", "exit 1; true"]),
            ("a \"b c\"d ''", &["a", "b cd", ""]),
            ("a b\\ c \\' '\\''", &["a", "b c", "'", "'"]),
            ("a 'b c", &["a", "b c"]),
            ("", &[]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_path_is_looked_for() {
        let folders = [PathBuf::from("/nowhere"), PathBuf::from("/bin"), PathBuf::from("/usr/bin")];
        let program = |name: &str| found(name, &folders);
        assert_eq!(program("/nowhere/x"), Some("/nowhere/x".into()));
        assert_eq!(program("sh"), Some("/bin/sh".into()));
        assert_eq!(program("./sh"), None);
        assert_eq!(program("</dev/tcp/127.0.0.1/80"), None);
        assert_eq!(program("no-such-program-anywhere"), None);
    }
}
