//! [`Asked`]: what the daemon was asked to do, by our command line or by keepalived's.

use std::{iter, path::PathBuf};

use clap::Parser;

use crate::{
    check,
    cli::{
        self,
        keepalived::{Behind, Keepalived, Options},
    },
    config::{Config, ConfigError, ConfigErrors, Place},
    import::{self, Beside, Format, Note, environment},
    output::say,
};

/// What is logged unless the command line says otherwise.
const LEVEL: &str = "info";

/// What the daemon was asked to do.
pub(super) struct Asked {
    source: Source,
    /// How log lines look.
    pub(super) log: cli::Log,
    /// The least important lines that are logged.
    pub(super) level: &'static str,
    /// Whether warnings are errors.
    strict: bool,
    /// Where the number of the process is written.
    pub(super) pids: Vec<PathBuf>,
    /// What there is to say about the command line.
    notes: Vec<Note>,
}

/// Where the configuration is.
enum Source {
    /// A file, and what is said beside it.
    File(PathBuf, Format, Beside),
    /// The environment.
    Environment,
}

/// Nothing is to be run: the exit status, after everything was said.
pub(super) struct Done(pub(super) u8);

impl Asked {
    /// What `vrrp run` is asked to do.
    ///
    /// # Errors
    /// The arguments ask for something else, which is done, or cannot be understood, which is said.
    pub(super) fn ours(arguments: &cli::Run) -> Result<Self, Done> {
        let cli::Run { config, log, strict, others, .. } = arguments;
        let (log, strict) = (*log, *strict);
        if config.from_env {
            let of_image = environment::arguments(others).map_err(|errors| refused(&errors))?;
            let level = of_image.level.unwrap_or(LEVEL);
            let (pids, notes) = (Vec::new(), of_image.notes);
            return Ok(Self { source: Source::Environment, log, level, strict, pids, notes });
        }
        let words = iter::once("vrrp run").chain(others.iter().map(String::as_str));
        let behind = Behind::try_parse_from(words).map_err(|error| {
            let done = misunderstood(&error);
            if environment::arguments(others).is_ok() {
                eprintln!("These are options of another image: they go with --from-env.");
            }
            done
        })?;
        let (file, format) = match (&behind.options.use_file, behind.config) {
            (Some(file), _) => (file.clone(), Format::Keepalived),
            (None, file) => {
                let file = file.unwrap_or_else(|| config.file.clone());
                let format = Format::of(&file);
                (file, format)
            }
        };
        let log = behind.log.unwrap_or(log);
        Self::file(file, format, behind.options, log, strict || behind.strict)
    }

    /// What a program that is called `keepalived` is asked to do.
    ///
    /// # Errors
    /// As [`Asked::ours`].
    pub(super) fn keepalived(arguments: Keepalived) -> Result<Self, Done> {
        let options = arguments.options;
        let (file, stays) = (options.file(), options.ignored.dont_fork);
        let mut asked = Self::file(file, Format::Keepalived, options, cli::Log::Text, false)?;
        if !stays {
            asked.note(
                "this program stays in the foreground; -n says that you know: have a service \
                 manager start it",
            );
        }
        Ok(asked)
    }

    fn file(
        file: PathBuf,
        format: Format,
        options: Options,
        log: cli::Log,
        strict: bool,
    ) -> Result<Self, Done> {
        if let Some(signal) = options.signum {
            say(&signal.number().to_string());
            return Err(Done(cli::OK));
        }
        for (is_asked, option) in [(options.check, "-C"), (options.genhash, "-T")] {
            if is_asked {
                let message = format!("{option} is for load balancing, which is not done here");
                return Err(refused(&ConfigError::new(Place::CommandLine, message).into()));
            }
        }
        let Options { config_id: id, namespace, all_config, config_test, pid, vrrp_pid, .. } =
            options;
        let beside = Beside { id, netns: namespace, needs_all: all_config };
        if let Some(log) = config_test {
            return Err(Done(check::as_keepalived(&file, &beside, log.as_deref())));
        }
        let pids = pid.into_iter().chain(vrrp_pid).collect();
        let source = Source::File(file, format, beside);
        let mut asked = Self { source, log, level: LEVEL, strict, pids, notes: Vec::new() };
        if options.ignored.dont_release_vrrp {
            asked.note("-V is left out: the addresses are always released at the end");
        }
        Ok(asked)
    }

    fn note(&mut self, message: &str) {
        self.notes.push(Note::new(true, Place::CommandLine, message));
    }

    /// The configuration. What there is to say about it is logged.
    ///
    /// # Errors
    /// It cannot be used.
    pub(super) fn config(&self) -> Result<Config, ConfigErrors> {
        let (event, config, notes) = match &self.source {
            Source::File(file, format, beside) => {
                let (config, notes) = import::read(file, *format, beside, check::prepare);
                ("configuration", config, notes)
            }
            Source::Environment => {
                let reading = environment::read(check::prepare);
                ("environment", reading.config, reading.notes)
            }
        };
        let notes: Vec<&Note> = self.notes.iter().chain(&notes).collect();
        notes.iter().for_each(|note| log_note(event, note));
        let warnings = notes.iter().filter(|note| note.warning).count();
        match config {
            Ok(config) if self.strict && warnings > 0 => {
                let message = format!(
                    "--strict takes warnings for errors, and there are {warnings} above; correct \
                     them, or leave --strict out"
                );
                Err(ConfigError::new(config.origin, message).into())
            }
            config => config.and_then(check::fit),
        }
    }
}

/// Says why the arguments cannot be understood.
fn misunderstood(error: &clap::Error) -> Done {
    // Where that cannot be printed, the exit status says it.
    let _ = error.print();
    Done(u8::try_from(error.exit_code()).unwrap_or(cli::BAD_CONFIGURATION))
}

fn refused(errors: &ConfigErrors) -> Done {
    eprintln!("{errors}");
    Done(cli::BAD_CONFIGURATION)
}

fn log_note(event: &str, Note { warning, place, message }: &Note) {
    if *warning {
        tracing::warn!(event, "{place}: {message}");
    } else {
        tracing::info!(event, "{place}: {message}");
    }
}
