//! What the screen looks like, in every state and size, and what the keys do.

use std::time::SystemTime;

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    style::Color,
};

use super::{
    model::View,
    order::{Done, Verb},
    *,
};
use crate::report::{
    Disagreement, PeerHeard, Rival, SCHEMA, Said, Status, ToldEvent, Transition, VirtualRouter,
};

fn ago(seconds: u64) -> String {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    humantime::format_rfc3339_millis(then).to_string()
}

fn transition(seconds_ago: f64, from: &str, to: &str) -> Transition {
    Transition {
        at: ago(0),
        seconds_ago,
        from: from.to_owned(),
        to: to.to_owned(),
        hold: None,
        reason: "silence".to_owned(),
        reason_source: None,
        reason_priority: None,
        sentence: "no active node was heard".to_owned(),
    }
}

fn active(name: &str) -> VirtualRouter {
    VirtualRouter {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        vrid: 51,
        family: "ipv4".to_owned(),
        version: 3,
        state: "active".to_owned(),
        phase: "held".to_owned(),
        since: ago(65),
        why: "no active node was heard, and the backend holds the addresses".to_owned(),
        condition: "good".to_owned(),
        effective_priority: 150,
        lease_seconds: Some(2.9),
        addresses: vec!["192.0.2.10/24".to_owned()],
        addresses_held: vec!["192.0.2.10/24".to_owned()],
        transitions: vec![
            transition(65.0, "acquiring", "held"),
            transition(65.1, "backup", "acquiring"),
            transition(68.0, "initialize", "backup"),
        ],
        ..VirtualRouter::default()
    }
}

fn backup(name: &str, jitter_seconds: f64) -> VirtualRouter {
    VirtualRouter {
        state: "backup".to_owned(),
        phase: "backup".to_owned(),
        why: "it started; it follows 192.0.2.2 (priority 200)".to_owned(),
        lease_seconds: None,
        addresses_held: Vec::new(),
        active_peer: Some([192, 0, 2, 2].into()),
        peers_heard: vec![PeerHeard {
            address: [192, 0, 2, 2].into(),
            priority: 200,
            active: true,
            jitter_seconds: Some(jitter_seconds),
            said: Said::default(),
            seconds_ago: 0.3,
            messages: 9,
        }],
        transitions: vec![transition(65.0, "initialize", "backup")],
        ..active(name)
    }
}

/// Another node is active, too, and does not give way.
fn split(name: &str) -> VirtualRouter {
    VirtualRouter {
        rival: Some(Rival {
            sentence: "192.0.2.9 answers for 192.0.2.10, too".to_owned(),
            ..rival()
        }),
        notices: vec![notice("192.0.2.9 (priority 100) does not give way: both are active")],
        ..active(name)
    }
}

fn rival() -> Rival {
    serde_json::from_value(serde_json::json!({
        "mac": "02:00:00:00:00:09", "address": "192.0.2.10", "cause": "network", "reason": null,
        "source": null, "since_seconds_ago": 9.0, "seconds_ago": 1.0, "sentence": "-"
    }))
    .unwrap()
}

fn notice(line: &str) -> Disagreement {
    serde_json::from_value(serde_json::json!({
        "notice": "not-giving-way", "reason": null, "address": "192.0.2.9", "priority": 100,
        "seconds_ago": 0.5, "messages": 4, "sentence": "-", "detail": null, "line": line
    }))
    .unwrap()
}

fn status(virtual_routers: Vec<VirtualRouter>) -> Status {
    Status {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        virtual_routers,
        ..serde_json::from_value(serde_json::json!({
            "schema": 1, "version": "0.1.0", "virtual_routers": [], "ports": []
        }))
        .unwrap()
    }
}

/// A screen that was opened some time ago, so that times can be taken away from its moment.
struct Screen {
    model: Model,
    now: Instant,
}

impl Screen {
    fn of(routers: Vec<VirtualRouter>) -> Self {
        let now = Instant::now();
        let mut model = Model::new(Palette::new(true));
        model.take_status(status(routers), now);
        Self { model, now }
    }

    fn press(&mut self, code: KeyCode) -> Next {
        keys::press(&mut self.model, KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn drawn(&self, width: u16, height: u16) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen::draw(frame, &self.model, self.now)).unwrap();
        terminal
    }

