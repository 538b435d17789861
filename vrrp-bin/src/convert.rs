//! `vrrp convert`: a file of keepalived's as one of ours.

use vrrp_core::Protocol;

use crate::{
    cli,
    config::{Config, ConfigError, ConfigErrors, anywhere, brief, describe},
    import::{
        Beside,
        keepalived::{self, Reading},
    },
    output,
};

/// Runs `vrrp convert` and returns the exit status.
pub(crate) fn main(arguments: &cli::Convert) -> u8 {
    let beside = Beside { id: arguments.config_id.clone(), ..Beside::default() };
    let Reading { config, notes } = keepalived::file(&arguments.file, &beside, anywhere);
    for note in &notes {
        eprintln!("{note}");
    }
    let text = match config.and_then(|config| written(&config)) {
        Ok(text) => text,
        Err(errors) => {
            eprintln!("{errors}");
            return cli::BAD_CONFIGURATION;
        }
    };
    if let Err(error) = output::print(text) {
        eprintln!("the configuration cannot be written: {}", describe(&error));
        return cli::FAILED;
    }
    let has_warnings = notes.iter().any(|note| note.warning);
    match (has_warnings, arguments.strict) {
        (false, _) => cli::OK,
        (true, false) => cli::WARNINGS,
        (true, true) => cli::BAD_CONFIGURATION,
    }
}

/// The configuration as a file of ours, with its passwords.
///
/// # Errors
/// A password that no text of UTF-8 can hold.
pub(crate) fn written(config: &Config) -> Result<String, ConfigErrors> {
    for router in &config.routers {
        if let Protocol::V2 { password: Some(password), .. } = router.router.protocol()
            && str::from_utf8(&password.octets()).is_err()
        {
            let message = format!(
                "the password of {} ends within a letter after 8 octets, which is no text; choose \
                 another one on all nodes, or write its octets into a file and name that with \
                 `password_file`",
                router.name
            );
            return Err(ConfigError::new(router.places.interface.clone(), message).into());
        }
    }
    let text = brief(config).map_err(|error| {
        ConfigErrors::from(ConfigError::new(
            config.origin.clone(),
            format!("this cannot be written as TOML: {error}; report it"),
        ))
    })?;
    Ok(format!("# Made of {} by vrrp {}.\n\n{text}", config.origin, env!("CARGO_PKG_VERSION")))
}
