//! [`Message`]: what the screen is told.

use ratatui::crossterm::event::KeyEvent;

use super::order::Done;
use crate::report::{Status, ToldEvent};

/// What the screen is told.
#[derive(Debug)]
pub(super) enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
    /// How everything is.
    Status(Box<Status>),
    /// Something has happened.
    Event(ToldEvent),
    /// The daemon does not answer any more; why, as a sentence.
    Lost(String),
    /// What was ordered has been done, or not.
    Done(Done),
    /// A signal wants it to end.
    End,
    /// Nothing can be read from the terminal any more.
    NoKeys(String),
}
