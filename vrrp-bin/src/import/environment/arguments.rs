//! What people give the images after their name: options of osixia's entry point, and of
//! keepalived.

use crate::config::{ConfigError, ConfigErrors, Place, nearest};
use crate::import::Note;

/// What the arguments ask for.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// The least important lines to log, as the log's filter calls them.
    pub(crate) level: Option<&'static str>,
    /// What was left out.
    pub(crate) notes: Vec<Note>,
}

/// How the images name what is logged, and how the filter does.
const LEVELS: &[(&str, &str)] = &[
    ("none", "off"),
    ("error", "error"),
    ("warning", "warn"),
    ("info", "info"),
    ("debug", "debug"),
    ("trace", "trace"),
];

/// Options that say how the image or keepalived is run, and nothing about the virtual router.
const HARMLESS: &[&str] = &[
    "--copy-service",
    "--dont-touch-etc-hosts",
    "--keep-startup-env",
    "--keepalive",
    "--keepalive-force",
    "--skip-finish-files",
    "-f",
    "--no-kill-all-on-exit",
    "-k",
    "--wait-first-startup",
    "-w",
    "--dont-fork",
    "-n",
    "--log-console",
    "--log-detail",
    "-D",
    "--dump-conf",
    "-d",
    "--vrrp",
    "-P",
];

/// Options that keep the image from doing what is done here.
const HARMFUL: &[&str] = &[
    "--skip-env-files",
    "-e",
    "--skip-startup-files",
    "-s",
    "--skip-process-files",
    "-p",
    "--run-only",
    "-o",
    "--cmd",
    "-c",
    "--wait-state",
    "--use-file",
];

/// Reads the arguments after `run --from-env`.
///
/// # Errors
/// For each that cannot be left out.
pub(crate) fn read(words: &[String]) -> Result<Arguments, ConfigErrors> {
    let mut arguments = Arguments::default();
    let mut errors = Vec::new();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value)),
            _ => (word, None),
        };
        let result = match option {
            "--loglevel" => level(joined.or_else(|| words.next())),
            // keepalived has an -l without a value.
            "-l" if words.peek().is_none_or(|next| next.starts_with('-')) => Ok(None),
            "-l" => level(words.next()),
            "--" => continue,
            harmless if HARMLESS.contains(&harmless) => Ok(None),
            other => Err(refusal(other)),
        };
        match result {
            Ok(Some(level)) => arguments.level = Some(level),
            Ok(None) => arguments.notes.push(Note::new(
                false,
                Place::CommandLine,
                &format!("{word} is for another image and is ignored"),
            )),
            Err(message) => errors.push(ConfigError::new(Place::CommandLine, message)),
        }
    }
    if errors.is_empty() { Ok(arguments) } else { Err(ConfigErrors::from(errors)) }
}

fn level(word: Option<&str>) -> Result<Option<&'static str>, String> {
    let word = word.unwrap_or_default();
    let names: Vec<&str> = LEVELS.iter().map(|(name, _)| *name).collect();
    let found = LEVELS.iter().find(|(name, _)| *name == word).map(|(_, level)| *level);
    found.map(Some).ok_or_else(|| match nearest(word, &names) {
        Some(name) => format!("{word:?} is not a log level; did you mean {name}?"),
        None => format!("{word:?} is not a log level; write one of {}", names.join(", ")),
    })
}

fn refusal(word: &str) -> String {
    if HARMFUL.contains(&word) {
        return format!(
            "{word} keeps the image from doing what this program does, which cannot be left out; \
             remove it"
        );
    }
    if !word.starts_with('-') {
        return format!("a command such as {word:?} cannot be run here; remove it");
    }
    match nearest(word, &[HARMLESS, &["--loglevel"]].concat()) {
        Some(option) => format!("there is no option {word}; did you mean {option}?"),
        None => format!("there is no option {word}; remove it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(text: &str) -> Result<Arguments, ConfigErrors> {
        read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_of_the_images_are_left_out_or_understood() {
        let both = read_words("--copy-service --loglevel debug").unwrap();
        assert_eq!(both.level, Some("debug"));
        let notes: Vec<String> = both.notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            ["the command line: note: --copy-service is for another image and is ignored"]
        );
        for (words, level) in [
            ("", None),
            ("-l warning", Some("warn")),
            ("--loglevel=none", Some("off")),
            ("-l --keepalive", None),
            ("--keepalive-force -l", None),
            ("-- --log-detail --dump-conf --vrrp -n -l -D", None),
        ] {
            assert_eq!(read_words(words).unwrap().level, level, "{words}");
        }
    }

    #[test]
    fn what_cannot_be_left_out_is_refused() {
        for (words, sentence) in [
            (
                "--loglevel",
                "\"\" is not a log level; write one of none, error, warning, info, debug, trace",
            ),
            ("-l debgu", "\"debgu\" is not a log level; did you mean debug?"),
            ("--copy-servise", "there is no option --copy-servise; did you mean --copy-service?"),
            ("--unlike-any-other", "there is no option --unlike-any-other; remove it"),
            ("--copy-service bash", "a command such as \"bash\" cannot be run here; remove it"),
            (
                "-e",
                "-e keeps the image from doing what this program does, which cannot be left out; \
                 remove it",
            ),
        ] {
            let error = read_words(words).unwrap_err().to_string();
            assert_eq!(error, format!("the command line: {sentence}"), "{words}");
        }
    }
}
