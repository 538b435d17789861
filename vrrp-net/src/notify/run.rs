//! One run of a script.

use std::{ffi::OsString, sync::Arc};

use tokio::{sync::Mutex, time::timeout};

use super::{Script, told::Told};
use crate::process::{Ended, Heard, Leftovers, Start, Unprivileged, User};

/// Held while a script runs.
pub(super) type Turn = Arc<Mutex<()>>;

/// Has `script` told, and waits until it has ended. The error is a sentence.
pub(super) async fn run(
    script: &Script,
    told: &Told,
    by_arguments: bool,
    without: &[OsString],
    turn: &Turn,
) -> Result<(), String> {
    let run = to_its_end(script, told, by_arguments, without, turn);
    let path = script.program.path().display();
    match timeout(script.limit, run).await {
        Ok(Ok(ended)) if ended.status.success() => Ok(()),
        Ok(Ok(ended)) => {
            let said = ended.last_line.as_ref().map(|line| format!(": {line}"));
            Err(format!("{path} {}{}", ended.how(), said.unwrap_or_default()))
        }
        Ok(Err(why)) => Err(why),
        Err(_) => Err(format!(
            "{path} did not end within {:?}, and was killed; make it faster, or its limit longer",
            script.limit
        )),
    }
}

/// To drop this future kills it.
async fn to_its_end(
    script: &Script,
    told: &Told,
    by_arguments: bool,
    without: &[OsString],
    turn: &Turn,
) -> Result<Ended, String> {
    let Script { program, limit: _, user } = script;
    let user = user.clone().map_or_else(User::default, User::named);
    let turn = turn.clone().lock_owned().await;
    let account = user.account(program).await?;
    let mut command = program.command();
    for name in without {
        command.env_remove(name);
    }
    told.tell(&mut command, by_arguments);
    let start = begin().await;
    let heard = (Heard::Errors, Leftovers::Stay);
    let running = Unprivileged::start(command, account, start, heard.0, heard.1, turn);
    let ended = match running {
        Ok(running) => running.end().await,
        Err(error) => Err(error),
    };
    ended.map_err(|error| user.unstarted(program, &error))
}

/// Waits for its turn to start, for as long as its limit lets it.
async fn begin() -> Start {
    loop {
        if let Some(start) = Start::begin().await {
            return start;
        }
    }
}
