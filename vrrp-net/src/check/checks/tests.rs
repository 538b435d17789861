//! Checks that do what a test tells them, in paused time; and, in `thread`, real ones.

mod reloads;
mod thread;

use std::{
    num::NonZeroU8,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};
use vrrp_core::{Condition, Hold, Weight};

use super::*;
use crate::check::{
    Check, Effect, File, Initial, Last, Outcome, Planned, Schedule, State, Track, Tracked,
    board::{Id, Run},
    log::Line,
};

/// How long anything may take that takes milliseconds on an idle machine.
const SOON: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// What a [`Puppet`] does when it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Pass,
    Fail,
    NotRun,
    Hang,
    Panic,
}

/// A check that does what it is told.
#[derive(Clone)]
struct Puppet(Arc<Strings>);

struct Strings {
    does: Mutex<Does>,
    runs: AtomicU32,
    now: AtomicU32,
    most_at_once: AtomicU32,
}

impl Puppet {
    fn new(does: Does) -> Self {
        let (runs, now, most_at_once) = Default::default();
        Self(Arc::new(Strings { does: Mutex::new(does), runs, now, most_at_once }))
    }

    fn set(&self, does: Does) {
        *self.0.does.lock().unwrap() = does;
    }

    fn runs(&self) -> u32 {
        self.0.runs.load(Ordering::Relaxed)
    }

    fn runs_now(&self) -> u32 {
        self.0.now.load(Ordering::Relaxed)
    }
}

/// Counts down when a run ends, however it does.
struct Running<'a>(&'a AtomicU32);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Check for Puppet {
    async fn run(&self) -> Outcome {
        let now = self.0.now.fetch_add(1, Ordering::Relaxed) + 1;
        let _running = Running(&self.0.now);
        self.0.most_at_once.fetch_max(now, Ordering::Relaxed);
        self.0.runs.fetch_add(1, Ordering::Relaxed);
        let does = *self.0.does.lock().unwrap();
        match does {
            Does::Pass => Outcome::Passed("well".to_owned()),
            Does::Fail => Outcome::Failed("ill".to_owned()),
            Does::NotRun => Outcome::NotRun("gone".to_owned()),
            Does::Hang => std::future::pending().await,
            Does::Panic => panic!("of a test"),
        }
    }

    fn describe(&self) -> String {
        "the puppet is well".to_owned()
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let other = (other as &dyn std::any::Any).downcast_ref::<Self>();
        other.is_some_and(|other| Arc::ptr_eq(&self.0, &other.0))
    }
}

/// The checks on the runtime of a test, whose time is paused.
struct Here(Arc<Board>);

impl Here {
    fn start(setup: Setup) -> Self {
        let here = Self(Arc::new(Board::new()));
        here.take(setup, false);
        here
    }

    fn take(&self, setup: Setup, at_run_time: bool) {
        self.0.configure(setup, at_run_time, |begin| {
            Task(tokio::spawn(runner::run(self.0.clone(), begin)).abort_handle())
        });
    }

    fn condition(&self) -> Condition {
        self.health().condition
    }

    fn health(&self) -> Health {
        self.0.levels().borrow().get("web").copied().unwrap_or_default()
    }

    fn status(&self, name: &str) -> CheckStatus {
        self.0.status().into_iter().find(|status| &*status.name == name).unwrap()
    }
}

fn every_second() -> Schedule {
    Schedule::default().interval(SECOND).unwrap()
}

fn planned(name: &str, puppet: &Puppet, schedule: Schedule) -> Planned {
    Planned::new(name, puppet.clone()).schedule(schedule)
}

fn holds(names: &[&str]) -> Tracked {
    names.iter().fold(Tracked::new("web"), |web, name| web.track(Track::new(*name, Effect::Hold)))
}

