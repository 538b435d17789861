//! What the daemon says: its events as they happen, and its status once a second, or four times a
//! second while things change. A daemon that is lost is looked for until it answers again.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::SyncSender,
    thread,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    time::{Instant, sleep, sleep_until},
};

use super::message::Message;
use crate::control::client::{Error, Lines, get, parse};

/// How often the status is asked for, while nothing happens and while something does.
const QUIET: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_millis(250);
/// How soon a daemon that is lost is looked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a session with the daemon is over.
enum Over {
    /// It has stopped, or broke off: a sentence.
    Lost(String),
    /// The screen is closed.
    Closed,
}

impl From<Error> for Over {
    fn from(error: Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// Begins to tell, on a thread of its own.
///
/// # Errors
/// What the system says of the thread or its runtime.
pub(super) fn start(control: PathBuf, sender: SyncSender<Message>) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let work = move || runtime.block_on(follow(&control, &sender));
    thread::Builder::new().name("feed".to_owned()).spawn(work).map(drop)
}

async fn follow(control: &Path, sender: &SyncSender<Message>) {
    while let Err(Over::Lost(sentence)) = session(control, sender).await {
        if sender.send(Message::Lost(sentence)).is_err() {
            return;
        }
        sleep(AGAIN).await;
    }
}

/// Follows one daemon until it is lost.
async fn session(control: &Path, sender: &SyncSender<Message>) -> Result<(), Over> {
    // The events first, so that nothing happens between the two.
    let mut lines = Lines::open(control, "/events").await?;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            line = lines.next() => {
                let Some(line) = line? else {
                    return Err(Over::Lost("the daemon has stopped".to_owned()));
                };
                tell(sender, Message::Event(parse(control, &line)?))?;
                due = due.min(Instant::now() + BUSY);
            }
            () = sleep_until(due) => {
                due = Instant::now() + QUIET;
                let status = parse(control, &get(control, "/status").await?)?;
                tell(sender, Message::Status(Box::new(status)))?;
            }
        }
    }
}

fn tell(sender: &SyncSender<Message>, message: Message) -> Result<(), Over> {
    sender.send(message).map_err(|_| Over::Closed)
}
