//! The log on stderr: lines for people, or JSON. Every line about an event has a stable `event=`
//! word.

use std::{
    fmt::{self, Debug, Write},
    io::IsTerminal,
};

use tracing::field::Field;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt,
    fmt::format::{Writer, debug_fn},
};

use crate::cli;

/// How many lines may wait to be written. Room for them is taken at once.
const WAITING: usize = 8192;

/// Starts the log. `RUST_LOG` chooses what is in it; `level` unless set.
///
/// A thread of its own writes it until the guard is dropped, and drops lines that it cannot get rid
/// of: the driver logs, and a reader of the log that hangs must not keep it from advertising.
pub(crate) fn start(format: cli::Log, level: &str) -> WorkerGuard {
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(std::io::stderr());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    match format {
        cli::Log::Text => {
            let fields = debug_fn(|out: &mut Writer<'_>, field: &Field, value| {
                write_field(out, field.name(), value)
            });
            log.with_ansi(std::io::stderr().is_terminal()).fmt_fields(fields.delimited(" ")).init();
        }
        cli::Log::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init()
        }
    }
    guard
}

/// `key=value`, in quotes where the value would not be one word; the message as it is, but in one
/// line.
fn write_field(out: &mut impl Write, name: &str, value: &dyn Debug) -> fmt::Result {
    let text = format!("{value:?}");
    if name == "message" {
        return out.write_str(&text.replace('\n', "; "));
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let one_word = |text: &str| {
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "\"\\=".contains(c))
    };
    match inner {
        Some(inner) if one_word(inner) => write!(out, "{name}={inner}"),
        Some(_) => write!(out, "{name}={text}"),
        None if one_word(&text) => write!(out, "{name}={text}"),
        None => write!(out, "{name}={text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, value: &dyn Debug) -> String {
        let mut out = String::new();
        write_field(&mut out, name, value).unwrap();
        out
    }

    #[test]
    fn a_value_is_one_word_or_in_quotes() {
        assert_eq!(written("event", &"transition"), "event=transition");
        assert_eq!(written("name", &"web/v6"), "name=web/v6");
        assert_eq!(written("error", &"no such device"), "error=\"no such device\"");
        assert_eq!(written("error", &format_args!("no such device")), "error=\"no such device\"");
        assert_eq!(written("error", &""), "error=\"\"");
        assert_eq!(written("error", &"a=b"), "error=\"a=b\"");
        assert_eq!(written("count", &3), "count=3");
        assert_eq!(
            written("message", &format_args!("web: backup\n-> active")),
            "web: backup; -> active"
        );
    }
}
