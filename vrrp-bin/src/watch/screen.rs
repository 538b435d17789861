//! What is drawn. Whatever does not fit is left out, and nothing that comes from the network gets to
//! the terminal as it came.

mod all;
mod one;

use std::{borrow::Cow, time::Instant};

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Text},
    widgets::{Clear, Paragraph},
};

use super::{
    keys::HELP,
    model::{Model, View},
    strip::LEGEND,
};
use crate::{config::one_line, text::wrap};

/// The lines at the bottom at most.
const FOOTER: usize = 3;
const HINT: &str = "q leaves  ? help  enter shows all  d drain  r resume  a announce";

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, now: Instant) {
    let area = frame.area();
    let (footer, style) = footer(model, area.width);
    let lost = lost(model, now, area.width);
    let rows = |lines: &[String]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let parts = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(rows(&lost)),
        Constraint::Fill(1),
        Constraint::Length(rows(&footer)),
    ]);
    let [title, banner, body, bottom] = parts.areas(area);
    frame.render_widget(Paragraph::new(heading(model)).style(model.palette.bar()), title);
    frame.render_widget(text(lost).style(model.palette.bad()), banner);
    match (model.view, model.router()) {
        (View::One(line), Some(router)) => one::draw(frame, model, router, line, now, body),
        (View::One(_) | View::All, _) => all::draw(frame, model, body),
    }
    frame.render_widget(text(footer).style(style), bottom);
    if model.shows_help {
        help(frame, body);
    }
}

/// What is at the top.
fn heading(model: &Model) -> String {
    let Some((status, _)) = &model.status else { return " vrrp".to_owned() };
    let routers = model.routers();
    let active = routers.iter().filter(|router| router.state == "active").count();
    let wrong = model.wrong.iter().filter(|sentences| !sentences.is_empty()).count();
    let wrong = if wrong == 0 { String::new() } else { format!(", {wrong} with something wrong") };
    let count = match routers.len() {
        1 => "1 virtual router".to_owned(),
        count => format!("{count} virtual routers"),
    };
    let version = clean(&status.version);
    format!(" vrrp {version}: {count}, {active} active{wrong}")
}

/// What is said of a daemon that does not answer.
fn lost(model: &Model, now: Instant, width: u16) -> Vec<String> {
    let Some(lost) = &model.lost else { return Vec::new() };
    let age = model.age(now).as_secs();
    let gone = now.saturating_duration_since(lost.since).as_secs();
    let label = format!("LOST for {gone} s: ");
    let sentence = format!("{}. What is below was so {age} s ago.", lost.sentence);
    wrapped(width, &label, &sentence, FOOTER)
}

/// What is at the bottom: a question, what is under way, what came of it, or what keys there are.
fn footer(model: &Model, width: u16) -> (Vec<String>, Style) {
    let Model { question, busy, done, palette, .. } = model;
    let lines = |text: &str| wrapped(width, "", text, FOOTER);
    match (question, busy, done) {
        (Some(order), _, _) => (lines(&order.question()), palette.bar()),
        (None, Some(order), _) => (lines(&order.progress()), palette.heading()),
        (None, None, Some(done)) if done.done => {
            (lines(&format!("done: {}", done.sentence)), palette.good())
        }
        (None, None, Some(done)) => (lines(&format!("not done: {}", done.sentence)), palette.bad()),
        (None, None, None) => (vec![HINT.to_owned()], Style::new()),
    }
}

/// The keys, over the rest.
fn help(frame: &mut Frame<'_>, area: Rect) {
    let mut lines = Vec::new();
    for (key, what) in HELP {
        lines.extend(wrapped(area.width, &format!(" {key:<9} "), what, usize::MAX));
    }
    lines.push(String::new());
    lines.extend(wrapped(area.width, " ", &format!("In a time line: {LEGEND}."), usize::MAX));
    frame.render_widget(Clear, area);
    frame.render_widget(text(lines), area);
}

/// `label` and `sentence` in lines that fit, as many as `most`.
fn wrapped(width: u16, label: &str, sentence: &str, most: usize) -> Vec<String> {
    let indent = label.chars().count();
    let mut lines = wrap::lines(usize::from(width), label, indent, &clean(sentence));
    lines.truncate(most);
    lines
}

fn text(lines: Vec<String>) -> Paragraph<'static> {
    Paragraph::new(Text::from(lines.into_iter().map(Line::from).collect::<Vec<_>>()))
}

/// Without what moves a cursor, or turns the direction of what is read.
fn clean(text: &str) -> Cow<'_, str> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text = one_line(text);
    if text.contains(turns) { text.replace(turns, "?").into() } else { text }
}
