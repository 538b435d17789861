//! Whoever has the daemon do what a key ordered.

use std::{io, path::Path, sync::mpsc::SyncSender, thread};

use hyper::body::Bytes;

use super::{
    message::Message,
    order::{Done, Order},
};
use crate::drain::outcomes;

/// Asks the daemon on a thread of its own: a handover takes as long as it takes.
///
/// # Errors
/// What the system says of the thread.
pub(super) fn start(order: Order, control: &Path, sender: &SyncSender<Message>) -> io::Result<()> {
    let (control, sender) = (control.to_owned(), sender.clone());
    let work = move || {
        let Order { verb, name } = &order;
        let done = match outcomes(&control, Some(name), verb.word(), Bytes::new()) {
            Ok(outcomes) => Done {
                done: outcomes.iter().all(|outcome| outcome.done),
                sentence: outcomes
                    .into_iter()
                    .map(|outcome| outcome.sentence)
                    .collect::<Vec<_>>()
                    .join("; "),
            },
            Err(error) => Done { done: false, sentence: error.to_string() },
        };
        // Nobody is there to be told once the screen is closed.
        drop(sender.send(Message::Done(done)));
    };
    thread::Builder::new().name("order".to_owned()).spawn(work).map(drop)
}
