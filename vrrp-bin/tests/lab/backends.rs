//! A program that holds the address, on the node that would otherwise be Active: it works, is slow,
//! fails, hangs, and is not wanted any more.

use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Capture, Client, Signal, Ticker, wait_until};

use crate::{
    faults::{announces, config, number, skew, wait_for_hold, watch},
    support::{
        Outcome, Pair, SLACK, SOON, adverts, check, now, priority, takeover, timed, wait_for,
        within,
    },
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const QUICK: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
/// How long a program that hangs may take.
const LIMIT: Duration = Duration::from_millis(500);

/// Notes what it is told and when, does what FOLDER/ACTION.sh says, and then what it is asked.
const SCRIPT: &str = r#"#!/bin/sh
folder=$1 action=$2
cat >> "$folder/calls"
[ -e "$folder/$action.sh" ] && . "$folder/$action.sh"
held() { ip address show dev eth0 | grep -q 'inet 10\.0\.0\.100/'; }
case $action in
    acquire) held || ip address add 10.0.0.100/24 dev eth0 || exit ;;
    release) ! held || ip address delete 10.0.0.100/24 dev eth0 || exit ;;
    inspect) ;;
    *) exit 64 ;;
esac
date "+$action %s.%N" >> "$folder/done"
"#;
/// Hangs, and so does what it started.
const HANG: &str = "sleep 1000 & echo $! > $folder/child; echo $$ > $folder/leader; wait";
/// Fails if anything of that is left.
const ALONE: &str = "for pid in $(cat $folder/leader $folder/child); do
    grep -qs '^State:.[^ZX]' /proc/$pid/status && echo $pid > $folder/overlap
done";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("backend_command_works", works),
        timed("backend_command_example", example),
        timed("backend_command_slow", slow),
        timed("backend_command_fails", fails),
        timed("backend_command_hangs", hangs),
        timed("backend_command_fails_to_release", fails_to_release),
        timed("backend_command_hangs_on_release", hangs_on_release),
        timed("backend_command_superseded", superseded),
    ]
}

/// The program of a node, and the folder that it writes to.
struct Program {
    path: PathBuf,
    folder: PathBuf,
}

impl Program {
    fn new(folder: &Path) -> Result<Self, Failed> {
        let (path, folder) = (folder.join("move-ip"), folder.join("program"));
        fs::create_dir(&folder)?;
        fs::write(&path, SCRIPT)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self { path, folder })
    }

    fn config(&self, priority: u8, interval: Duration, timeout: Duration) -> String {
        let Self { path, folder } = self;
        let timeout = timeout.as_millis();
        config(priority, interval, &[ADDRESS])
            + &format!(
                "backend = {{ command = [{path:?}, {folder:?}], timeout = \"{timeout}ms\", reach = \
                 \"on-link\" }}\n"
            )
    }

    /// Has it do something else first, from its next call on.
    fn order(&self, action: &str, what: &str) -> Outcome {
        // Renamed into place, so that no call finds half of it.
        let (draft, file) = (self.folder.join("draft"), self.folder.join(format!("{action}.sh")));
        fs::write(&draft, what)?;
        Ok(fs::rename(draft, file)?)
    }

    fn mend(&self, action: &str) -> Outcome {
        Ok(fs::remove_file(self.folder.join(format!("{action}.sh")))?)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// What it was told, oldest first.
    fn calls(&self) -> Vec<Value> {
        self.read("calls").lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until it was told something, and returns the last time that it was.
    fn wait_for_call(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
        let find = || self.calls().into_iter().rfind(|call| wanted(call));
        check(
            wait_until(SOON, || find().is_some()),
            format!("no {what}; it was told:\n{}", self.read("calls")),
        )?;
        find().ok_or_else(|| "it is gone".into())
    }

    /// When it had last done this.
    fn done(&self, action: &str) -> Result<Duration, Failed> {
        let done = self.read("done");
        let last =
            done.lines().filter_map(|line| line.split_once(' ')).rfind(|(word, _)| *word == action);
        let Some((_, at)) = last else {
            return Err(format!("it never did {action}:\n{done}").into());
        };
        Ok(Duration::from_secs_f64(at.parse()?))
    }

    /// Waits until a program that hangs was started.
    fn wait_for_hang(&self) -> Outcome {
        check(wait_until(SOON, || self.read("leader").ends_with('\n')), "it was not started")
    }

    /// Waits until nothing of a program that hung is left.
    fn is_gone(&self) -> Outcome {
        let runs = |name: &str| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.read(name).trim()))
                .unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
        };
        check(!self.read("child").is_empty(), "it never hung")?;
        check(wait_until(SOON, || !runs("leader") && !runs("child")), "a part of it is left")
    }
}

