//! `vrrp watch` on a real terminal, which tmux is: what it shows, what its keys do, and how it leaves.
//!
//! With `VRRP_SCREENS=DIRECTORY` two screens are written there as files, from which `.ci/screens` puts
//! them into the documentation.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::{sys::signal::kill, unistd::Pid};
use vrrp_net::lab::{Signal, wait_until};

use crate::support::{Node, Outcome, Pair, SOON, check, timed};

/// How large a terminal is.
const WIDTH: usize = 80;
const SIZE: [&str; 4] = ["-x", "80", "-y", "24"];
/// A screen of a quiet moment says more than the first one.
const QUIET: Duration = Duration::from_secs(5);

/// `everything`: they take a while, and need tmux.
pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    if !everything {
        return Vec::new();
    }
    let missing = Command::new("tmux").arg("-V").output().is_err();
    if missing {
        println!("skipped: tests of vrrp watch on a terminal: tmux is not installed");
    }
    let mut tests = vec![
        timed("watch_screens_of_a_node_on_a_terminal", |_| screens()),
        timed("watch_finds_a_daemon_that_was_away", |_| away()),
        timed("watch_leaves_the_terminal_as_it_was", |_| leaves()),
    ];
    if missing {
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    tests
}

/// A terminal with `vrrp watch` on it. It ends when this is dropped.
struct Pane {
    socket: PathBuf,
}

impl Pane {
    /// Watches the daemon of `node`. When that is over, its exit status stands there, and whether the
    /// terminal waits for whole lines and shows what is typed.
    fn open(node: &Node, folder: &Path, arguments: &str) -> Result<Self, Failed> {
        // The server of the one before may not have ended yet.
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let pane = Self { socket: folder.join(format!("tmux-{number}.sock")) };
        let (program, control) = (env!("CARGO_BIN_EXE_vrrp"), node.control());
        let shell = format!(
            "{program} watch {arguments} --control {}; echo left with $?; stty -a | tr ' ;' '\\n\\n' | \
             grep -xE 'icanon|echo' | tr '\\n' ' '; exec cat",
            control.display()
        );
        let started = pane.tmux(&[&["new-session", "-d"], &SIZE[..], &[&shell]].concat())?;
        check(started.status.success(), format!("{started:?}"))?;
        Ok(pane)
    }

    /// With no configuration of the user's, and no server but its own.
    fn tmux(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8");
        command.args(["-f", "/dev/null", "-S"]).arg(&self.socket).args(arguments);
        Ok(command.output()?)
    }

    fn text(&self) -> Result<String, Failed> {
        Ok(String::from_utf8(self.tmux(&["capture-pane", "-p"])?.stdout)?)
    }

    fn press(&self, keys: &[&str]) -> Outcome {
        let pressed = self.tmux(&[&["send-keys"], keys].concat())?;
        check(pressed.status.success(), format!("{pressed:?}"))
    }

    /// Waits until all of these stand there.
    fn shows(&self, words: &[&str]) -> Result<String, Failed> {
        let mut last = String::new();
        let all = wait_until(SOON, || {
            last = self.text().unwrap_or_default();
            words.iter().all(|word| last.contains(word))
        });
        check(all, format!("{words:?} are not all in:\n{last}"))?;
        Ok(last)
    }

