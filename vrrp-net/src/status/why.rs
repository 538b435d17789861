//! Why a virtual router is where it is, in sentences: what led to a phase, what keeps it out, what
//! has it listen only, and how its priority came about.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{Claim, Condition, Gate, Hold, Phase, Preempt, Reason, Role, Sender, Weight};

use super::{RouterStatus, SpeakerStatus, TransitionStatus};

impl RouterStatus {
    /// What led to its phase, as a sentence without its end.
    ///
    /// That an active node holds the addresses says nothing of why it became active: the transition
    /// before says that.
    #[must_use]
    pub fn why(&self) -> String {
        let why = because(self.reason, self.sender);
        let before = self.transitions.get(1).filter(|_| self.reason == Reason::Acquired);
        match before {
            Some(before) => format!("{}, and {why}", before.sentence()),
            None => why + &self.follows(),
        }
    }

    /// Whom it follows, as the end of a sentence, and why it does not preempt a weaker one.
    fn follows(&self) -> String {
        let Some(source) = self.active_peer.filter(|_| self.phase == Phase::Backup) else {
            return String::new();
        };
        let heard = |speaker: &&SpeakerStatus| speaker.source == source;
        let claim = self.speakers.iter().find(heard).and_then(|speaker| speaker.verdict.ok());
        let weaker = claim.is_some_and(|claim| claim < self.claim);
        let preempts = match self.router.role() {
            Role::Contender { preempt: Preempt::Never, .. } => false,
            Role::Contender { .. } | Role::Owner => true,
        };
        let kept = if weaker && !preempts { ", which is weaker: preempt is false" } else { "" };
        format!("; it follows {}{kept}", node(source, claim))
    }

    /// What a hold means here, and what to do about it, as a sentence without its end.
    #[must_use]
    pub fn hold_sentence(&self, hold: Hold) -> String {
        let interface = &self.interface;
        match hold {
            Hold::Stopped => "it has not been started yet, or it has been stopped".to_owned(),
            Hold::Drained => "it is drained, and stays out until it is resumed".to_owned(),
            Hold::Inspecting => {
                "its backend is asked whether it could hold the addresses; its answer is awaited"
                    .to_owned()
            }
            Hold::InterfaceMissing => {
                format!("there is no interface {interface} (yet); is it another name?")
            }
            Hold::LinkDown => {
                format!("{interface} is down or has no carrier; set it up, look at its cable")
            }
            Hold::NoSocket => format!(
                "no socket could be opened on {interface}{}",
                said(self.socket_error.as_deref())
            ),
            Hold::NoSource => format!(
                "{interface} has no {} address to send from; give it one of its own",
                self.router.family()
            ),
            Hold::OtherInterface => format!(
                "{}, where some of its addresses or routes are, is missing, down or has no \
                 carrier; set it up, or is it another name?",
                self.unready.join(" and ")
            ),
            Hold::Check => "a check fails, and its service must not be reached while it is ill; \
                            its checks say what is ill"
                .to_owned(),
            Hold::Send => match &self.send_error {
                Some(error) => format!("nothing can be sent on {interface}: {error}"),
                None => format!("nothing can be sent on {interface}; its log says why"),
            },
            Hold::Group => format!("{}, and that holds all; see what holds that one", self.cause()),
            // A backend's failure, and what may come.
            hold => format!(
                "the backend cannot hold the addresses ({}){}",
                hold.as_str(),
                said(self.backend_error.as_deref())
            ),
        }
    }

    /// What a gate means here, and what to do about it, as a sentence without its end.
    #[must_use]
    pub fn gate_sentence(&self, gate: Gate) -> String {
        match gate {
            Gate::Asking => "it becomes active once its backend has said that it could hold the \
                             addresses"
                .to_owned(),
            Gate::StartupDelay => {
                "it started a short time ago, and listens first (startup_delay)".to_owned()
            }
            Gate::UpDelay => {
                "its link came up a short time ago, and it listens first (up_delay)".to_owned()
            }
            Gate::Group => format!("{}; it waits for that one", self.cause()),
            Gate::Unproven => "its checks are not known yet, and only a good service may serve: \
                               it does not become active until they pass"
                .to_owned(),
            Gate::Unknown => "its checks are not known yet; until they are, it takes no address \
                              from another node"
                .to_owned(),
            Gate::Ill => "a check fails, so it serves only where no healthy node does; mend what \
                          the check looks at"
                .to_owned(),
            Gate::Probation => match self.probation {
                Some(probation) => format!(
                    "it had a fault of its own, and takes no address from another node for {} more",
                    whole_seconds(probation)
                ),
                None => "it had a fault of its own, and takes no address from another node for \
                         some time"
                    .to_owned(),
            },
            gate => gate.as_str().to_owned(),
        }
    }

    /// How its effective priority came about: `100, as configured`.
    #[must_use]
    pub fn priority_sentence(&self) -> String {
        let parts = match self.health.weight {
            Weight::ZERO => Vec::new(),
            weight => vec![format!("checks {weight:+}")],
        };
        self.priority_of(&parts)
    }