    /// The lines of the screen.
    fn lines(&self, width: u16, height: u16) -> Vec<String> {
        let terminal = self.drawn(width, height);
        let buffer = terminal.backend().buffer();
        (0..height)
            .map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>())
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    fn text(&self, width: u16, height: u16) -> String {
        self.lines(width, height).join("\n")
    }
}

#[test]
fn an_empty_node_says_that_it_is_empty() {
    let mut screen = Screen::of(Vec::new());
    let text = screen.text(80, 24);
    assert!(text.starts_with(" vrrp 0.1.0: 0 virtual routers, 0 active"), "{text}");
    assert!(text.contains("This node has no virtual router."), "{text}");
    // There is nothing to show, and nothing to ask about.
    for code in [KeyCode::Enter, KeyCode::Char('d'), KeyCode::Down, KeyCode::End] {
        assert_eq!(screen.press(code), Next::GoOn);
        assert_eq!((screen.model.view, &screen.model.question), (View::All, &None));
    }
}

#[test]
fn one_virtual_router_is_a_line() {
    let screen = Screen::of(vec![active("web")]);
    let lines = screen.lines(120, 24);
    assert_eq!(lines[0], " vrrp 0.1.0: 1 virtual router, 1 active");
    let header: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(header, ["NAME", "STATE", "SINCE", "WRONG", "PRIO", "LEASE", "PEER", "WHY"]);
    let row: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(row[..7], [">", "web", "active", "1m5s", "150", "2.9s", "no"], "{lines:#?}");
    assert!(lines[23].starts_with("q leaves"), "{lines:#?}");
    assert!(!lines.join("\n").contains("WHAT IS WRONG"), "{lines:#?}");
}

