//! Reads a configuration file.

use std::{io, path::Path};

use super::{
    files::{ReadFile, read_file},
    place::{Lines, Place},
    plan::{Config, Prepare},
    problem::{ConfigError, ConfigErrors},
    sentence::describe,
    toml,
};

impl Config {
    /// Reads the file at `path`, whatever host it is for.
    ///
    /// # Errors
    /// Every mistake in it, or why it cannot be read.
    #[cfg(test)]
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_for(path, super::anywhere)
    }

    /// Reads the file at `path`, and has it prepared for this host.
    ///
    /// # Errors
    /// Every mistake in it, what does not work on this host, or why it cannot be read.
    pub(crate) fn load_for(path: &Path, prepare: Prepare) -> Result<Self, ConfigErrors> {
        let bytes = read_config(path)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| not_text(path, &bytes, error.valid_up_to()))?;
        let (mut plan, mut problems) = toml::read(path, text, read_file);
        prepare(&mut plan, &mut problems);
        plan.finish(problems)
    }

    /// Reads `text` as the content of `path`. No other file is opened than those that
    /// `password_file` names.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the text.
    #[cfg(test)]
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigErrors> {
        Self::parse_with(path, text, read_file)
    }

    /// The same, but what `password_file` names is read by `read_file`.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the text.
    pub(crate) fn parse_with(
        path: &Path,
        text: &str,
        read_file: ReadFile,
    ) -> Result<Self, ConfigErrors> {
        let (plan, problems) = toml::read(path, text, read_file);
        plan.finish(problems)
    }
}

/// The octets of the file at `path`.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_config(path: &Path) -> Result<Vec<u8>, ConfigErrors> {
    read_file(path).map_err(|error| unreadable(path, &error))
}

/// Something about the whole file.
fn of_file(path: &Path, message: impl Into<String>) -> ConfigErrors {
    ConfigError::new(Place::File(path.into(), None), message).into()
}

/// The file could not be read.
fn unreadable(path: &Path, error: &io::Error) -> ConfigErrors {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "name the file with -c FILE",
        io::ErrorKind::PermissionDenied => "let this user read it, or run vrrp as one who may",
        _ => "name a readable file with -c FILE",
    };
    of_file(path, format!("the configuration cannot be read: {}; {advice}", describe(error)))
}

/// The file is not text: everything from octet `valid` on.
fn not_text(path: &Path, bytes: &[u8], valid: usize) -> ConfigErrors {
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let position = Lines::new(&before).position(before.len());
    let place = Place::File(path.into(), Some(position));
    ConfigError::new(place, "this is not UTF-8 text; save the file as UTF-8").into()
}
