//! The pictures of `docs/page.md`: the page of nodes that run, written into the directory that
//! VRRP_SCREENS names.

use std::{env, fs, path::PathBuf, thread, time::Duration};

use libtest_mimic::Failed;
use vrrp_net::lab::Signal;

use super::{Browser, Look, PAGE, router, start, state};
use crate::support::{Outcome, Pair, check};

/// How long a picture's nodes have run: some of the past says more than none.
const PAST: Duration = Duration::from_secs(25);
/// The most that the documentation carries of each.
const OCTETS: usize = 150_000;

const DESK: Look = Look { width: 900, height: 820, is_dark: false };
const TALL: Look = Look { width: 900, height: 1000, is_dark: false };
const DARK: Look = Look { width: 900, height: 1000, is_dark: true };
const PHONE: Look = Look { width: 360, height: 740, is_dark: false };

pub(super) fn all() -> Outcome {
    one_node()?;
    ten()?;
    split_brain()
}

/// Writes a picture of what the browser shows.
fn picture(browser: &mut Browser, name: &str, look: &Look) -> Outcome {
    browser.look(look)?;
    // Once it has been drawn in that size.
    browser
        .value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")?;
    let picture = browser.picture()?;
    check(picture.len() < OCTETS, format!("{name} has {} octets", picture.len()))?;
    let directory: PathBuf = env::var_os("VRRP_SCREENS").ok_or("VRRP_SCREENS is not set")?.into();
    fs::create_dir_all(&directory)?;
    Ok(fs::write(directory.join(format!("page-{name}.png")), picture)?)
}

fn browser(pair: &Pair, look: &Look) -> Result<Browser, Failed> {
    let mut browser = Browser::start(&pair.user, pair.folder.path())?;
    browser.look(look)?;
    browser.open(PAGE)?;
    Ok(browser)
}

/// A node whose only virtual router is the backup of another node, and which then dies.
fn one_node() -> Outcome {
    let mut pair = Pair::new()?;
    let check = "[[check]]\nname = \"service\"\ntcp = \"10.0.0.1:9112\"\ninterval = \"1s\"\n";
    let config = router("web", 51, "track = [\"service\"]") + check;
    pair.b.start(&router("web", 51, "priority = 150"))?;
    pair.b.wait_for_phase("held")?;
    start(&mut pair.a, &config)?;
    let mut browser = browser(&pair, &DESK)?;
    browser.wait_for(&format!("{} === 'backup'", state("web")))?;
    thread::sleep(PAST);
    picture(&mut browser, "one", &DESK)?;
    pair.a.signal(Signal::SIGKILL)?;
    browser.wait_for("document.body.classList.contains('lost')")?;
    thread::sleep(Duration::from_secs(5));
    picture(&mut browser, "lost", &DESK)
}

/// Some active and some not, one drained, one that fails its check, one without an interface.
fn ten() -> Outcome {
    let mut pair = Pair::new()?;
    let mut config = String::new();
    let mut other = String::new();
    let names = ["api", "cache", "db", "dns", "imap", "ldap", "mail", "proxy", "web", "wiki"];
    for (name, vrid) in names.into_iter().zip(51..) {
        let is_first = vrid % 3 != 0;
        let more = match name {
            "ldap" => "track = [\"directory\"]",
            _ if is_first => "priority = 150",
            _ => "",
        };
        config += &router(name, vrid, more);
        other += &router(name, vrid, "priority = 120");
    }
    let missing = router("backup-net", 70, "").replace("eth0", "eth7");
    config = missing + &config;
    config += "[[check]]\nname = \"directory\"\ntcp = \"10.0.0.1:389\"\ninterval = \"1s\"\n";
    pair.b.start(&other)?;
    pair.b.wait_for_phase("held")?;
    start(&mut pair.a, &config)?;
    let mut browser = browser(&pair, &TALL)?;
    browser.wait_for(&format!("{} === 'active'", state("web")))?;
    let drained = pair.a.ask(&["drain", "mail"])?;
    check(drained.status.success(), format!("{drained:?}"))?;
    thread::sleep(PAST);
    picture(&mut browser, "ten", &TALL)?;
    picture(&mut browser, "dark", &DARK)?;
    browser.value("document.querySelector('[data-name=\"web\"] details').open = true")?;
    browser.value("document.querySelector('[data-name=\"web\"]').scrollIntoView()")?;
    picture(&mut browser, "phone", &PHONE)
}

/// Two nodes with two passwords: each refuses the other, and both hold the address.
fn split_brain() -> Outcome {
    let mut pair = Pair::new()?;
    let old = |password: &str, priority: u8| {
        let more = format!("version = 2\npassword = \"{password}\"\npriority = {priority}");
        router("web", 51, &more)
    };
    let config = old("one", 100) + &router("db", 52, "");
    start(&mut pair.a, &config)?;
    pair.a.wait_for_phase("held")?;
    let mut browser = browser(&pair, &DESK)?;
    pair.b.start(&(old("another", 150) + &router("db", 52, "priority = 50")))?;
    browser.wait_for("!document.querySelector('#split').hidden")?;
    thread::sleep(PAST);
    browser.wait_for("document.querySelector('#split').classList.contains('certain')")?;
    picture(&mut browser, "split", &DESK)
}