#[test]
fn ten_are_chosen_among_by_keys() {
    let names: Vec<String> = (0..10).map(|number| format!("router-{number}")).collect();
    let mut screen = Screen::of(names.iter().map(|name| backup(name, 0.001)).collect());
    let chosen = |screen: &Screen| {
        let lines = screen.lines(80, 24);
        let line = lines.iter().find(|line| line.starts_with("> ")).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    for (code, expected) in [
        (KeyCode::Down, 1),
        (KeyCode::Char('j'), 2),
        (KeyCode::Up, 1),
        (KeyCode::End, 9),
        (KeyCode::Down, 9),
        (KeyCode::Char('k'), 8),
        (KeyCode::Home, 0),
        (KeyCode::PageDown, 9),
        (KeyCode::PageUp, 0),
    ] {
        assert_eq!(screen.press(code), Next::GoOn);
        assert_eq!(chosen(&screen), names[expected], "{code:?}");
    }
    // One that comes before it leaves the choice where it is; one that goes, too.
    screen.press(KeyCode::Down);
    let more = std::iter::once("a").chain(names.iter().map(String::as_str));
    screen.model.take_status(status(more.map(active).collect()), screen.now);
    assert_eq!(chosen(&screen), names[1]);
    screen.model.take_status(status(vec![active("a"), active("b")]), screen.now);
    assert_eq!(chosen(&screen), "b");
}

#[test]
fn a_thousand_are_pages() {
    let names = (0..1000).map(|number| format!("router-{number:03}"));
    let mut screen = Screen::of(names.map(|name| active(&name)).collect());
    screen.press(KeyCode::End);
    let text = screen.text(80, 24);
    assert!(text.contains("> router-999") && text.contains("  router-998"), "{text}");
    assert!(text.starts_with(" vrrp 0.1.0: 1000 virtual routers, 1000 active"), "{text}");
    let begun = Instant::now();
    for _ in 0..10 {
        screen.drawn(200, 60);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_split_brain_is_said_in_words() {
    let screen = Screen::of(vec![backup("db", 0.001), split("web")]);
    let text = screen.text(80, 24);
    assert!(text.starts_with(" vrrp 0.1.0: 2 virtual routers, 1 active, 1 with something wrong"));
    let below = text.split_once("WHAT IS WRONG").unwrap().1;
    let told = below.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("web: 192.0.2.9 (priority 100) does not give way"), "{text}");
    assert!(told.contains("web: 192.0.2.9 answers for 192.0.2.10, too"), "{text}");
    assert!(text.lines().any(|line| line.contains("web") && line.contains("! 2")), "{text}");
}

#[test]
fn a_daemon_that_is_lost_is_shown_as_lost_until_it_is_back() {
    let mut screen = Screen::of(vec![active("web")]);
    let begun = screen.now;
    screen.model.take_loss("the daemon has stopped".to_owned(), begun);
    screen.now += Duration::from_secs(7);
    screen.model.take_loss("no vrrp answers on /run/vrrp/control.sock".to_owned(), screen.now);
    let lines = screen.lines(120, 24);
    assert!(
        lines[1].starts_with("LOST for 7 s: no vrrp answers on /run/vrrp/control.sock."),
        "{lines:#?}"
    );
    assert!(lines[1].ends_with("What is below was so 7 s ago."), "{lines:#?}");
    assert!(lines[3].contains("web"), "what was known stays: {lines:#?}");
    screen.model.take_status(status(vec![active("web")]), screen.now);
    assert!(!screen.text(120, 24).contains("LOST"));
}

#[test]
fn all_of_one_is_shown_with_its_time_line_and_scrolls() {
    let mut screen = Screen::of(vec![backup("web", 0.0023)]);
    for jitter in [0.0011, 0.0007] {
        screen.model.take_status(status(vec![backup("web", jitter)]), screen.now);
    }
    screen.press(KeyCode::Enter);
    let lines = screen.lines(80, 30);
    assert_eq!(lines[1], "web: VRID 51 on eth0");
    assert!(lines[2].starts_with("The last 10 minutes: # active"), "{lines:#?}");
    assert!(lines[3].starts_with("xxx") && lines[3].ends_with("---"), "{lines:#?}");
    assert_eq!(lines[4].trim(), "^", "{lines:#?}");
    assert!(
        lines[5].starts_with("Jitter of the active node: 0.7 ms, at most 2.3 ms"),
        "{lines:#?}"
    );
    // What is drawn of it ends at the right, where it is now.
    assert!(drawn_at_the_right(&lines[6]), "{lines:#?}");
    assert!(lines[7].starts_with("state     backup for 1m5s"), "{lines:#?}");
    // It does not scroll beyond its end.
    screen.press(KeyCode::End);
    let end = screen.lines(80, 7);
    assert!(end.iter().any(|line| line.starts_with("before ")), "{end:#?}");
    assert!(!end.iter().any(|line| line.starts_with("state ")), "{end:#?}");
    screen.press(KeyCode::Esc);
    assert_eq!(screen.model.view, View::All);
    // One that is gone cannot be shown.
    screen.press(KeyCode::Enter);
    screen.model.take_status(status(vec![active("other")]), screen.now);
    assert_eq!(screen.model.view, View::All);
}

fn drawn_at_the_right(line: &str) -> bool {
    line.chars().count() == 80 && line.starts_with(' ')
}

#[test]
fn an_order_is_asked_about_first_and_the_daemons_sentence_is_shown() {
    for (key, verb, words) in [
        ('d', Verb::Drain, "drain web: it hands over"),
        ('r', Verb::Resume, "resume web: it takes part"),
        ('a', Verb::Announce, "announce web: the neighbours"),
    ] {
        let mut screen = Screen::of(vec![active("web")]);
        assert_eq!(screen.press(KeyCode::Char(key)), Next::GoOn);
        assert!(screen.text(80, 24).contains(words), "{}", screen.text(80, 24));
        // Any other key is no.
        assert_eq!(screen.press(KeyCode::Char('n')), Next::GoOn);
        assert_eq!(screen.press(KeyCode::Char('y')), Next::GoOn);
        screen.press(KeyCode::Char(key));
        let order = Order { verb, name: "web".to_owned() };
        assert_eq!(screen.press(KeyCode::Char('y')), Next::Do(order));
        assert!(screen.text(80, 24).contains("has not answered yet"));
        // One after the other.
        screen.press(KeyCode::Char(key));
        assert_eq!(screen.model.question, None);
        let sentence = "web is not drained: no other node took over".to_owned();
        screen.model.take_outcome(Done { done: false, sentence });
        assert!(screen.text(80, 24).contains("not done: web is not drained: no other node"));
        screen.press(KeyCode::Esc);
        assert!(screen.text(80, 24).contains("q leaves"));
    }
}

#[test]
fn keys_leave_and_help() {
    let mut screen = Screen::of(vec![active("web")]);
    assert_eq!(screen.press(KeyCode::Char('q')), Next::Leave);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(keys::press(&mut screen.model, interrupt), Next::Leave);
    screen.press(KeyCode::Char('?'));
    let text = screen.text(80, 24);
    for (key, what) in keys::HELP {
        assert!(text.contains(key) && text.contains(&what[..10]), "{key} in:\n{text}");
    }
    screen.press(KeyCode::Esc);
    assert!(!screen.text(80, 24).contains("esc "));
    let other = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::ALT);
    assert_eq!(keys::press(&mut screen.model, other), Next::GoOn);
    assert_eq!(screen.model.question, None);
}

/// Every state in every size, down to one character.
#[test]
fn no_size_is_too_small() {
    for routers in [Vec::new(), vec![active("web"), split("db"), backup("x", 0.5)]] {
        for keys in ["", "\n", "?", "d", "\n?", "\nd"] {
            for is_lost in [false, true] {
                let mut screen = Screen::of(routers.clone());
                for key in keys.chars() {
                    let is_enter = key == '\n';
                    screen.press(if is_enter { KeyCode::Enter } else { KeyCode::Char(key) });
                }
                if is_lost {
                    screen.model.take_loss("the daemon has stopped".to_owned(), screen.now);
                }
                for width in [1, 2, 3, 5, 8, 13, 21, 40, 80, 120] {
                    for height in [1, 2, 3, 4, 5, 8, 12, 13, 24, 40] {
                        screen.drawn(width, height);
                    }
                }
            }
        }
    }
}

#[test]
fn the_longest_state_is_whole() {
    let leaving = VirtualRouter {
        phase: "resigning".to_owned(),
        condition: "unproven".to_owned(),
        ..active("web")
    };
    let text = Screen::of(vec![leaving]).text(80, 24);
    assert!(text.contains("active (resigning), unproven"), "{text}");
}

#[test]
fn forty_columns_are_enough_for_names_and_states() {
    let screen = Screen::of(vec![active("web"), split("db")]);
    let text = screen.text(40, 12);
    assert!(text.contains("> web   active") && text.contains("  db    active"), "{text}");
}

#[test]
fn without_colours_words_say_it_all() {
    let mut screen = Screen::of(vec![split("web"), backup("db", 0.1)]);
    let colours = |screen: &Screen| {
        let terminal = screen.drawn(80, 24);
        let cells = terminal.backend().buffer().content();
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert!(colours(&screen) > 0);
    let with = screen.text(80, 24);
    screen.model.palette = Palette::new(false);
    assert_eq!(colours(&screen), 0);
    assert_eq!(screen.text(80, 24), with);
}

#[test]
fn nothing_that_moves_a_cursor_gets_to_the_terminal() {
    let evil = "a\u{1b}[2Jb\r\n\u{7}\u{202e}c\u{9b}31m";
    let mut router = split(evil);
    router.why = evil.to_owned();
    router.interface = evil.to_owned();
    router.backend_error = Some(evil.to_owned());
    let mut screen = Screen::of(vec![router]);
    screen.model.take_event(&ToldEvent { time: evil.to_owned(), sentence: evil.to_owned() });
    screen.model.take_loss(evil.to_owned(), screen.now);
    for code in [KeyCode::Null, KeyCode::Enter, KeyCode::Char('d')] {
        screen.press(code);
        let text = screen.text(120, 40).replace('\n', "");
        assert!(text.contains('a') && !text.contains(char::is_control), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn what_happened_is_listed_and_bounded() {
    let mut screen = Screen::of(vec![active("web")]);
    for number in 0..1000 {
        let sentence = format!("web: event {number}");
        let event = ToldEvent { time: "2026-01-02T03:04:05.678Z".to_owned(), sentence };
        assert_eq!(take(&mut screen.model, Message::Event(event), screen.now), Next::GoOn);
    }
    assert_eq!(screen.model.events.len(), 200);
    let text = screen.text(80, 24);
    let below = text.split_once("WHAT HAPPENED\n").unwrap().1;
    assert!(below.starts_with("2026-01-02T03:04:05.678Z web: event 999\n"), "{text}");
}
