//! `vrrp watch`: every virtual router of the running daemon on one screen, live, with keys to drain,
//! resume and announce. Where there is no terminal, it prints lines as `vrrp events` does.
//!
//! Threads tell the screen what there is to know, each by the one [`Message`] queue: the keys, the
//! signals, the daemon ([`feed`]), and whoever does what was ordered. The screen itself is drawn by
//! the main thread alone.

mod feed;
mod keys;
mod message;
mod model;
mod order;
mod palette;
mod screen;
mod strip;
mod terminal;
mod worker;

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cli,
    control::{
        client::{self, ask},
        unknown_name,
    },
    events,
};
use message::Message;
use model::{Model, Next};
use order::Order;
use palette::Palette;
use terminal::Terminal;

/// How many messages may wait: whoever has more waits, too.
const QUEUE: usize = 64;
/// Ages on the screen grow once a second.
const TICK: Duration = Duration::from_secs(1);
/// The screen is drawn no more often than that, whatever happens.
const FRAME: Duration = Duration::from_millis(50);

/// Why it ends.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("the terminal cannot be used: {0}; `vrrp events` and `vrrp status` need none")]
    Terminal(#[from] io::Error),
    #[error("the terminal says nothing more: {0}")]
    Keys(String),
}

impl Error {
    const fn exit_status(&self) -> u8 {
        match self {
            Self::Client(error) => error.exit_status(),
            Self::Terminal(_) | Self::Keys(_) => cli::FAILED,
        }
    }
}

/// Runs `vrrp watch` and returns the exit status.
pub(crate) fn main(arguments: &cli::Watch) -> u8 {
    let name = arguments.name.as_deref();
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return events::run(&arguments.daemon, name, false);
    }
    match watch(&arguments.daemon, name) {
        Ok(()) => cli::OK,
        Err(error) => {
            eprintln!("{error}");
            error.exit_status()
        }
    }
}

fn watch(daemon: &cli::Daemon, name: Option<&str>) -> Result<(), Error> {
    let control = daemon.control().map_err(client::Error::from)?;
    // Whoever mistypes a path or a name sees a sentence, and no screen.
    let status = ask(&control)?;
    let mut model = Model::new(Palette::of_environment());
    let names: Vec<String> =
        status.virtual_routers.iter().map(|router| router.name.clone()).collect();
    let now = Instant::now();
    model.take_status(status, now);
    if let Some(name) = name
        && !model.open(name)
    {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(client::Error::Refused(unknown_name(name, &names)).into());
    }
    let (sender, messages) = sync_channel(QUEUE);
    terminal::tell_of_signals(sender.clone())?;
    feed::start(control.clone(), sender.clone())?;
    let mut terminal = Terminal::open()?;
    terminal::tell_of_keys(sender.clone())?;
    follow(&mut model, &mut terminal, &messages, |order| worker::start(order, &control, &sender))
}

/// Draws, and takes what is told, until somebody wants to leave.
fn follow(
    model: &mut Model,
    terminal: &mut Terminal,
    messages: &Receiver<Message>,
    start: impl Fn(Order) -> io::Result<()>,
) -> Result<(), Error> {
    loop {
        let drawn = Instant::now();
        terminal.draw(|frame| screen::draw(frame, model, drawn))?;
        let mut message = match messages.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        thread::sleep(FRAME.saturating_sub(drawn.elapsed()));
        for _ in 0..QUEUE {
            let Some(taken) = message else { break };
            match take(model, taken, Instant::now()) {
                Next::GoOn => {}
                Next::Do(order) => start(order)?,
                Next::Leave => return Ok(()),
                Next::Fail(cause) => return Err(Error::Keys(cause)),
            }
            message = messages.try_recv().ok();
        }
    }
}

/// Takes what is told.
fn take(model: &mut Model, message: Message, now: Instant) -> Next {
    match message {
        Message::Key(key) => return keys::press(model, key),
        Message::End => return Next::Leave,
        Message::NoKeys(cause) => return Next::Fail(cause),
        // It is drawn again anyway.
        Message::Resized => {}
        Message::Status(status) => model.take_status(*status, now),
        Message::Event(event) => model.take_event(&event),
        Message::Lost(sentence) => model.take_loss(sentence, now),
        Message::Done(done) => model.take_outcome(done),
    }
    Next::GoOn
}

#[cfg(test)]
mod tests;
