//! All virtual routers: a line for each, below them what is wrong, and what happened last.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::{Cell, Paragraph, Row, Table, TableState},
};

use super::{super::model::Model, clean, text, wrapped};
use crate::{
    report::VirtualRouter,
    status::{overview::state, wrong},
    text::columns::since,
};

/// What stands before the chosen one, and before the others.
const CHOSEN: &str = "> ";
/// The widest name, and the widest state.
const NAME: usize = 24;
const STATE: usize = 28;
/// So much room has to be left for why it is so.
const WHY: u16 = 12;
/// From so many lines on, there is room for more than the table.
const TALL: u16 = 8;
/// So many virtual routers with something wrong are told of at most.
const TOLD: usize = 50;

/// A column: its title, its width, and what is in it.
struct Column {
    title: &'static str,
    width: u16,
    cell: fn(&VirtualRouter) -> String,
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let routers = model.routers();
    if routers.is_empty() {
        let sentence = match &model.status {
            Some(_) => "This node has no virtual router. They come with the configuration.",
            None => "Nothing is known yet.",
        };
        frame.render_widget(text(wrapped(area.width, "", sentence, usize::MAX)), area);
        return;
    }
    let wrong = wrong(model, area.width);
    let rows = u16::try_from(routers.len()).unwrap_or(u16::MAX).saturating_add(1);
    let (table, told) = if area.height < TALL {
        (area.height, 0)
    } else {
        let table = rows.min(area.height.saturating_mul(3) / 5);
        let rest = area.height.saturating_sub(table);
        let told = u16::try_from(wrong.len()).unwrap_or(u16::MAX).saturating_add(1);
        (table, if wrong.is_empty() { 0 } else { told.min(rest.saturating_mul(2) / 3) })
    };
    let parts = Layout::vertical([
        Constraint::Length(table),
        Constraint::Length(told),
        Constraint::Fill(1),
    ]);
    let [table, below, last] = parts.areas(area);
    draw_table(frame, model, table);
    titled(frame, model, "WHAT IS WRONG", wrong, below);
    let events = model.events.iter().map(|line| clean(line).into_owned()).collect();
    titled(frame, model, "WHAT HAPPENED", events, last);
}

/// Lines below a title; nothing where there is room for neither.
fn titled(frame: &mut Frame<'_>, model: &Model, title: &str, lines: Vec<String>, area: Rect) {
    if lines.is_empty() || area.height < 2 {
        return;
    }
    let [heading, rest] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(
        Paragraph::new(Line::styled(title.to_owned(), model.palette.heading())),
        heading,
    );
    frame.render_widget(text(lines), rest);
}

/// What is wrong: of the chosen one first.
fn wrong(model: &Model, width: u16) -> Vec<String> {
    let (chosen, all) = (model.chosen(), || model.routers().iter().zip(&model.wrong));
    let others = all().enumerate().filter(|(place, _)| *place != chosen).map(|(_, told)| told);
    let told = all().nth(chosen).into_iter().chain(others);
    let mut lines = Vec::new();
    for (router, sentences) in told.filter(|(_, sentences)| !sentences.is_empty()).take(TOLD) {
        let label = format!("{}: ", clean(&router.name));
        for sentence in sentences {
            lines.extend(wrapped(width, &label, sentence, usize::MAX));
        }
    }
    lines
}

/// The page of the table that has the chosen one in it.
fn draw_table(frame: &mut Frame<'_>, model: &Model, area: Rect) {
    let page = usize::from(area.height.saturating_sub(1)).max(1);
    let (chosen, routers) = (model.chosen(), model.routers());
    let first = chosen / page * page;
    let shown = routers.get(first..).unwrap_or_default().iter().take(page);
    let columns = columns(routers, area.width);
    let rows = shown.map(|router| {
        let cells = columns.iter().map(|column| {
            let cell = Cell::new(clean(&(column.cell)(router)).into_owned());
            if column.title == "STATE" { cell.style(model.palette.state(router)) } else { cell }
        });
        Row::new(cells.collect::<Vec<_>>())
    });
    let header = Row::new(columns.iter().map(|column| column.title).collect::<Vec<_>>());
    let widths = columns.iter().map(|column| Constraint::Length(column.width));
    let table = Table::new(rows.collect::<Vec<_>>(), widths.collect::<Vec<_>>())
        .header(header.style(model.palette.heading()))
        .row_highlight_style(model.palette.bar())
        .highlight_symbol(CHOSEN);
    let mut state = TableState::new().with_selected(chosen.checked_sub(first));
    frame.render_stateful_widget(table, area, &mut state);
}

/// The columns that there is room for: the first ones say most.
fn columns(routers: &[VirtualRouter], width: u16) -> Vec<Column> {
    let widest = |cell: fn(&VirtualRouter) -> String, most: usize| {
        let widest = routers.iter().map(|router| cell(router).chars().count()).max();
        u16::try_from(widest.unwrap_or_default().clamp(5, most)).unwrap_or(u16::MAX)
    };
    let column = |title, width, cell| Column { title, width, cell };
    let all = [
        column("NAME", widest(|router| router.name.clone(), NAME), |router| router.name.clone()),
        column("STATE", widest(state, STATE), state),
        column("SINCE", 6, |router| since(&router.since)),
        column("WRONG", 5, count_wrong),
        column("PRIO", 4, |router| router.effective_priority.to_string()),
        column("LEASE", 5, lease),
        column("PEER", widest(peer, 39), peer),
    ];
    let mut columns = Vec::new();
    let mut left = width.saturating_sub(2);
    for column in all {
        // The first two are there whatever the width is.
        if columns.len() < 2 || column.width <= left {
            left = left.saturating_sub(column.width.saturating_add(1));
            columns.push(column);
        } else {
            return columns;
        }
    }
    if left >= WHY {
        columns.push(column("WHY", left, |router| router.why.clone()));
    }
    columns
}

fn count_wrong(router: &VirtualRouter) -> String {
    match wrong::sentences(router).len() {
        0 => String::new(),
        count => format!("! {count}"),
    }
}

fn lease(router: &VirtualRouter) -> String {
    router.lease_seconds.map(|seconds| format!("{seconds:.1}s")).unwrap_or_default()
}

fn peer(router: &VirtualRouter) -> String {
    router.active_peer.map(|peer| peer.to_string()).unwrap_or_default()
}
