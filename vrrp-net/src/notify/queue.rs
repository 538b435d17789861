//! [`Queues`]: the scripts of each virtual router and group, one at a time.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Script, Setup, State,
    run::run,
    told::{Kind, Subject, Told},
};
use crate::{Node, driver::Whose, panics::catch, process::Turn};

/// How long a script that is told of an end waits for the addresses to be gone.
const LETTING_GO: Duration = Duration::from_secs(2);

/// A queue for each virtual router and group.
#[derive(Default)]
pub(super) struct Queues {
    /// Whose addresses are waited for.
    node: Option<Node>,
    queues: BTreeMap<Subject, Queue>,
    jobs: JoinSet<Subject>,
}

/// In a queue scripts are told one state at a time. What waits meanwhile is the latest state.
#[derive(Default)]
struct Queue {
    turn: Turn,
    running: Option<State>,
    waiting: Option<Told>,
    /// What was to be told since the last one began, and is not.
    skipped: Skipped,
}

/// States that were skipped: the latest few, and how many there were.
#[derive(Default)]
struct Skipped {
    latest: Vec<State>,
    number: u64,
}

/// How many of the states that were skipped are named.
const NAMED: usize = 8;

impl Queues {
    /// Those of a node.
    pub(super) fn of(node: Node) -> Self {
        Self { node: Some(node), ..Self::default() }
    }

    /// Has a state told: at once, or when what is told now has been told.
    pub(super) fn push(&mut self, told: Told, setup: &Arc<Setup>) {
        let running = self.queues.get_mut(&told.subject).filter(|queue| queue.running.is_some());
        let Some(queue) = running else { return self.begin(told, setup) };
        if let Some(skipped) = queue.waiting.replace(told)
            && !setup.scripts(&skipped.subject, skipped.state).is_empty()
        {
            queue.skipped.push(skipped.state);
        }
    }

    /// Waits until a state has been told, and has the one told that waits for that. Never returns
    /// while nothing is told.
    ///
    /// To drop this future loses nothing.
    pub(super) async fn next(&mut self, setup: &Arc<Setup>) {
        let Some(done) = self.jobs.join_next().await else { return std::future::pending().await };
        // A job neither panics nor is it cancelled.
        let Ok(subject) = done else { return };
        let Some(queue) = self.queues.get_mut(&subject) else { return };
        queue.running = None;
        if let Some(told) = queue.waiting.take() {
            let skipped = std::mem::take(&mut queue.skipped);
            if !setup.scripts(&told.subject, told.state).is_empty() {
                skipped.tell(&told);
            }
            self.begin(told, setup);
        }
        // What runs of an earlier script, because it could not be killed, has its turn still.
        self.queues
            .retain(|_, queue| queue.running.is_some() || Arc::strong_count(&queue.turn) > 1);
    }

    /// Whether everything has been told.
    pub(super) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// What has not been told, as sentences.
    pub(super) fn untold(&self, setup: &Setup) -> Vec<String> {
        let is_told = |told: &&Told| !setup.scripts(&told.subject, told.state).is_empty();
        let of = |(Subject { kind, name }, queue): (&Subject, &Queue)| {
            let kind = kind.as_str();
            let running = queue.running.map(|state| {
                format!("{name}: the script of this {kind} for {state} had not ended in time, and was killed")
            });
            let waiting = queue.waiting.as_ref().filter(is_told).map(|told| {
                let state = told.state;
                format!("{name}: no script of this {kind} was told {state}, because the one before it had not ended in time")
            });
            running.into_iter().chain(waiting).collect::<Vec<_>>()
        };
        self.queues.iter().flat_map(of).collect()
    }

    fn begin(&mut self, told: Told, setup: &Arc<Setup>) {
        let scripts = setup.scripts(&told.subject, told.state);
        if scripts.is_empty() {
            return;
        }
        let queue = self.queues.entry(told.subject.clone()).or_default();
        queue.running = Some(told.state);
        let (turn, setup, node) = (queue.turn.clone(), setup.clone(), self.node.clone());
        self.jobs.spawn(async move {
            let subject = told.subject.clone();
            if let Some(node) = node.filter(|_| told.state != State::Active) {
                let_go(&node, &subject).await;
            }
            // Whatever happens, the queue goes on.
            if let Err(panic) = catch("a script's run", tell(&told, &scripts, &setup, &turn)).await
            {
                tracing::error!(event = "notify-failed", name = &*subject.name, "{panic}");
            }
            subject
        });
    }
}

impl Skipped {
    fn push(&mut self, state: State) {
        self.number = self.number.saturating_add(1);
        if self.latest.len() == NAMED {
            self.latest.remove(0);
        }
        self.latest.push(state);
    }

    /// Says what was skipped before `told`, once.
    fn tell(self, told: &Told) {
        let Self { latest, number } = self;
        if number == 0 {
            return;
        }
        let name = &*told.subject.name;
        let words: Vec<&str> = latest.iter().copied().map(State::as_str).collect();
        let words = words.join(", ");
        tracing::info!(
            event = "notify-skipped",
            name,
            kind = told.subject.kind.as_str(),
            state = told.state.as_str(),
            skipped = number,
            "{name}: scripts are told {} now; {number} states before it were skipped, because the \
             one that ran had not ended (the latest: {words})",
            told.state,
        );
    }
}

/// Waits until the addresses are gone of whom it is told that they are, or cannot be taken away: a
/// script may stop what must not be there beside them, or say so by it.
async fn let_go(node: &Node, subject: &Subject) {
    let name = subject.name.clone();
    let whose = match subject.kind {
        Kind::Instance => Whose::Router(name),
        Kind::Group => Whose::Group(name),
    };
    // Past that, the backend has failed, which is told elsewhere.
    let _ = timeout(LETTING_GO, node.let_go(whose)).await;
}

/// Has one script after the other told.
async fn tell(told: &Told, scripts: &[(Script, bool)], setup: &Setup, turn: &Turn) {
    let (name, kind, state) =
        (&*told.subject.name, told.subject.kind.as_str(), told.state.as_str());
    for (script, by_arguments) in scripts {
        let script_path = script.program.path().display();
        match run(script, told, *by_arguments, &setup.without, turn).await {
            Ok(()) => tracing::debug!(
                event = "notify",
                name,
                kind,
                state,
                generation = told.generation,
                "{name}: {script_path} was told {state}"
            ),
            Err(why) => tracing::warn!(
                event = "notify-failed",
                name,
                kind,
                state,
                generation = told.generation,
                "{name}: a script was to be told {state}: {why}"
            ),
        }
    }
}
