//! What a reader found of a value that may be left out.

/// Something is wrong, and was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong;

/// What a reader found of a value that may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// It is there and cannot be used, which was reported.
    Wrong,
    /// It is not there.
    #[default]
    Absent,
    /// It is there.
    Value(T),
}

impl<T> Found<T> {
    /// What a reading that can fail and can find nothing has found.
    pub(crate) fn of(result: Result<Option<T>, Wrong>) -> Self {
        match result {
            Err(Wrong) => Self::Wrong,
            Ok(None) => Self::Absent,
            Ok(Some(value)) => Self::Value(value),
        }
    }

    /// The value, if there is one that can be used.
    pub(crate) const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Wrong | Self::Absent => None,
        }
    }

    /// The value, or nothing if it is absent.
    pub(crate) fn optional(self) -> Result<Option<T>, Wrong> {
        match self {
            Self::Wrong => Err(Wrong),
            Self::Absent => Ok(None),
            Self::Value(value) => Ok(Some(value)),
        }
    }

    /// The value, or `default` if it is absent.
    pub(crate) fn unwrap_or(self, default: T) -> Result<T, Wrong> {
        Ok(self.optional()?.unwrap_or(default))
    }

    /// The same, but `default` where it is absent.
    pub(crate) fn or(self, default: T) -> Self {
        match self {
            Self::Absent => Self::Value(default),
            other => other,
        }
    }

    /// What `change` makes of the value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        self.and_then(|value| Ok(change(value)))
    }

    /// What `change` makes of the value, which it may find wrong.
    pub(crate) fn and_then<U>(self, change: impl FnOnce(T) -> Result<U, Wrong>) -> Found<U> {
        match self {
            Self::Wrong => Found::Wrong,
            Self::Absent => Found::Absent,
            Self::Value(value) => change(value).into(),
        }
    }
}

impl<T> From<Result<T, Wrong>> for Found<T> {
    fn from(result: Result<T, Wrong>) -> Self {
        result.map_or(Self::Wrong, Self::Value)
    }
}