fn is(action: &str, reason: &str) -> impl Fn(&Value) -> bool {
    move |call| call["action"] == action && call["reason"] == reason
}

/// b is Active and a, which is stronger, comes with a program.
fn stage(
    pair: &mut Pair,
    program: &Program,
    interval: Duration,
    timeout: Duration,
) -> Result<Duration, Failed> {
    pair.b.start(&config(100, interval, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    let begun = now();
    pair.a.start(&program.config(200, interval, timeout))?;
    let a = pair.a.mac;
    wait_for(&pair.capture, "advertisement of a", begun, |frame| priority(frame, a) == Some(200))
}

/// b takes the address back after its Skew_Time, and within two intervals of the moment at which a
/// `failed` to hold it. Returns when a resigned.
fn taken_back(
    pair: &Pair,
    failed: Duration,
    interval: Duration,
    ticker: &Ticker,
) -> Result<Duration, Failed> {
    let (a, b) = (pair.a.mac, pair.b.mac);
    let resigned = wait_for(&pair.capture, "resignation of a", failed - SLACK, |frame| {
        priority(frame, a) == Some(0)
    })?;
    let skew = skew(interval);
    let took = takeover(&pair.capture, b, resigned, skew)?;
    within("takeover after a resignation", took - resigned, (skew, skew), SLACK, ticker)?;
    let announced =
        wait_for(&pair.capture, "announcement of b", took, |frame| announces(frame, b))?;
    within(
        "address back after a failure",
        announced - failed,
        (skew, 2 * interval),
        SLACK,
        ticker,
    )?;
    pair.b.wait_for_phase("held")?;
    Ok(resigned)
}

/// Takeover, handover and a stronger claim: the program is told what it needs to know.
fn works(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    let a = pair.a.mac;
    program.order("acquire", "for fd in /proc/$$/fd/*; do readlink $fd; done > $folder/files")?;
    let claimed = stage(&mut pair, &program, QUICK, LIMIT)?;
    let client = Client::start(&pair.user, ADDRESS.into(), 1000)?;
    let announced =
        wait_for(&pair.capture, "announcement of a", claimed, |frame| announces(frame, a))?;
    pair.a.wait_for_phase("held")?;
    check(program.done("acquire")? <= announced, "the address was announced before it was held")?;
    check(pair.a.has_address(&ADDRESS.to_string())?, "a has no address")?;
    check(client.wait_for_reply(client.mark(), SOON), "the client got no answer from a")?;
    let calls = program.calls();
    let [first, asked, second] = calls.as_slice() else {
        return Err(format!("it was told {calls:?}").into());
    };
    let told = [
        (asked, "action", Value::from("inspect")),
        (first, "action", Value::from("release")),
        (first, "reason", Value::from("startup")),
        (first, "successor", Value::Null),
        (second, "schema", Value::from(1)),
        (second, "action", Value::from("acquire")),
        (second, "name", Value::from("web")),
        (second, "interface", Value::from("eth0")),
        (second, "vrid", Value::from(51)),
        (second, "family", Value::from("ipv4")),
        (second, "addresses", Value::from(vec!["10.0.0.100/24"])),
        (second, "owner", Value::from(false)),
    ];
    for (call, field, value) in told {
        check(call.get(field) == Some(&value), format!("{field} is not {value} in {call}"))?;
    }
    check(
        second.get("reason").is_none() && second.get("successor").is_none(),
        format!("{second}"),
    )?;
    check(
        number(second, "/generation") > number(first, "/generation"),
        "the generation does not grow",
    )?;

    let files = program.read("files");
    let ours = files.contains("socket:") || files.contains("anon_inode:");
    check(
        files.contains("/memfd:") && !ours,
        format!("it inherited files of the daemon:\n{files}"),
    )?;

    // A stop hands over, and the program knows to whom.
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    let release = program.wait_for_call("release", is("release", "successor"))?;
    check(release["successor"] == "10.0.0.2", format!("{release}"))?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a kept the address")?;
    pair.b.wait_for_phase("held")?;

    // It comes back, and meets somebody stronger.
    pair.a.start(&program.config(200, QUICK, LIMIT))?;
    pair.a.wait_for_phase("held")?;
    pair.b.signal(Signal::SIGTERM)?;
    check(pair.b.wait()?, "b did not end with status 0")?;
    pair.b.start(&config(250, QUICK, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    let release = program.wait_for_call("release", is("release", "stronger-claim"))?;
    check(release["successor"] == "10.0.0.2", format!("{release}"))?;
    pair.a.wait_for_phase("backup")?;
    pair.a.wait_for_address(ADDRESS.into(), false)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client got no answer from b")
}

/// The script that the documentation offers, on both nodes.
fn example(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/move-ip");
    let config = |priority| {
        config(priority, QUICK, &[ADDRESS])
            + &format!(
                "backend = {{ command = [{script:?}, \"{ADDRESS}/24\", \"eth0\"], reach = \
                 \"on-link\" }}\n"
            )
    };
    pair.a.start(&config(200))?;
    pair.b.start(&config(100))?;
    pair.a.wait_for_phase("held")?;
    let client = Client::start(&pair.user, ADDRESS.into(), 1000)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client got no answer from a")?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a kept the address")?;
    pair.b.wait_for_phase("held")?;
    check(pair.b.has_address(&ADDRESS.to_string())?, "b has no address")?;
    check(client.wait_for_reply(client.mark(), SOON), "the client got no answer from b")?;

    // Without its interface the script says that it would not work.
    let status = |action: &'static str, interface: &'static str| {
        let mut command = Command::new(script);
        command.args(["10.0.0.100/24", interface, action]).stderr(Stdio::null());
        pair.b.host.run(move || command.status().map(|status| status.code()))
    };
    check(status("inspect", "eth0")?? == Some(0), "inspect fails")?;
    check(status("inspect", "eth9")?? != Some(0), "inspect finds an interface that is not there")?;
    check(status("adopt", "eth0")?? == Some(64), "it knows an action that is none")?;
    check(!pair.a.log().contains("backend-failed"), format!("a failed:\n{}", pair.a.log()))
}

/// The program takes 2 s: meanwhile a advertises, nobody else does, and nobody is told that a is
/// Active.
fn slow(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    program.order("acquire", "sleep 2")?;
    let claimed = stage(&mut pair, &program, QUICK, 5 * SECOND)?;
    pair.a.wait_for_phase("acquiring")?;
    pair.b.wait_for_phase("backup")?;
    let quiet = now();
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a has the address already")?;
    let announced =
        wait_for(&pair.capture, "announcement of a", claimed, |frame| announces(frame, a))?;
    check(announced >= claimed + 2 * SECOND, "a announced the address before it was held")?;
    let done = program.done("acquire")?;
    within("announcement", announced - done, (Duration::ZERO, Duration::ZERO), SLACK, ticker)?;
    pair.a.wait_for_phase("held")?;
    let late = adverts(&pair.capture, b, quiet).len();
    check(late == 0, format!("b advertised {late} times while a was busy"))?;
    let sent: Vec<Duration> =
        adverts(&pair.capture, a, claimed).into_iter().filter(|at| *at < announced).collect();
    let gap = sent.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    within("longest gap of a busy node", gap, (QUICK, QUICK), SLACK, ticker)
}

/// The program fails: b has the address back within two intervals, and keeps it until the program
/// would work again.
fn fails(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    program.order("acquire", "echo 'quota exceeded' >&2; exit 3")?;
    let claimed = stage(&mut pair, &program, SECOND, LIMIT)?;
    program.order("inspect", "echo 'quota still exceeded' >&2; exit 77")?;
    let resigned = taken_back(&pair, claimed, SECOND, ticker)?;
    let router = wait_for_hold(&pair.a, "backend-failed")?;
    let error = router["backend_error"].as_str().unwrap_or_default();
    let said = "move-ip acquire ended with exit status 3: quota exceeded";
    check(error.ends_with(said), format!("the error is {error:?}"))?;
    program.wait_for_call("release", is("release", "backend-failed"))?;
    announced_nothing(&pair.capture, a)?;

    // A right is missing, says the inspection.
    let router = wait_for_hold(&pair.a, "backend-denied")?;
    let error = router["backend_error"].as_str().unwrap_or_default();
    check(
        error.contains("move-ip inspect ended with exit status 77"),
        format!("the error is {error:?}"),
    )?;
    watch(&pair.capture, b, now() + 3 * SECOND)?;
    let again = adverts(&pair.capture, a, resigned).len();
    check(again == 0, format!("a advertised {again} times after it had resigned"))?;
    program.mend("inspect")?;
    program.mend("acquire")?;
    pair.a.wait_for_phase("backup")
}

/// The program hangs: it is ended with all that it started, and b has the address back.
fn hangs(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    let a = pair.a.mac;
    program.order("acquire", HANG)?;
    program.order("release", ALONE)?;
    let claimed = stage(&mut pair, &program, QUICK, LIMIT)?;
    let resigned = taken_back(&pair, claimed + LIMIT, QUICK, ticker)?;
    within("patience with the program", resigned - claimed, (LIMIT, LIMIT), SLACK, ticker)?;
    program.is_gone()?;
    program.wait_for_call("release", is("release", "backend-timeout"))?;
    let router = pair.a.router(0);
    let error = router["backend_error"].as_str().unwrap_or_default();
    check(error.contains("did not answer within 500ms"), format!("{router:#}"))?;
    check(
        program.read("overlap").is_empty(),
        "the release began before the other program was gone",
    )?;
    announced_nothing(&pair.capture, a)
}

/// a cannot let go of the address: that is told, and it stays out of the way of b as well as it
/// can.
fn fails_to_release(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    let a = pair.a.mac;
    pair.a.start(&program.config(200, QUICK, LIMIT))?;
    pair.a.wait_for_phase("held")?;
    program.order("release", "echo 'no such server' >&2; exit 5")?;
    pair.b.start(&config(250, QUICK, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    pair.a.wait_for_phase("backup")?;
    let told = || pair.a.log().contains("move-ip release ended with exit status 5: no such server");
    check(wait_until(SOON, told), format!("it is not told; the log:\n{}", pair.a.log()))?;
    // Its last words have been said by then, so that b announces.
    watch(&pair.capture, pair.b.mac, now() + 3 * QUICK)?;
    let yielded = now();
    watch(&pair.capture, pair.b.mac, yielded + 5 * QUICK)?;
    let frames = pair.capture.frames();
    let later = frames.iter().filter(|frame| frame.at > yielded);
    let said = later.filter(|frame| priority(frame, a).is_some() || announces(frame, a)).count();
    check(said == 0, format!("a spoke {said} times after it had yielded"))?;

    // It tries again until it can.
    check(pair.a.has_address(&ADDRESS.to_string())?, "a has let go already")?;
    let status = || pair.a.router(0)["backend_error"].as_str().unwrap_or_default().to_owned();
    check(status().ends_with("no such server"), format!("the status says {:?}", status()))?;
    program.mend("release")?;
    pair.a.wait_for_address(ADDRESS.into(), false)?;
    check(wait_until(SOON, || status().is_empty()), format!("the status says {:?}", status()))
}

/// a is told to stop, and its program hangs: it is ended, and a ends.
fn hangs_on_release(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    stage(&mut pair, &program, QUICK, LIMIT)?;
    pair.a.wait_for_phase("held")?;
    program.order("release", HANG)?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    program.is_gone()?;
    let log = pair.a.log();
    check(
        log.contains("could not release: the backend did not answer within 500ms"),
        format!("it said:\n{log}"),
    )?;
    pair.b.wait_for_phase("held")
}

/// While the program is busy somebody stronger comes: it is ended, and then the address is let go.
fn superseded(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let program = Program::new(pair.folder.path())?;
    program.order("acquire", HANG)?;
    program.order("release", &format!("[ -e $folder/leader ] && {{ {ALONE}\n }}"))?;
    pair.a.start(&program.config(200, QUICK, 30 * SECOND))?;
    pair.a.wait_for_phase("acquiring")?;
    program.wait_for_hang()?;
    pair.b.start(&config(250, QUICK, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    pair.a.wait_for_phase("backup")?;
    let release = program.wait_for_call("release", is("release", "stronger-claim"))?;
    check(release["successor"] == "10.0.0.2", format!("{release}"))?;
    program.is_gone()?;
    check(wait_until(SOON, || program.done("release").is_ok()), "it did not release")?;
    check(
        program.read("overlap").is_empty(),
        "the release began before the other program was gone",
    )?;
    announced_nothing(&pair.capture, pair.a.mac)
}

fn announced_nothing(capture: &Capture, mac: MacAddr) -> Outcome {
    let announced = capture.frames().iter().filter(|frame| announces(frame, mac)).count();
    check(announced == 0, format!("a announced the address {announced} times"))
}
