//! [`Palette`]: how things look. A colour only says again what a word says.

use std::env;

use ratatui::style::{Color, Modifier, Style};

use crate::report::VirtualRouter;

/// How things look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Palette {
    has_colours: bool,
}

impl Palette {
    /// As the environment wants it: without colours if NO_COLOR is anything but empty.
    pub(super) fn of_environment() -> Self {
        Self::new(env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// With colours, or without.
    pub(super) const fn new(has_colours: bool) -> Self {
        Self { has_colours }
    }

    /// The state of a virtual router.
    pub(super) fn state(self, router: &VirtualRouter) -> Style {
        if router.fault {
            self.bad()
        } else if router.state == "active" {
            self.with(Color::Green).add_modifier(Modifier::BOLD)
        } else if router.hold.is_some() {
            self.with(Color::Yellow)
        } else {
            Style::new()
        }
    }

    /// What somebody should look at.
    pub(super) fn bad(self) -> Style {
        self.with(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What is done.
    pub(super) fn good(self) -> Style {
        self.with(Color::Green)
    }

    /// A bar across the screen.
    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A heading.
    pub(super) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn with(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }
}
