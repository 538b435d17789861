//! Other processes of the node's host: one that takes the node's name, one that has its control
//! socket, and the orphans and the environment of its programs.

use std::{
    fs,
    net::Ipv4Addr,
    os::fd::AsRawFd,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use vrrp_net::lab::{Process, Signal, wait_until};

use crate::{
    faults::{config, without_net_admin},
    support::{Node, Outcome, Pair, SOON, check},
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const SECOND: Duration = Duration::from_secs(1);
/// Names an abstract socket that this program, run again, listens on.
const SQUAT: &str = "VRRP_TEST_SQUAT";

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        Trial::test("a12_guard_passes_over_who_may_not_speak", squatter),
        Trial::test("a12_guard_passes_over_who_does_not_listen", silent_squatter),
        Trial::test("a12_guard_believes_who_may_speak", real_holder),
        Trial::test("a12_control_socket_of_the_second_daemon_stays", second_socket),
        Trial::test("a12_orphans_are_collected_by_process_1", orphans),
        Trial::test("a12_a_program_is_told_no_password", no_password),
    ]
}

/// How a name is taken.
#[derive(Clone, Copy)]
enum Squat {
    Listens,
    /// It has the name, and does not listen.
    Silent,
    /// It listens, and lets nobody connect.
    Full,
}

/// Takes a name, if this process was started to do that and no more.
pub(crate) fn squat_if_asked() {
    let Ok(asked) = std::env::var(SQUAT) else { return };
    let (how, name) = asked.split_once(' ').unwrap_or(("listen", &asked));
    if let Err(error) = squat(how, name) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn squat(how: &str, name: &str) -> nix::Result<()> {
    let open = || socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None);
    let (address, holder) = (UnixAddr::new_abstract(name.as_bytes())?, open()?);
    bind(holder.as_raw_fd(), &address)?;
    let mut others = Vec::new();
    match how {
        "full" => {
            listen(&holder, Backlog::new(0)?)?;
            loop {
                others.push(open()?);
                let last = others.last().map(AsRawFd::as_raw_fd).unwrap_or_default();
                if connect(last, &address).is_err() {
                    break;
                }
            }
        }
        "listen" => listen(&holder, Backlog::new(16)?)?,
        _ => {}
    }
    loop {
        thread::park();
    }
}

/// A process without rights, of another user where there is one, that has a name of VRID 51.
fn start_squatter(node: &Node, how: Squat, name: &'static str) -> Result<Process, Failed> {
    let mut command = Command::new("setpriv");
    if nix::unistd::geteuid().is_root()
        && fs::read_to_string("/proc/self/uid_map")?.contains("4294967295")
    {
        command.args(["--reuid=65534", "--clear-groups"]);
    }
    command.args(["--inh-caps=-all", "--bounding-set=-all"]).arg(std::env::current_exe()?);
    let how = match how {
        Squat::Listens => "listen",
        Squat::Silent => "silent",
        Squat::Full => "full",
    };
    command.env(SQUAT, format!("{how} {name}")).stdin(Stdio::null());
    let process = node.host.spawn(command)?;
    let listens = || {
        let table = node.host.run(|| fs::read_to_string("/proc/thread-self/net/unix"));
        let line = format!("@{name}");
        table.is_ok_and(|table| {
            table.is_ok_and(|table| table.lines().any(|entry| entry.ends_with(&line)))
        })
    };
    check(wait_until(SOON, listens), "the squatter does not have the name")?;
    Ok(process)
}

/// Somebody without rights has the names: the node starts, says who it is, and is still found by a
/// second one.
fn squatter() -> Outcome {
    let mut pair = Pair::new()?;
    let first = start_squatter(&pair.a, Squat::Listens, "vrrp/eth0/ipv4/51")?;
    let _third = start_squatter(&pair.a, Squat::Listens, "vrrp/eth0/ipv4/51/3")?;
    pair.a.start(&config(200, SECOND, &[ADDRESS]))?;
    pair.a.wait_for_phase("held")?;
    let log = pair.a.log();
    let named = format!("process {} ", first.pid());
    check(log.contains("WARN") && log.contains(&named), format!("nobody was told of it:\n{log}"))?;
    let pid = pair.a.process()?.pid();
    let refused = second_is_refused(&pair, pid);
    drop(first);
    refused?;
    // The first name is free again, and the node still has the second one.
    second_is_refused(&pair, pid)
}

/// Nor does it help to say nothing: the sockets are seen among the open files of their process.
fn silent_squatter() -> Outcome {
    for how in [Squat::Silent, Squat::Full] {
        let mut pair = Pair::new()?;
        let squatter = start_squatter(&pair.a, how, "vrrp/eth0/ipv4/51")?;
        pair.a.start(&config(200, Duration::from_millis(100), &[ADDRESS]))?;
        pair.a.wait_for_phase("held")?;
        let (log, named) = (pair.a.log(), format!("process {} ", squatter.pid()));
        check(
            log.contains("WARN") && log.contains(&named),
            format!("nobody was told of it:\n{log}"),
        )?;
        let pid = pair.a.process()?.pid();
        second_is_refused(&pair, pid)?;
    }
    Ok(())
}

