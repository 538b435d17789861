//! [`Terminal`]: the terminal while the screen is on it, and the threads that tell of keys and signals.

use std::{io, process, sync::mpsc::SyncSender, thread, time::Duration};

use ratatui::{
    DefaultTerminal, Frame,
    crossterm::{
        event::{self, Event, KeyEventKind},
        terminal::disable_raw_mode,
    },
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use super::message::Message;
use crate::cli;

/// How long the screen may take to close once a signal came: a terminal that takes nothing must not
/// keep this process from ending.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// The terminal, as it was again when this is dropped; after a panic, too.
pub(super) struct Terminal(DefaultTerminal);

impl Terminal {
    /// Opens the screen.
    ///
    /// # Errors
    /// What the terminal says.
    pub(super) fn open() -> io::Result<Self> {
        // It restores the terminal before a panic is told, by a hook.
        ratatui::try_init().map(Self)
    }

    /// Draws.
    ///
    /// # Errors
    /// What the terminal says.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // There is no terminal any more to say an error on.
        drop(ratatui::try_restore());
    }
}

/// Tells of each key, on a thread of its own.
///
/// # Errors
/// What the system says of the thread.
pub(super) fn tell_of_keys(sender: SyncSender<Message>) -> io::Result<()> {
    let work = move || {
        loop {
            let message = match event::read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Message::Key(key),
                Ok(Event::Resize(..)) => Message::Resized,
                Ok(_) => continue,
                Err(error) => Message::NoKeys(error.to_string()),
            };
            let is_last = matches!(message, Message::NoKeys(_));
            if sender.send(message).is_err() || is_last {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(work).map(drop)
}

/// Tells of the first signal that wants this process to end, on a thread of its own.
///
/// # Errors
/// What the system says of the thread, its runtime or the signals.
pub(super) fn tell_of_signals(sender: SyncSender<Message>) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt, mut hang_up) = {
        let _entered = runtime.enter();
        let [terminate, interrupt, hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        (terminate?, interrupt?, hang_up?)
    };
    let work = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        // Whoever draws may hang: the queue may be full.
        drop(sender.try_send(Message::End));
        thread::sleep(LAST_FRAME);
        drop(disable_raw_mode());
        process::exit(cli::OK.into());
    };
    thread::Builder::new().name("signals".to_owned()).spawn(work).map(drop)
}
