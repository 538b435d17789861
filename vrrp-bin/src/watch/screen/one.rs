//! One virtual router: its time line, how regularly its Active is heard, and all there is to say of it.

use std::time::{Duration, Instant};

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::{Paragraph, RenderDirection, Sparkline},
};

use super::{
    super::{
        model::Model,
        strip::{LEGEND, strip},
    },
    clean, text, wrapped,
};
use crate::{report::VirtualRouter, status::whole::paragraphs};

/// From so many lines on, there is room for time lines.
const TALL: u16 = 12;

/// Draws it from this line on.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    model: &Model,
    router: &VirtualRouter,
    line: u16,
    now: Instant,
    area: Rect,
) {
    let strips = if area.height < TALL { 0 } else { 5 };
    let parts =
        Layout::vertical([Constraint::Length(1), Constraint::Length(strips), Constraint::Fill(1)]);
    let [heading, lines, rest] = parts.areas(area);
    let name = format!("{}: VRID {} on {}", router.name, router.vrid, router.interface);
    let name = Line::styled(clean(&name).into_owned(), model.palette.heading());
    frame.render_widget(Paragraph::new(name), heading);
    if strips > 0 {
        draw_strips(frame, model, router, now, lines);
    }
    let mut told = Vec::new();
    for (label, sentence) in paragraphs(router) {
        told.extend(wrapped(rest.width, &format!("{label:<9} "), &sentence, usize::MAX));
    }
    let last = u16::try_from(told.len()).unwrap_or(u16::MAX).saturating_sub(rest.height);
    frame.render_widget(text(told).scroll((line.min(last), 0)), rest);
}

/// The time line, and the jitter below it.
fn draw_strips(
    frame: &mut Frame<'_>,
    model: &Model,
    router: &VirtualRouter,
    now: Instant,
    area: Rect,
) {
    let [above, states, marks, label, bars] =
        Layout::vertical([Constraint::Length(1); 5]).areas(area);
    let strip = strip(router, model.age(now), area.width);
    let legend = format!("The last {}: {LEGEND}", strip.span);
    frame.render_widget(Paragraph::new(legend), above);
    frame.render_widget(Paragraph::new(strip.states), states);
    frame.render_widget(Paragraph::new(strip.marks), marks);
    // The latest first.
    let samples: Vec<u64> = model
        .jitter
        .get(&router.name)
        .into_iter()
        .flatten()
        .take(usize::from(area.width))
        .map(|seconds| microseconds(*seconds))
        .collect();
    let (Some(last), Some(most)) = (samples.first(), samples.iter().max()) else {
        let nobody = "Jitter: no active node has been heard twice";
        frame.render_widget(Paragraph::new(nobody), label);
        return;
    };
    let said = format!(
        "Jitter of the active node: {}, at most {} of late",
        milliseconds(*last),
        milliseconds(*most)
    );
    frame.render_widget(Paragraph::new(said), label);
    // Below a millisecond, all is as good as nothing.
    let sparkline = Sparkline::default()
        .max((*most).max(1000))
        .direction(RenderDirection::RightToLeft)
        .data(&samples);
    frame.render_widget(sparkline, bars);
}

fn microseconds(seconds: f64) -> u64 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn milliseconds(microseconds: u64) -> String {
    format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100)
}