/// A second daemon on the host of `a`, which has another control socket, ends with a sentence that
/// names the first.
fn second_is_refused(pair: &Pair, first: u32) -> Outcome {
    let path = pair.folder.path().join("second.toml");
    let control = pair.folder.path().join("second.sock");
    let second = config(200, SECOND, &[ADDRESS]) + &format!("[daemon]\ncontrol = {control:?}\n");
    fs::write(&path, second)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "-c"]).arg(&path).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut process = pair.a.host.spawn(command)?;
    let ended = process.wait_timeout(SOON)?.and_then(|status| status.code());
    process.kill()?;
    let mut said = String::new();
    if let Some(mut errors) = process.stderr() {
        std::io::Read::read_to_string(&mut errors, &mut said)?;
    }
    check(ended == Some(1), format!("the second daemon ended with {ended:?}:\n{said}"))?;
    let named = format!("is run by process {first} (vrrp) already");
    check(said.contains(&named), format!("it does not say {named:?}:\n{said}"))
}

/// A program without CAP_NET_ADMIN can run a virtual router whose addresses another program moves:
/// it is believed.
fn real_holder() -> Outcome {
    let mut pair = Pair::new()?;
    let program = "backend = { command = [\"/bin/true\"] }\n";
    pair.a.start_command(&(config(200, SECOND, &[ADDRESS]) + program), without_net_admin())?;
    pair.a.wait_for_phase("held")?;
    let pid = pair.a.process()?.pid();
    second_is_refused(&pair, pid)
}

/// The socket's file was removed and a second daemon made it anew: the first one leaves that alone
/// when it ends.
fn second_socket() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, SECOND, &[ADDRESS]))?;
    pair.a.wait_for_phase("held")?;
    let shared = pair.a.control();
    fs::remove_file(&shared)?;
    let path = pair.folder.path().join("second.toml");
    let other = config(100, SECOND, &[ADDRESS]).replace("vrid = 51", "vrid = 52");
    fs::write(&path, format!("{other}[daemon]\ncontrol = {shared:?}\n"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "-c"]).arg(&path).stdin(Stdio::null()).stderr(Stdio::null());
    let mut second = pair.b.host.spawn(command)?;
    check(wait_until(SOON, || shared.exists()), "the second daemon does not start")?;
    pair.a.signal(Signal::SIGTERM)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(shared.exists(), "the socket of the second daemon is gone")?;
    second.signal(Signal::SIGTERM)?;
    check(second.wait_timeout(SOON)?.is_some(), "the second daemon does not end")?;
    check(!shared.exists(), "the second daemon leaves its socket behind")
}

/// As process 1, the daemon is the parent of every process that a program leaves behind.
fn orphans() -> Outcome {
    let mut pair = Pair::new()?;
    let script = pair.folder.path().join("move-ip");
    let note = pair.folder.path().join("orphan");
    let text = "#!/bin/sh\nrm -f NOTE.left\n\
                setsid sh -c 'echo > NOTE.left; sleep 0.2' < /dev/null > /dev/null 2>&1 &\n\
                while ! [ -s NOTE.left ]; do sleep 0.01; done\necho $1 >> NOTE\n";
    fs::write(&script, text.replace("NOTE", &note.display().to_string()))?;
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", env!("CARGO_BIN_EXE_vrrp")]);
    let program = format!("backend = {{ command = [{script:?}] }}\n");
    pair.a.start_command(
        &(config(200, Duration::from_millis(100), &[ADDRESS]) + &program),
        command,
    )?;
    pair.a.wait_for_phase("held")?;
    let ran = fs::read_to_string(&note)?;
    check(ran.contains("acquire"), format!("the program noted {ran:?}"))?;
    let unshare = pair.a.process()?.pid();
    let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children"))?;
    let daemon: u32 = children.trim().parse()?;
    let orphans = || {
        let children = fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children"))
            .unwrap_or_default();
        let state = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        children.split_whitespace().map(state).collect::<Vec<_>>()
    };
    check(wait_until(SOON, || orphans().is_empty()), format!("there are still {:?}", orphans()))?;
    pair.a.wait_for_phase("held")
}

/// What the environment of a container configures the daemon with is no affair of its programs.
fn no_password() -> Outcome {
    const SECRETS: &[&str] =
        &["VRRP_PASSWORD", "VRRP_2_PASSWORD", "KEEPALIVED_PASSWORD", "KEEPALIVED_AUTH_PASS"];
    let mut pair = Pair::new()?;
    let note = pair.folder.path().join("variables");
    let script = format!("env > {note:?}");
    let program = format!("backend = {{ command = [\"/bin/sh\", \"-c\", {script:?}] }}\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.envs(SECRETS.iter().map(|name| (name, "s3cret"))).env("CLOUD_PASSWORD", "needed");
    pair.a.start_command(
        &(config(200, Duration::from_millis(100), &[ADDRESS]) + &program),
        command,
    )?;
    pair.a.wait_for_phase("held")?;
    let variables = fs::read_to_string(&note)?;
    check(!variables.contains("s3cret"), format!("the program was told:\n{variables}"))?;
    check(
        variables.contains("CLOUD_PASSWORD=needed"),
        format!("the program lacks its own:\n{variables}"),
    )
}
