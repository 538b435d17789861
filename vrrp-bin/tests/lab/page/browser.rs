//! [`Browser`]: a Chromium without a window, on a host, asked over the pipe of its DevTools
//! (`--remote-debugging-pipe`): JSON, each message ended by a zero.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use vrrp_net::lab::{Host, Process, wait_until};

use crate::support::{Outcome, SOON, check};

/// How long a browser may take for anything, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The browser has its files for requests and answers as 3 and 4. It is in a namespace of the
/// lab, where there is nothing to protect and its own sandbox may not be had.
const START: &str = "exec chromium --headless=new --no-sandbox --disable-gpu \
    --disable-dev-shm-usage --no-first-run --disable-background-networking \
    --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$HOME\" \
    3<&0 4>&1 </dev/null >/dev/null";

/// A browser with one page. It ends when this is dropped.
pub(crate) struct Browser {
    process: Process,
    requests: ChildStdin,
    answers: Receiver<Value>,
    /// Of the page; none before there is one.
    session: Option<String>,
    last: u64,
    /// What it reported besides answers.
    reports: Vec<Value>,
}

/// What a page looks like.
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Whether its user wants it dark.
    pub(crate) is_dark: bool,
}

impl Browser {
    /// Why there is none.
    pub(crate) fn missing() -> Option<String> {
        let found = Command::new("chromium").arg("--version").stderr(Stdio::null()).output();
        found.is_err().then(|| "chromium is not installed".to_owned())
    }

    /// Starts one on `host` that keeps what it writes in `folder`.
    pub(crate) fn start(host: &Host, folder: &Path) -> Result<Self, Failed> {
        let mut command = Command::new("sh");
        command.args(["-c", START]).env("HOME", folder.join("chromium"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(folder.join("chromium.log"))?);
        let mut process = host.spawn(command)?;
        let requests = process.stdin().ok_or("no way to ask the browser")?;
        let told = process.stdout().ok_or("no way to hear the browser")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(told).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Self { process, requests, answers, session: None, last: 0, reports: Vec::new() };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}))?;
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.ask("Target.attachToTarget", target)?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    pub(crate) fn look(&mut self, look: &Look) -> Outcome {
        let Look { width, height, is_dark } = look;
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": *width < 500,
        });
        self.ask("Emulation.setDeviceMetricsOverride", size)?;
        let scheme = if *is_dark { "dark" } else { "light" };
        let wishes = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.ask("Emulation.setEmulatedMedia", wishes).map(drop)
    }

    /// Opens a page, and waits until it is there.
    pub(crate) fn open(&mut self, address: &str) -> Outcome {
        self.ask("Page.navigate", json!({"url": address}))?;
        self.wait_for(&format!(
            "location.href === {address:?} && document.readyState === 'complete'"
        ))
    }

    /// What an expression of JavaScript is in the page; a promise is waited for.
    pub(crate) fn value(&mut self, expression: &str) -> Result<Value, Failed> {
        let wanted = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", wanted)?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(format!("{expression}: {exception}").into()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn wait_for(&mut self, expression: &str) -> Outcome {
        let (mut failure, mut is_so) = (None, false);
        wait_until(PATIENCE, || {
            match self.value(expression) {
                Ok(value) => is_so = value == true,
                Err(error) => failure = Some(error),
            }
            is_so || failure.is_some()
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        if is_so {
            return Ok(());
        }
        let text = self.value("document.body.innerText")?;
        let said = self.complaints();
        Err(format!(
            "never: {expression}; it has said {said:#?}, and shows:\n{}",
            text.as_str().unwrap_or("nothing")
        )
        .into())
    }

    /// What it shows, as PNG.
    pub(crate) fn picture(&mut self) -> Result<Vec<u8>, Failed> {
        let answer = self.ask("Page.captureScreenshot", json!({"format": "png"}))?;
        Ok(BASE64_STANDARD.decode(answer["data"].as_str().ok_or("no picture")?)?)
    }

    /// Errors of the page's scripts, and what its policy or its console has complained of.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_complaint = |report: &&Value| match report["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => true,
            Some("Log.entryAdded") => report["params"]["entry"]["level"] != "verbose",
            _ => false,
        };
        let found = self.reports.iter().filter(is_complaint);
        found.map(|report| report["params"].to_string()).collect()
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Failed> {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        self.requests.write_all(format!("{request}\0").as_bytes())?;
        loop {
            let told = self.answers.recv_timeout(PATIENCE);
            let told = told.map_err(|error| format!("{method}: no answer of chromium: {error}"))?;
            if told["id"] == self.last {
                let error = &told["error"];
                check(error.is_null(), format!("{method}: {error}"))?;
                return Ok(told["result"].clone());
            }
            self.reports.push(told);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // In order, so that none of its processes writes into its folder any more. It is killed
        // otherwise.
        self.session = None;
        drop(self.ask("Browser.close", json!({})));
        drop(self.process.wait_timeout(SOON));
    }
}
