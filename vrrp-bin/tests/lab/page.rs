//! The page of the daemon, in a browser: what it shows, live, and when nobody tells it anything.

mod browser;
mod screens;
mod words;

use std::{env, fs};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Cable, Signal, Switch};

use crate::support::{Node, Outcome, Pair, check, timed};
use browser::{Browser, Look};

/// What a check prints that would like to be markup.
const MARKUP: &str = "<img src=x onerror=\"document.title='taken over'\">";

/// A browser is slow to start: where everything is played.
pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    if !everything {
        return Vec::new();
    }
    let missing = Browser::missing();
    if let Some(reason) = &missing {
        println!("skipped: the page in a browser: {reason}");
    }
    let mut trials = vec![
        timed("page_in_a_browser_follows_the_daemon", |_| follows()),
        timed("page_in_a_browser_of_a_thousand", |_| of_a_thousand()),
    ];
    if env::var_os("VRRP_SCREENS").is_some() {
        trials.push(timed("page_screens", |_| screens::all()));
    }
    trials.into_iter().map(|trial| trial.with_ignored_flag(missing.is_some())).collect()
}

/// Where the page of `a` is, for the third host.
const PAGE: &str = "http://10.0.0.1:9112/";

/// One virtual router of these.
fn router(name: &str, vrid: u8, more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\naddresses = \
         [\"10.0.0.{}/24\"]\n{more}\n",
        u16::from(vrid) + 50,
    )
}

/// Starts `a` with what shows its page to everybody on its network.
fn start(node: &mut Node, config: &str) -> Outcome {
    let daemon = "[daemon]\nmetrics = \"10.0.0.1:9112\"\n";
    node.start(&format!("{config}{daemon}"))
}

/// A program that prints what would like to be markup.
fn printing(pair: &Pair) -> Result<String, Failed> {
    let program = pair.folder.path().join("prints");
    fs::write(&program, format!("#!/bin/sh\necho '{}'\nexit 1\n", MARKUP.replace('\'', "'\\''")))?;
    let made = std::process::Command::new("chmod").arg("755").arg(&program).status()?;
    check(made.success(), "chmod")?;
    Ok(format!("[[check]]\nname = \"prints\"\ncommand = [{program:?}]\ninterval = \"1s\"\n"))
}

/// The state of a virtual router of this name, as the page shows it.
fn state(name: &str) -> String {
    format!("document.querySelector('[data-name=\"{name}\"] .state')?.textContent")
}

fn follows() -> Outcome {
    let mut pair = Pair::new()?;
    let track = "track = [{ check = \"prints\", weight = -10 }]";
    let config = router("web", 51, track) + &router("db", 52, "") + &printing(&pair)?;
    start(&mut pair.a, &config)?;
    pair.a.wait_for_phase("held")?;
    let mut browser = Browser::start(&pair.user, pair.folder.path())?;
    browser.look(&Look { width: 360, height: 800, is_dark: false })?;
    browser.open(PAGE)?;
    for name in ["web", "db"] {
        browser.wait_for(&format!("{} === 'active'", state(name)))?;
    }
    words::are_right(&mut browser)?;
    is_text(&mut browser)?;
    // Another node takes one of them over.
    pair.b.start(&router("web", 51, "priority = 200"))?;
    browser.wait_for(&format!("{} === 'backup'", state("web")))?;
    browser.wait_for("document.querySelector('#past ol').textContent.includes('held → backup')")?;
    browser.wait_for("document.querySelector('#spoken').textContent.includes('web is backup')")?;
    check(browser.value(&state("db"))? == "active", "it shows another one as moved")?;
    is_quiet(&browser)?;
    is_lost_and_found(&mut pair, &mut browser, &config)
}