    /// The same with what each check adds, in words.
    ///
    /// ```
    /// # fn show(status: &vrrp_net::RouterStatus) {
    /// // 50: configured 100, uplink -50
    /// println!("{}", status.priority_of(&["uplink -50".to_owned()]));
    /// # }
    /// ```
    #[must_use]
    pub fn priority_of(&self, parts: &[String]) -> String {
        let claim = u8::from(self.claim);
        if self.configured == Claim::Own && self.claim == Claim::Own {
            return format!("{claim}: it owns the addresses");
        }
        let configured = u8::from(self.configured);
        let is_ill = matches!(self.health.condition, Condition::Ill | Condition::Out);
        if is_ill && configured != claim {
            return format!("{claim}: its service is ill (configured {configured})");
        }
        if parts.is_empty() {
            return format!("{claim}, as configured");
        }
        let sum = i16::from(configured).saturating_add(self.health.weight.get());
        let cut = if sum == i16::from(claim) { "" } else { ", within 1 to 254" };
        format!("{claim}: configured {configured}, {}{cut}", parts.join(", "))
    }

    /// The member of the group because of which it waits.
    fn cause(&self) -> String {
        let group = self.group.as_ref();
        let name = group.map_or("-", |group| &*group.name);
        let held = self.holds.contains(Hold::Group);
        let what = if held { "is held" } else { "is not ready, or is active elsewhere" };
        match group.and_then(|group| group.cause.as_deref()) {
            Some(cause) => format!("{cause} of its group {name} {what}"),
            None => format!("its group {name} {what}"),
        }
    }
}

impl TransitionStatus {
    /// What led to it, as a sentence without its end.
    #[must_use]
    pub fn sentence(&self) -> String {
        because(self.reason, self.sender)
    }
}

/// The sentences of all holds, in their order.
#[cfg(feature = "serde")]
pub(crate) fn holds(status: &RouterStatus) -> Vec<String> {
    status.holds.iter().map(|hold| status.hold_sentence(hold)).collect()
}

/// The sentences of all gates, in their order.
#[cfg(feature = "serde")]
pub(crate) fn gates(status: &RouterStatus) -> Vec<String> {
    status.gates.iter().map(|gate| status.gate_sentence(gate)).collect()
}

/// What led to a phase, with whose advertisement it was.
fn because(reason: Reason, sender: Option<Sender>) -> String {
    match (reason, sender) {
        (Reason::StrongerClaim, Some(Sender { source, claim })) => {
            format!("{source} is stronger ({})", priority(claim))
        }
        (Reason::Resignation, Some(Sender { source, .. })) => format!("{source} resigned"),
        (Reason::Preemption, Some(Sender { source, claim })) => {
            format!("it is stronger than {source} ({})", priority(claim))
        }
        (Reason::Successor, Some(Sender { source, claim })) => {
            format!("{source} took over ({})", priority(claim))
        }
        (reason, Some(Sender { source, claim })) => {
            format!("{}, in favour of {source} ({})", plain(reason), priority(claim))
        }
        (reason, None) => plain(reason),
    }
}

fn plain(reason: Reason) -> String {
    let text = match reason {
        Reason::Startup => "it started",
        Reason::Silence => "no active node was heard",
        Reason::Resignation => "the active node resigned",
        Reason::Preemption => "it is stronger than the active node",
        Reason::Owner => "it owns the addresses",
        Reason::Acquired => "the backend holds the addresses",
        Reason::Adopted => "an earlier process of this node held the addresses",
        Reason::StrongerClaim => "another node is stronger",
        Reason::Backend(failure) => return format!("the backend failed ({failure})"),
        Reason::Stalled => "it had sent nothing for three intervals: it was busy, or stopped",
        Reason::SendFailed => "its advertisements could not be sent",
        Reason::Unreached => "another active node cannot be reached",
        Reason::Fight => "something on this host deletes the addresses again and again",
        Reason::Interface => "its interface went away, went down or lost its address",
        Reason::InterfaceBack => "its interface is back",
        Reason::Retry => "the pause after a fault is over",
        Reason::Shutdown => "this node shuts down",
        Reason::Drain => "an operator drained it",
        Reason::Resume => "an operator resumed it",
        Reason::CheckFailed => "a check failed",
        Reason::CheckPassed => "no check fails any more",
        Reason::Group => "its group moved, or is complete again",
        Reason::Successor => "another node took over",
        Reason::NoSuccessor => "nobody took over in time",
        Reason::Reconfigured => "its configuration was replaced or removed",
        other => other.as_str(),
    };
    text.to_owned()
}

/// Why it is out, without its name: `None` while it takes part, and where nothing is wrong.
pub(super) fn obstacle(status: &RouterStatus) -> Option<String> {
    match status.phase {
        Phase::Initialize(Hold::Stopped | Hold::Drained | Hold::Inspecting) => None,
        Phase::Initialize(hold) => Some(status.hold_sentence(hold)),
        _ => None,
    }
}

/// A claim in words.
pub(super) fn priority(claim: Claim) -> String {
    match claim {
        Claim::Resign => "a resignation".to_owned(),
        Claim::Contend(priority) => format!("priority {priority}"),
        Claim::Own => "the owner".to_owned(),
    }
}

/// An address of a node, and what it claims where that can be read.
pub(super) fn node(source: IpAddr, claim: Option<Claim>) -> String {
    match claim {
        Some(claim) => format!("{source} ({})", priority(claim)),
        None => source.to_string(),
    }
}

fn said(error: Option<&str>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

fn whole_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)))
}
