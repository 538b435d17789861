//! radvd as a service: run from outside for scripts, which have no capabilities to run it, as
//! systemd does where there is one.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use libtest_mimic::Failed;
use nix::{
    sys::{
        signal::{self, Signal},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};
use vrrp_net::lab::{Host, wait_until};

use crate::support::{Outcome, SOON, check};

/// The recipe of `docs/notify.md`.
const CONFIG: &str = "interface eth0 {
    AdvSendAdvert on;
    AdvRASrcAddress { fe80::1; };
    prefix 2001:db8::/64 { };
};
";
/// Asks, and waits until it is done, as systemctl does: its first argument is the folder.
const SYSTEMCTL: &str = "echo \"$2\" >\"$1/asks\"\nread done <\"$1/answers\"\n";
/// What ends the service.
const END: &str = "end";

/// The one of a router. It ends, and kills radvd, when it is dropped.
pub(super) struct Service {
    folder: PathBuf,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    is_running: AtomicBool,
    /// How often scripts and operators have asked for something, and have been answered.
    asked: AtomicU32,
    /// How often radvd was started.
    starts: AtomicU32,
}

impl Service {
    /// For a router's host, with its files in this folder, which it makes.
    pub(super) fn new(host: &Host, folder: PathBuf) -> Result<Self, Failed> {
        fs::create_dir(&folder)?;
        fs::write(folder.join("radvd.conf"), CONFIG)?;
        fs::write(folder.join("systemctl.sh"), SYSTEMCTL)?;
        let open = |name: &str| {
            let path = folder.join(name);
            mkfifo(&path, Mode::from_bits_truncate(0o600))?;
            // For both, so that neither end waits for the other, or sees it leave.
            OpenOptions::new().read(true).write(true).open(path)
        };
        let (asks, answers) = (open("asks")?, open("answers")?);
        let state = Arc::<State>::default();
        let (serving, files) = (Arc::clone(&state), folder.clone());
        // Of the host: what the thread starts is on the host, too.
        let thread = host.thread("radvd", move || serving.serve(&files, asks, answers))?;
        Ok(Self { folder, state, thread: Some(thread) })
    }

    /// The words of the command that stands for `systemctl VERB radvd`.
    pub(super) fn command(&self, verb: &str) -> [String; 5] {
        let text = |path: &Path| path.display().to_string();
        let script = text(&self.folder.join("systemctl.sh"));
        ["/bin/sh".into(), script, text(&self.folder), verb.into(), "radvd".into()]
    }

    /// `systemctl VERB radvd` of an operator; the verb `kill` ends radvd without a word.
    pub(super) fn ask(&self, verb: &str) -> Outcome {
        let [program, arguments @ ..] = self.command(verb);
        let status = Command::new(program).args(arguments).status()?;
        check(status.success(), format!("{verb} is not answered"))
    }

    /// Waits until radvd runs, or does not.
    pub(super) fn wait_for(&self, running: bool) -> Outcome {
        let is = || self.state.is_running.load(Ordering::SeqCst) == running;
        check(wait_until(SOON, is), format!("radvd does not get to running: {running}"))
    }

    /// How often it has been asked for something so far.
    pub(super) fn asked(&self) -> u32 {
        self.state.asked.load(Ordering::SeqCst)
    }

    pub(super) fn starts(&self) -> u32 {
        self.state.starts.load(Ordering::SeqCst)
    }

    /// The words that start radvd without anybody's help.
    pub(super) fn bare(&self) -> [String; 7] {
        let text = |name: &str| self.folder.join(name).display().to_string();
        let [config, pid] = [text("radvd.conf"), text("bare.pid")];
        ["/usr/sbin/radvd", "-n", "-m", "stderr_clean", "-C", &config, &format!("-p{pid}")]
            .map(str::to_owned)
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let told = OpenOptions::new().write(true).open(self.folder.join("asks"));
        // A thread that was not told would be waited for forever.
        if told.is_ok_and(|mut asks| writeln!(asks, "{END}").is_ok())
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

impl State {
    fn serve(&self, folder: &Path, asks: File, mut answers: File) {
        let mut radvd = None;
        for verb in BufReader::new(asks).lines().map_while(Result::ok) {
            match verb.as_str() {
                "start" => self.start(folder, &mut radvd),
                "stop" => self.stop(&mut radvd, Signal::SIGTERM),
                "kill" | END => self.stop(&mut radvd, Signal::SIGKILL),
                _ => {}
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _ = writeln!(answers, "done");
            if verb == END {
                return;
            }
        }
    }

    /// Does nothing if it runs, as systemd does.
    fn start(&self, folder: &Path, radvd: &mut Option<Child>) {
        if radvd.is_some() {
            return;
        }
        *radvd = run(folder).ok();
        self.is_running.store(radvd.is_some(), Ordering::SeqCst);
        self.starts.fetch_add(1, Ordering::SeqCst);
    }

    fn stop(&self, radvd: &mut Option<Child>, how: Signal) {
        let Some(mut child) = radvd.take() else { return };
        if let Ok(pid) = i32::try_from(child.id()) {
            let _ = signal::kill(Pid::from_raw(pid), how);
        }
        let _ = child.wait();
        self.is_running.store(false, Ordering::SeqCst);
    }
}

fn run(folder: &Path) -> std::io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    // It dies with this thread, also when the test is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "radvd", "-n", "-d", "3", "-m", "stderr_clean", "-C"]);
    command.arg(folder.join("radvd.conf")).arg("-p").arg(folder.join("pid"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
}