    /// The program that runs in it.
    fn watcher(&self) -> Result<Pid, Failed> {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"])?;
        let shell = String::from_utf8(shell.stdout)?.trim().to_owned();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let child = children.split_whitespace().next().ok_or("no program runs there")?;
        Ok(Pid::from_raw(child.parse()?))
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

fn config(priority: u8, more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"10.0.0.100/24\"]\npriority = {priority}\n{more}"
    )
}

const MORE: &str = r#"
[[virtual_router]]
name = "mail"
interface = "eth0"
vrid = 52
addresses = ["10.0.0.101/24"]

[[virtual_router]]
name = "db"
interface = "eth2"
vrid = 53
addresses = ["10.1.0.100/24"]
"#;

/// Writes what stands on a terminal under a name.
fn screen(name: &str, command: &str, text: &str) -> Outcome {
    let screen = format!("$ {command}\n{}\n", text.trim_end());
    println!("{screen}");
    let is_narrow = screen.lines().all(|line| line.chars().count() <= WIDTH);
    check(is_narrow, format!("it is wider than {WIDTH} columns:\n{screen}"))?;
    if let Some(directory) = env::var_os("VRRP_SCREENS").map(PathBuf::from) {
        fs::write(directory.join(format!("{name}.txt")), screen)?;
    }
    Ok(())
}

/// A backup, an active one and one with a fault; and the keys.
fn screens() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(150, ""))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100, MORE))?;
    let pane = Pane::open(&pair.b, pair.folder.path(), "")?;
    pane.shows(&["mail", "active", "interface-missing", "backup", "10.0.0.1"])?;
    std::thread::sleep(QUIET);
    let text = pane.shows(&["WHAT IS WRONG", "db: there is no interface eth2"])?;
    screen("watch", "vrrp watch", &text)?;
    pane.press(&["End", "Enter"])?;
    let text = pane.shows(&["web: VRID 51 on eth0", "Jitter of the active node: ", "at most"])?;
    screen("watch-one", "vrrp watch web", &text)?;

    // What somebody does not mean is not done.
    pane.press(&["Left", "Home", "Down", "d"])?;
    pane.shows(&["> mail", "drain mail: it hands over"])?;
    pane.press(&["n"])?;
    pane.shows(&["q leaves"])?;
    pane.press(&["a", "y"])?;
    pane.shows(&["done: mail: the neighbours are told where its addresses are"])?;
    pane.press(&["d", "y"])?;
    // Nobody else has it.
    pane.shows(&["not done: mail is not drained: no other node took over"])?;
    pane.press(&["Down", "d", "y"])?;
    let text = pane.shows(&["done: web is drained", "drained"])?;
    check(text.contains("WHAT HAPPENED"), text)?;
    pane.press(&["r", "y"])?;
    pane.shows(&["done: web is not drained any more"])?;
    pane.press(&["q"])?;
    pane.shows(&["left with 0"])?;
    Ok(())
}

/// It says that the daemon is away, and goes on when it is back.
fn away() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(150, ""))?;
    pair.a.wait_for_phase("held")?;
    let pane = Pane::open(&pair.a, pair.folder.path(), "web")?;
    pane.shows(&["web: VRID 51 on eth0", "state     active (held)"])?;
    pair.a.signal(Signal::SIGKILL)?;
    pair.a.wait()?;
    pane.shows(&["LOST for ", "What is below was so", "web: VRID 51 on eth0"])?;
    pair.a.start(&config(150, ""))?;
    pair.a.wait_for_phase("held").or_else(|_| pair.a.wait_for_phase("adopted"))?;
    let is_back = wait_until(SOON, || pane.text().is_ok_and(|text| !text.contains("LOST")));
    check(is_back, pane.text()?)?;
    pane.shows(&["web: VRID 51 on eth0"])?;
    // A terminal may become very small.
    for size in [["2", "1"], ["20", "3"], ["80", "24"]] {
        let [x, y] = size;
        pane.tmux(&["resize-window", "-x", x, "-y", y])?;
        pane.press(&["Left", "Enter"])?;
    }
    pane.shows(&["web: VRID 51 on eth0", "q leaves"])?;
    Ok(())
}

/// However it ends, lines are edited and shown again.
fn leaves() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(150, ""))?;
    pair.a.wait_for_phase("held")?;
    let ways: [(&str, Option<Signal>); 4] =
        [("q", None), ("C-c", None), ("", Some(Signal::SIGTERM)), ("", Some(Signal::SIGINT))];
    for (key, signal) in ways {
        let pane = Pane::open(&pair.a, pair.folder.path(), "")?;
        pane.shows(&["> web", "active"])?;
        match signal {
            Some(signal) => kill(pane.watcher()?, signal)?,
            None => pane.press(&[key])?,
        }
        let text = pane.shows(&["left with 0", "icanon echo"])?;
        check(!text.contains("> web"), format!("the screen is left behind:\n{text}"))?;
    }
    // A name that is not there is a sentence, and no screen.
    let pane = Pane::open(&pair.a, pair.folder.path(), "wev")?;
    pane.shows(&["there is no virtual router wev; did you mean web?", "left with 1"])?;
    Ok(())
}
