//! [`BackendError`]: why a backend could not do what it was asked.

use std::{error::Error as StdError, fmt};

use vrrp_core::LeaseFailure;

/// Why a backend could not do what it was asked.
///
/// Any error turns into one by `?`, as [`LeaseFailure::Failed`]. Like `anyhow::Error`, it is no
/// [`std::error::Error`] itself, which makes that possible.
pub struct BackendError {
    kind: LeaseFailure,
    source: Box<dyn StdError + Send + Sync>,
}

impl BackendError {
    /// An error of another kind than [`LeaseFailure::Failed`].
    pub fn new(kind: LeaseFailure, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// The kind, which the protocol sees.
    #[must_use]
    pub const fn kind(&self) -> LeaseFailure {
        self.kind
    }

    /// The error that it was made of, which has sources of its own.
    #[must_use]
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.source
    }

    /// The error that it was made of, to look into by `downcast`.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.source
    }

    /// The whole story: the error, and each of its sources that it does not tell itself.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.source.to_string();
        let mut next = self.source.source();
        while let Some(source) = next {
            let more = source.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            next = source.source();
        }
        text
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for BackendError {
    fn from(error: E) -> Self {
        Self { kind: LeaseFailure::Failed, source: Box::new(error) }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendError")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// As software for clouds says it: the reason is in the source.
    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Service(#[source] io::Error);

    #[test]
    fn the_sources_of_an_error_are_kept_and_told() {
        let unauthorized = || Service(io::Error::other("UnauthorizedOperation: no such right"));
        let error = BackendError::from(unauthorized());
        assert_eq!(error.chain(), "service error: UnauthorizedOperation: no such right");
        assert!(error.source().source().is_some());
        assert!(error.into_inner().downcast::<Service>().is_ok());
        // What tells its source itself is not said twice.
        let told = io::Error::other(unauthorized().0);
        assert_eq!(BackendError::from(told).chain(), "UnauthorizedOperation: no such right");
    }
}