/// A thousand virtual routers are all there, and whoever looks for one of them has it at once.
fn of_a_thousand() -> Outcome {
    let mut pair = Pair::new()?;
    let mut networks = Vec::new();
    let mut config = String::new();
    for network in 1..=4 {
        let (interface, switch) = (format!("eth{network}"), Switch::new()?);
        let own = format!("10.{network}.0.1/16");
        networks.push((Cable::new(&pair.a.host, &interface, &switch, &[&own])?, switch));
        for vrid in 1..=250 {
            config += &format!(
                "[[virtual_router]]\nname = \"net-{network}-{vrid}\"\ninterface = \"{interface}\"\n\
                 vrid = {vrid}\naddresses = [\"10.{network}.1.{vrid}/16\"]\n",
            );
        }
    }
    start(&mut pair.a, &config)?;
    pair.a.wait_for_phase("held")?;
    let mut browser = Browser::start(&pair.user, pair.folder.path())?;
    browser.look(&Look { width: 900, height: 1000, is_dark: false })?;
    browser.open(PAGE)?;
    browser.wait_for(
        "[...document.querySelectorAll('[data-name] .state')]\
         .filter((state) => state.textContent === 'active').length === 1000",
    )?;
    let took = browser.value(LOOKS_FOR_ONE)?;
    println!("from what is typed until it is drawn: {took} ms");
    let shown = "[...document.querySelectorAll('[data-name]')]\
        .filter((card) => card.checkVisibility()).map((card) => card.dataset.name).join()";
    browser.wait_for(&format!("{shown} === 'net-3-250'"))?;
    is_quiet(&browser)
}

/// Types a name, and waits for the second frame after it: the first is drawn by then.
const LOOKS_FOR_ONE: &str = "new Promise((done) => {
    const begun = performance.now();
    const filter = document.querySelector('#filter');
    filter.value = 'net-3-250';
    filter.dispatchEvent(new Event('input'));
    const frame = requestAnimationFrame;
    frame(() => frame(() => done(Math.round(performance.now() - begun))));
})";

/// What a program printed is a text, and no part of the page.
fn is_text(browser: &mut Browser) -> Outcome {
    let shown = format!("document.querySelector('#checks').textContent.includes({MARKUP:?})");
    browser.wait_for(&shown)?;
    browser.wait_for(&shown.replace("#checks", "#wrong"))?;
    let count = browser.value("document.querySelectorAll('img, [onerror]').length")?;
    check(count == 0, "what a check has printed became markup")?;
    let title = browser.value("document.title")?;
    check(title != "taken over", "a check's output was run")?;
    let wide = browser.value("document.documentElement.scrollWidth")?;
    check(wide == 360, format!("a phone has to scroll sideways: {wide} pixels"))
}

/// Nothing failed in its scripts, and nothing went against its policy.
fn is_quiet(browser: &Browser) -> Outcome {
    let complaints = browser.complaints();
    check(complaints.is_empty(), format!("it complains: {complaints:#?}"))
}

/// The daemon dies: the page says so, and since when. It comes back: the page says that, too.
fn is_lost_and_found(pair: &mut Pair, browser: &mut Browser, config: &str) -> Outcome {
    pair.a.signal(Signal::SIGKILL)?;
    pair.a.wait()?;
    browser.wait_for("document.body.classList.contains('lost')")?;
    browser
        .wait_for("document.querySelector('#lost').textContent.includes('Not heard from since')")?;
    let title = browser.value("document.title")?;
    check(
        title.as_str().is_some_and(|title| title.starts_with('?')),
        format!("it is called {title}"),
    )?;
    start(&mut pair.a, config)?;
    browser.wait_for("!document.body.classList.contains('lost')")?;
    browser.wait_for("document.querySelector('#past').textContent.includes('started anew')")?;
    // It adopts what the one before held.
    browser.wait_for(&format!("{}.startsWith('active')", state("db")))?;
    let hidden = browser.value("document.querySelector('#lost').hidden")?;
    check(hidden == true, "it shows that it has no connection")
}
