//! The state of a group, out of those of its members.

use vrrp_core::GroupPolicy;

use super::State;

/// The state of a group whose members are told these; `None` while a member has not been told any.
/// Members that were stopped are left out, unless all are; and with [`GroupPolicy::Any`] those in
/// fault are.
pub(super) fn state(policy: GroupPolicy, members: &[Option<State>]) -> Option<State> {
    let is_out = |state: &Option<State>| match state {
        Some(State::Stop) => true,
        Some(State::Fault) => policy == GroupPolicy::Any,
        Some(State::Active | State::Backup) | None => false,
    };
    let taking_part: Vec<_> = members.iter().filter(|state| !is_out(state)).collect();
    let all = |state: State| taking_part.iter().all(|member| **member == Some(state));
    if members.is_empty() {
        None
    } else if taking_part.is_empty() {
        let any_fault = members.contains(&Some(State::Fault));
        Some(if any_fault { State::Fault } else { State::Stop })
    } else if taking_part.contains(&&Some(State::Fault)) {
        Some(State::Fault)
    } else if taking_part.contains(&&None) {
        None
    } else if all(State::Active) {
        Some(State::Active)
    } else {
        Some(State::Backup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: Option<State> = Some(State::Active);
    const BACKUP: Option<State> = Some(State::Backup);
    const FAULT: Option<State> = Some(State::Fault);
    const STOP: Option<State> = Some(State::Stop);

    #[test]
    fn a_member_in_fault_is_the_groups_or_is_left_out() {
        for (members, all, any) in [
            (&[ACTIVE, ACTIVE][..], ACTIVE, ACTIVE),
            (&[ACTIVE, BACKUP], BACKUP, BACKUP),
            (&[BACKUP, BACKUP], BACKUP, BACKUP),
            (&[ACTIVE, FAULT], FAULT, ACTIVE),
            (&[BACKUP, FAULT], FAULT, BACKUP),
            (&[FAULT, FAULT], FAULT, FAULT),
            (&[FAULT, None], FAULT, None),
            (&[BACKUP, None], None, None),
            // A shutdown stops one after the other.
            (&[ACTIVE, STOP], ACTIVE, ACTIVE),
            (&[FAULT, STOP], FAULT, FAULT),
            (&[STOP, STOP], STOP, STOP),
            (&[], None, None),
        ] {
            assert_eq!(state(GroupPolicy::All, members), all, "{members:?}");
            assert_eq!(state(GroupPolicy::Any, members), any, "{members:?}");
        }
    }
}
