//! [`Outcome`]: what one run of a check found.

use std::{fmt, io};

/// How much of a text is kept, in octets.
const KEPT: usize = 512;

/// What one run of a check found, with a short sentence for people. Of the text, 512 octets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It works.
    Passed(String),
    /// It does not work.
    Failed(String),
    /// Nobody knows: it could not be looked at, for a reason that is not the service's.
    NotRun(String),
    /// A number was read. Zero counts as passed and any other as failed;
    /// [`Effect::Weight`](super::Effect::Weight) adds the weight this many times.
    Number(i32),
}

impl Outcome {
    /// Returns the sentence for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Passed(text) | Self::Failed(text) | Self::NotRun(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }

    /// Returns the same on one line, with no more text than is kept.
    pub(super) fn bounded(self) -> Self {
        match self {
            Self::Passed(text) => Self::Passed(bounded(text)),
            Self::Failed(text) => Self::Failed(bounded(text)),
            Self::NotRun(text) => Self::NotRun(bounded(text)),
            Self::Number(number) => Self::Number(number),
        }
    }

    /// Judges an error of the operating system. What this host or this process lacks says nothing of
    /// the service.
    pub(super) fn of_error(what: impl fmt::Display, error: &io::Error) -> Self {
        let text = format!("{what}: {}", crate::remedy::Explained(error));
        if is_ours(error) { Self::NotRun(text) } else { Self::Failed(text) }
    }
}

#[cfg(unix)]
fn is_ours(error: &io::Error) -> bool {
    let ours = [
        libc::EMFILE,
        libc::ENFILE,
        libc::ENOBUFS,
        libc::ENOMEM,
        libc::EAGAIN,
        libc::EADDRNOTAVAIL,
        libc::EAFNOSUPPORT,
        libc::EACCES,
        libc::EPERM,
    ];
    error.raw_os_error().is_some_and(|number| ours.contains(&number))
}

#[cfg(not(unix))]
fn is_ours(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::AddrNotAvailable)
}

fn bounded(mut text: String) -> String {
    if text.len() > KEPT {
        let end = (0..=KEPT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    if text.contains(char::is_control) {
        text = text.replace(char::is_control, " ");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_on_one_line() {
        let long = Outcome::Failed("ü\n".repeat(400)).bounded();
        assert!(long.text().len() <= KEPT && long.text().len() > KEPT - 4);
        assert!(!long.text().contains('\n') && long.text().starts_with("ü ü"));
        let short = Outcome::Passed("answers 200".to_owned());
        assert_eq!(short.clone().bounded(), short);
    }

    #[test]
    #[cfg(unix)]
    fn what_this_process_lacks_is_not_the_services_fault() {
        let judged = |errno| Outcome::of_error("it", &io::Error::from_raw_os_error(errno));
        assert!(matches!(judged(libc::ECONNREFUSED), Outcome::Failed(_)));
        assert!(
            matches!(judged(libc::EMFILE), Outcome::NotRun(text) if text.contains("LimitNOFILE"))
        );
    }
}
