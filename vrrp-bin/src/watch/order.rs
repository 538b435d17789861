//! [`Order`]: what a key has the daemon do.

/// What can be asked of a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// To hand over and stay out.
    Drain,
    /// To take part again.
    Resume,
    /// To tell the neighbours where its addresses are.
    Announce,
}

impl Verb {
    /// The word of the control socket.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::Announce => "announce",
        }
    }

    /// What it means.
    const fn means(self) -> &'static str {
        match self {
            Self::Drain => "it hands over, and stays out until it is resumed",
            Self::Resume => "it takes part in the election again",
            Self::Announce => "the neighbours are told again where its addresses are",
        }
    }
}

/// What is asked, and of which virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) verb: Verb,
    pub(super) name: String,
}

impl Order {
    /// Asks whether that is meant.
    pub(super) fn question(&self) -> String {
        let Self { verb, name } = self;
        format!(
            "{} {name}: {}. Press y to do it, any other key to leave it.",
            verb.word(),
            verb.means()
        )
    }

    /// Says that it is under way.
    pub(super) fn progress(&self) -> String {
        format!(
            "{} {}: the daemon has been asked, and has not answered yet",
            self.verb.word(),
            self.name
        )
    }
}

/// What came of an order: the daemon's own sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) done: bool,
    pub(super) sentence: String,
}
