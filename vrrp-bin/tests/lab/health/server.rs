//! [`Server`]: what a node serves, as a process of its own.

use std::{
    convert::Infallible,
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use tokio::net::TcpListener;
use vrrp_net::lab::{Host, Process, Signal};

use crate::support::{Outcome, check};

/// In the environment of a process that is to be an HTTP server: what its page says.
const SERVE: &str = "VRRP_TEST_SERVE";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Unbound, which asks nobody else.
    Dns,
    Http,
}

/// A server on a node. It is killed when this is dropped.
pub(crate) struct Server {
    command: Box<dyn Fn() -> io::Result<Command>>,
    process: Process,
}

impl Service {
    /// Why it cannot be played here.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Dns => unbound().is_none().then(|| "unbound is not installed".to_owned()),
            Self::Http => None,
        }
    }
}

impl Server {
    /// Starts it on `host`, whose address is `own`: that is what it says.
    pub(crate) fn start(
        service: Service,
        host: &Host,
        own: &str,
        folder: &Path,
    ) -> Result<Self, Failed> {
        let own = own.to_owned();
        let command: Box<dyn Fn() -> io::Result<Command>> = match service {
            Service::Dns => {
                let (program, config) = prepare(&own, folder)?;
                Box::new(move || {
                    let mut command = Command::new(&program);
                    command.arg("-c").arg(&config);
                    Ok(command)
                })
            }
            Service::Http => Box::new(move || {
                let mut command = Command::new(env::current_exe()?);
                command.env(SERVE, &own);
                Ok(command)
            }),
        };
        let process = spawn(host, command()?)?;
        Ok(Self { command, process })
    }

    pub(crate) fn kill(&mut self) -> Outcome {
        self.process.kill()?;
        Ok(())
    }

    /// Stops the process, which has its sockets and says nothing any more.
    pub(crate) fn hang(&self) -> Outcome {
        Ok(self.process.signal(Signal::SIGSTOP)?)
    }

    pub(crate) fn go_on(&self) -> Outcome {
        Ok(self.process.signal(Signal::SIGCONT)?)
    }

    /// Starts it again after it was killed.
    pub(crate) fn revive(&mut self, host: &Host) -> Outcome {
        self.process = spawn(host, (self.command)()?)?;
        Ok(())
    }
}

fn spawn(host: &Host, mut command: Command) -> Result<Process, Failed> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok(host.spawn(command)?)
}

/// Serves, if this process was started to do that and no more.
pub(crate) fn serve_if_asked() {
    let Ok(page) = env::var(SERVE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    if let Err(error) = runtime.and_then(|runtime| runtime.block_on(serve(page))) {
        eprintln!("{error}");
    }
    std::process::exit(1);
}

/// `/healthz` says that all is well, and every other path is the page.
async fn serve(page: String) -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let page = page.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let is_check = request.uri().path() == "/healthz";
            let text = if is_check { "ok".to_owned() } else { page.clone() };
            async { Ok::<_, Infallible>(Response::new(text)) }
        });
        // Who is gone needs no answer.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// Where the distribution puts it, which is not on everybody's path.
fn unbound() -> Option<&'static Path> {
    ["/usr/sbin/unbound", "/usr/local/sbin/unbound"]
        .map(Path::new)
        .into_iter()
        .find(|program| program.exists())
}

/// The program and its configuration. A security module may know the program by its path, and let
/// it read nothing but /etc/unbound: so it is a copy. Another process makes it: what this one starts
/// meanwhile would have the file open for writing, and nobody could execute it.
fn prepare(own: &str, folder: &Path) -> Result<(PathBuf, PathBuf), Failed> {
    let program = folder.join("unbound");
    if !program.exists() {
        let mut copy = Command::new("cp");
        copy.arg(unbound().ok_or("unbound is not installed")?).arg(&program);
        check(copy.status()?.success(), "unbound cannot be copied")?;
    }
    let config = folder.join(format!("unbound-{own}.conf"));
    let text = format!(
        "server:
  interface: 0.0.0.0
  # Answers come from the address that was asked, which comes and goes.
  interface-automatic: yes
  access-control: 0.0.0.0/0 allow
  do-ip6: no
  do-daemonize: no
  verbosity: 0
  num-threads: 1
  module-config: \"iterator\"
  chroot: \"\"
  username: \"\"
  directory: \"\"
  pidfile: \"\"
  use-syslog: no
  local-zone: \"test.\" static
  local-data: \"who.test. A {own}\"
  local-zone: \"example.org.\" static
  local-data: \"example.org. A {own}\"
remote-control:
  control-enable: no
"
    );
    fs::write(&config, text)?;
    Ok((program, config))
}
