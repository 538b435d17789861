//! What each key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    model::{Model, Next, View},
    order::{Order, Verb},
};

/// How far a page goes.
const PAGE: usize = 10;

/// The keys and what they do, as the help has them.
pub(super) const HELP: [(&str, &str); 8] = [
    ("up, down", "choose a virtual router, or scroll (also k and j, page up and down)"),
    ("enter", "show all of the chosen one"),
    ("esc", "back to all of them"),
    ("d", "drain it: it hands over and stays out"),
    ("r", "resume it: it takes part again"),
    ("a", "announce its addresses to the neighbours"),
    ("?", "show or hide this help"),
    ("q", "leave; the daemon goes on"),
];

/// Takes a key. Whatever changes something is asked about first.
pub(super) fn press(model: &mut Model, key: KeyEvent) -> Next {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_control && matches!(key.code, KeyCode::Char('c' | 'd')) {
        return Next::Leave;
    }
    if let Some(order) = model.question.take() {
        return answer(model, order, key.code);
    }
    // It has been read by now.
    model.done = None;
    if is_control || key.modifiers.contains(KeyModifiers::ALT) {
        return Next::GoOn;
    }
    match key.code {
        KeyCode::Char('q' | 'Q') => return Next::Leave,
        KeyCode::Char('?' | 'h') => model.shows_help = !model.shows_help,
        KeyCode::Char('d') => ask(model, Verb::Drain),
        KeyCode::Char('r') => ask(model, Verb::Resume),
        KeyCode::Char('a') => ask(model, Verb::Announce),
        KeyCode::Enter | KeyCode::Right if model.router().is_some() => model.view = View::One(0),
        KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => leave(model),
        KeyCode::Up | KeyCode::Char('k') => up(model, 1),
        KeyCode::Down | KeyCode::Char('j') => down(model, 1),
        KeyCode::PageUp => up(model, PAGE),
        KeyCode::PageDown => down(model, PAGE),
        KeyCode::Home => up(model, usize::MAX),
        KeyCode::End => down(model, usize::MAX),
        _ => {}
    }
    Next::GoOn
}

/// Only `y` means yes.
fn answer(model: &mut Model, order: Order, code: KeyCode) -> Next {
    if !matches!(code, KeyCode::Char('y' | 'Y')) {
        return Next::GoOn;
    }
    model.busy = Some(order.clone());
    Next::Do(order)
}

/// One thing is done after the other.
fn ask(model: &mut Model, verb: Verb) {
    if model.busy.is_some() {
        return;
    }
    model.question = model.router().map(|router| Order { verb, name: router.name.clone() });
}

/// Closes what is in front.
fn leave(model: &mut Model) {
    if model.shows_help {
        model.shows_help = false;
    } else {
        model.view = View::All;
    }
}

fn up(model: &mut Model, count: usize) {
    match &mut model.view {
        View::All => model.choose(model.chosen().saturating_sub(count)),
        View::One(line) => *line = line.saturating_sub(lines(count)),
    }
}

/// How far there is to scroll is known where it is drawn.
fn down(model: &mut Model, count: usize) {
    match &mut model.view {
        View::All => model.choose(model.chosen().saturating_add(count)),
        View::One(line) => *line = line.saturating_add(lines(count)),
    }
}

fn lines(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
