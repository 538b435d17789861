//! `vrrp events`: follows what happens, over the control socket of the running daemon.

use std::{
    io::{self, Write},
    path::Path,
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::{
    cli,
    control::client::{self, Lines, escape, parse},
    descriptors,
    report::ToldEvent,
};

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("the events cannot be printed: {0}")]
    Print(io::Error),
    #[error("the operating system refused {0}: {1}")]
    System(&'static str, io::Error),
}

impl Error {
    const fn exit_status(&self) -> u8 {
        match self {
            Self::Client(error) => error.exit_status(),
            Self::Print(_) | Self::System(..) => cli::FAILED,
        }
    }
}

/// Why it ended in order.
enum End {
    /// The daemon has stopped.
    Stopped,
    /// Nobody wants to see more.
    Unwanted,
}

/// Runs `vrrp events` and returns the exit status.
pub(crate) fn main(arguments: &cli::Events) -> u8 {
    run(&arguments.daemon, arguments.name.as_deref(), arguments.json)
}

/// Prints what happens to `name`, or everything, and returns the exit status.
pub(crate) fn run(daemon: &cli::Daemon, name: Option<&str>, json: bool) -> u8 {
    match follow_until_told(daemon, name, json) {
        Ok(End::Unwanted) => cli::OK,
        Ok(End::Stopped) => {
            eprintln!("the daemon has stopped, and nothing more will happen");
            cli::OK
        }
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

/// Follows on a thread of its own, and returns when a signal comes: a reader of the output that
/// hangs must not keep this process from ending.
fn follow_until_told(daemon: &cli::Daemon, name: Option<&str>, json: bool) -> Result<End, Error> {
    let control = daemon.control().map_err(client::Error::from)?;
    let target = match name {
        Some(name) => format!("/events?name={}", escape(name)),
        None => "/events".to_owned(),
    };
    descriptors::require(descriptors::CLIENT).map_err(client::Error::from)?;
    let outside = runtime()?;
    let (mut terminate, mut interrupt) = {
        let _entered = outside.enter();
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?)
    };
    let (ended, end) = oneshot::channel();
    let work = move || {
        let end = runtime().and_then(|inside| inside.block_on(follow(&control, &target, json)));
        // Who was told to end does not ask why.
        drop(ended.send(end));
    };
    let thread = thread::Builder::new().name("events".to_owned()).spawn(work);
    thread.map_err(|error| Error::System("a thread", error))?;
    outside.block_on(async {
        tokio::select! {
            _ = terminate.recv() => Ok(End::Unwanted),
            _ = interrupt.recv() => Ok(End::Unwanted),
            end = end => end.unwrap_or_else(|_| {
                Err(Error::System("to go on", io::Error::other("a thread ended by itself")))
            }),
        }
    })
}

fn listen(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|error| Error::System("signal handlers", error))
}

fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::System("a runtime", error))
}

/// Prints what comes, each line at once.
async fn follow(control: &Path, target: &str, json: bool) -> Result<End, Error> {
    let mut lines = Lines::open(control, target).await?;
    let mut out = io::stdout();
    while let Some(mut line) = lines.next().await? {
        if !json {
            line = sentence(&parse(control, &line)?).into_bytes();
        }
        line.push(b'\n');
        match out.write_all(&line).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(End::Unwanted),
            Err(error) => return Err(Error::Print(error)),
        }
    }
    Ok(End::Stopped)
}

/// An event as people read it: one line, whatever is in it.
pub(crate) fn sentence(event: &ToldEvent) -> String {
    let ToldEvent { time, sentence } = event;
    format!("{time} {sentence}").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_for_people() {
        let event = ToldEvent {
            time: "2026-01-02T03:04:05.678Z".to_owned(),
            sentence: "web: its check said\n\u{1b}[2J".to_owned(),
        };
        assert_eq!(sentence(&event), "2026-01-02T03:04:05.678Z web: its check said  [2J");
    }
}