fn one(puppet: &Puppet, schedule: Schedule) -> Setup {
    Setup::new([planned("it", puppet, schedule)], [holds(&["it"])]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_check_is_ill_after_fall_failures_and_well_after_rise_passes() {
    let puppet = Puppet::new(Does::Pass);
    let here = Here::start(one(&puppet, every_second()));
    assert_eq!(here.condition(), Condition::Unknown);
    let mut healths = Healths { levels: here.0.levels(), known: Levels::new() };
    let mut next = async || healths.next().await.unwrap().1.condition;
    assert_eq!(next().await, Condition::Unknown);
    assert_eq!(next().await, Condition::Good);
    puppet.set(Does::Fail);
    let (begun, before) = (Instant::now(), puppet.runs());
    assert_eq!(next().await, Condition::Ill);
    assert_eq!(puppet.runs() - before, 3);
    assert!((SECOND * 2..SECOND * 4).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    puppet.set(Does::Pass);
    let before = puppet.runs();
    assert_eq!(next().await, Condition::Good);
    assert_eq!(puppet.runs() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_fails_and_delays_nobody() {
    let (hangs, well) = (Puppet::new(Does::Hang), Puppet::new(Does::Pass));
    let long = every_second().timeout(Duration::from_millis(2500)).unwrap();
    let checks = [planned("hangs", &hangs, long), planned("well", &well, every_second())];
    let here = Here::start(Setup::new(checks, [holds(&["hangs"])]).unwrap());
    sleep(Duration::from_secs(30)).await;
    assert!((29..=31).contains(&well.runs()), "{} runs", well.runs());
    assert!((9..=11).contains(&hangs.runs()), "{} runs", hangs.runs());
    assert_eq!(hangs.0.most_at_once.load(Ordering::Relaxed), 1, "runs do not overlap");
    assert_eq!(here.condition(), Condition::Ill);
    let status = here.status("hangs");
    let expected = Outcome::Failed("there was no result within 2.5s".to_owned());
    assert_eq!((status.outcome, status.took), (Some(expected), Duration::from_millis(2500)));
    assert_eq!(status.runs, status.failures);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_run_that_could_not_be_made() {
    let puppet = Puppet::new(Does::Panic);
    let here = Here::start(one(&puppet, every_second()));
    sleep(SECOND * 5).await;
    let status = here.status("it");
    assert!(status.runs > 3 && status.not_run == status.runs, "{status:?}");
    let expected = Outcome::NotRun("the check panicked: of a test".to_owned());
    assert_eq!((status.state, status.outcome), (State::Unknown, Some(expected)));
    puppet.set(Does::Pass);
    sleep(SECOND * 2).await;
    assert_eq!((here.condition(), here.status("it").state), (Condition::Good, State::Good));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_keeps_what_is_the_same() {
    let (kept, gone, new) =
        (Puppet::new(Does::Fail), Puppet::new(Does::Hang), Puppet::new(Does::Hang));
    let old = [planned("kept", &kept, every_second()), planned("gone", &gone, every_second())];
    let here = Here::start(Setup::new(old, [holds(&["kept"])]).unwrap());
    sleep(SECOND * 5).await;
    assert_eq!(here.condition(), Condition::Ill);
    let runs = here.status("kept").runs;
    gone.set(Does::Hang);
    while gone.runs_now() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let checks = [planned("kept", &kept, every_second()), planned("new", &new, every_second())];
    here.take(Setup::new(checks, [holds(&["kept", "new"])]).unwrap(), true);
    assert_eq!(here.status("kept").runs, runs);
    assert_eq!(here.condition(), Condition::Ill, "what is known is still known");
    sleep(Duration::from_millis(1)).await;
    assert_eq!(gone.runs_now(), 0, "what is gone is cut off");
    // The new one counts as good before its first result, and then as what it is.
    let only_new = || planned("new", &new, every_second());
    here.take(Setup::new([only_new()], [holds(&["new"])]).unwrap(), true);
    assert_eq!((here.condition(), here.status("new").state), (Condition::Good, State::Unknown));
    sleep(SECOND * 3).await;
    assert_eq!(here.condition(), Condition::Ill);
    // One with another schedule is another.
    let other = planned("new", &new, every_second().rise(NonZeroU8::MIN));
    here.take(Setup::new([other], [holds(&["new"])]).unwrap(), true);
    assert_eq!((here.condition(), here.status("new").runs), (Condition::Ill, 0));
}

#[tokio::test(start_paused = true)]
async fn what_counts_while_active_is_good_at_any_other_time() {
    let puppet = Puppet::new(Does::Fail);
    let schedule = every_second().while_active(SECOND * 5).unwrap();
    let here = Here::start(one(&puppet, schedule));
    sleep(SECOND * 20).await;
    assert_eq!((here.condition(), puppet.runs()), (Condition::Good, 0));
    here.0.set_phase("web", Phase::Acquiring);
    here.0.set_phase("web", Phase::Held);
    sleep(SECOND * 4).await;
    here.0.set_phase("web", Phase::Held);
    sleep(Duration::from_millis(900)).await;
    assert_eq!((here.condition(), puppet.runs()), (Condition::Good, 0));
    // The grace is over: three failures, a second apart or a little more.
    sleep(SECOND * 5).await;
    assert_eq!(here.condition(), Condition::Ill);
    here.0.set_phase("web", Phase::Initialize(Hold::Stopped));
    assert_eq!(here.condition(), Condition::Good);
    let runs = puppet.runs();
    sleep(SECOND * 20).await;
    assert_eq!((puppet.runs(), here.status("it").runs_now), (runs, false));
    // It begins anew, from good.
    here.0.set_phase("web", Phase::Held);
    sleep(SECOND * 5 + Duration::from_millis(1)).await;
    assert_eq!((here.condition(), here.status("it").runs_now), (Condition::Good, true));
    puppet.set(Does::Pass);
    sleep(SECOND * 20).await;
    assert_eq!((here.condition(), here.status("it").state), (Condition::Good, State::Good));
}

#[tokio::test(start_paused = true)]
async fn what_counts_while_active_counts_for_those_that_are() {
    let puppet = Puppet::new(Does::Fail);
    let schedule = every_second().while_active(SECOND).unwrap();
    let router = |name: &str| Tracked::new(name).track(Track::new("it", Effect::Hold));
    let it = planned("it", &puppet, schedule);
    let here = Here::start(Setup::new([it], [router("web"), router("db")]).unwrap());
    here.0.set_phase("db", Phase::Held);
    sleep(SECOND * 10).await;
    let of = |name: &str| here.0.levels().borrow()[name].condition;
    assert_eq!((of("web"), of("db")), (Condition::Good, Condition::Ill));
    here.0.set_phase("web", Phase::Held);
    here.0.set_phase("db", Phase::Backup);
    assert_eq!((of("web"), of("db")), (Condition::Good, Condition::Good));
    sleep(SECOND * 10).await;
    assert_eq!((of("web"), of("db")), (Condition::Ill, Condition::Good));
}

/// A board that nothing runs on: what a test notes is all that it knows.
fn board(schedule: Schedule, effects: &[Effect]) -> (Board, Vec<(String, Id)>) {
    let names: Vec<String> = (0..effects.len()).map(|number| format!("check-{number}")).collect();
    let puppet = Puppet::new(Does::Pass);
    let checks = names.iter().map(|name| planned(name, &puppet, schedule));
    let web = names.iter().zip(effects).fold(Tracked::new("web"), |web, (name, effect)| {
        web.track(Track::new(name.as_str(), *effect))
    });
    let (board, ids) = (Board::new(), Mutex::new(Vec::new()));
    board.configure(Setup::new(checks, [web]).unwrap(), false, |begin| {
        ids.lock().unwrap().push((begin.planned.name.to_string(), begin.id));
        Task(tokio::spawn(std::future::ready(())).abort_handle())
    });
    (board, ids.into_inner().unwrap())
}

fn noted(board: &Board, (name, id): &(String, Id), outcome: Outcome) -> Vec<Line> {
    let run = Run { outcome, began: std::time::SystemTime::now(), took: Duration::ZERO };
    board.note(name, *id, run)
}

#[tokio::test]
async fn only_changes_are_told() {
    let (board, ids) = board(Schedule::default(), &[Effect::Hold]);
    let told = |does: Does| {
        let text = "why".to_owned();
        let outcome = match does {
            Does::Pass => Outcome::Passed(text),
            Does::Fail => Outcome::Failed(text),
            _ => Outcome::NotRun(text),
        };
        noted(&board, &ids[0], outcome)
    };
    let (name, text): (Arc<str>, _) = ("check-0".into(), "why".to_owned());
    let changed =
        |from, to| vec![Line::Changed { name: name.clone(), from, to, text: text.clone() }];
    assert_eq!(told(Does::Pass), changed(State::Unknown, State::Good));
    assert_eq!(told(Does::Pass), []);
    assert_eq!((told(Does::Fail), told(Does::Fail)), (vec![], vec![]));
    assert_eq!(told(Does::Fail), changed(State::Good, State::Bad));
    let description = "the puppet is well".into();
    let (name, text) = (name.clone(), text.clone());
    let lost = Line::NotRun { name: name.clone(), state: State::Bad, description, text };
    assert_eq!(told(Does::NotRun), [lost]);
    assert_eq!(told(Does::NotRun), []);
    assert_eq!(told(Does::Fail), [Line::Runs { name, state: State::Bad }]);
    assert_eq!(
        noted(&board, &("check-0".to_owned(), Id::default().next()), Outcome::Number(1)),
        []
    );
}

proptest! {
    /// Two checks are bad and one recovers: the virtual router is still ill (keepalived 2.2.7 takes
    /// it for well), and its weights are those of what is bad now.
    #[test]
    fn e7_health_is_a_level_whatever_came_in_which_order(
        noted_in_turn in proptest::collection::vec((0_usize..4, any::<bool>()), 1..60),
        rise in 1_u8..4,
        fall in 1_u8..4,
    ) {
        let runtime = Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let of = |count| NonZeroU8::new(count).unwrap();
        let schedule =
            Schedule::default().rise(of(rise)).fall(of(fall)).initial(Initial::Good);
        let weights = [-30, -100].map(|weight| Effect::Weight(Weight::try_from(weight).unwrap()));
        let (board, ids) =
            board(schedule, &[Effect::Hold, Effect::Hold, weights[0], weights[1]]);
        // Rows of equal results of each check, as whoever reads its history would count them.
        let mut histories = [const { Vec::new() }; 4];
        for (which, passes) in noted_in_turn {
            let text = String::new();
            let outcome = if passes { Outcome::Passed(text) } else { Outcome::Failed(text) };
            noted(&board, &ids[which], outcome);
            histories[which].push(passes);
            let is_bad = |which: usize| is_bad(&histories[which], rise.into(), fall.into());
            let health = board.levels().borrow()["web"];
            let ill = is_bad(0) || is_bad(1);
            prop_assert_eq!(health.condition == Condition::Ill, ill);
            prop_assert_eq!(health.condition == Condition::Good, !ill);
            let sum = if is_bad(2) { -30 } else { 0 } + if is_bad(3) { -100 } else { 0 };
            prop_assert_eq!(health.weight.get(), sum);
        }
    }
}

/// The latest row of enough equal results decides.
fn is_bad(history: &[bool], rise: usize, fall: usize) -> bool {
    let ends_with = |upto: usize, passes: bool, count: usize| {
        let row = history[..upto].iter().rev().take_while(|it| **it == passes);
        row.count() >= count
    };
    (1..=history.len()).rev().find_map(|upto| {
        if ends_with(upto, false, fall) {
            return Some(true);
        }
        ends_with(upto, true, rise).then_some(false)
    }) == Some(true)
}
