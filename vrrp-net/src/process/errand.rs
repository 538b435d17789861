//! [`Errand`]: a program that is run once, to tell it something or to have something done.

use std::{process::Command, sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{Heard, Leftovers, Program, Start, Unprivileged, User};

/// As good as for ever: no clock overflows by it.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Held while a program runs: one at a time.
pub(crate) type Turn = Arc<Mutex<()>>;

/// A program without capabilities, as whom it runs, and how long it may take. What it leaves in the
/// background goes on.
#[derive(Clone, Copy)]
pub(crate) struct Errand<'a> {
    pub(crate) program: &'a Program,
    pub(crate) user: &'a User,
    pub(crate) limit: Duration,
}

impl Errand<'_> {
    /// Runs it in its turn, and waits until it has ended well; `prepare` adds what it is told. The
    /// error is a sentence.
    ///
    /// To drop this future kills it.
    pub(crate) async fn run(
        self,
        turn: &Turn,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<(), String> {
        let (path, limit) = (self.program.path().display(), self.limit);
        let by = Instant::now() + limit.min(LONGEST);
        let begun = timeout_at(by, self.begin(turn, prepare)).await.map_err(|_| {
            format!(
                "{path} could not be started within {limit:?}: one before it is still there, or \
                 this host starts its programs too slowly"
            )
        })?;
        let ended = timeout_at(by, begun?.end()).await.map_err(|_| {
            format!(
                "{path} did not end within {limit:?}, and was killed; make it faster, or its limit \
                 longer"
            )
        })?;
        let ended = ended.map_err(|error| self.user.unstarted(self.program, &error))?;
        if ended.status.success() {
            return Ok(());
        }
        let said = ended.last_line.as_ref().map(|line| format!(": {line}"));
        Err(format!("{path} {}{}", ended.how(), said.unwrap_or_default()))
    }

    async fn begin(
        self,
        turn: &Turn,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Unprivileged, String> {
        let Self { program, user, limit: _ } = self;
        let turn = turn.clone().lock_owned().await;
        let account = user.account(program).await?;
        let mut command = program.command();
        prepare(&mut command);
        let start = Start::of_script().await;
        let (heard, leftovers) = (Heard::Errors, Leftovers::Stay);
        Unprivileged::start(command, account, start, heard, leftovers, turn)
            .map_err(|error| user.unstarted(program, &error))
    }
}
