//! Every (state x input) cell against `cells.tsv`, a line for each.

use super::*;

const TABLE: &str = include_str!("cells.tsv");

/// The states, each as a machine and the time at which the input arrives.
fn states() -> [(&'static str, Machine, Instant); 44] {
    let normal = contender(100, Preempt::Always);
    let after = t0() + Duration::from_millis(100);
    let started = |link| {
        let mut machine = machine();
        drive(&mut machine, t0(), &[Input::Start, Input::Link(link)]);
        (machine, after)
    };
    let from = |(mut machine, at): (Machine, Instant), inputs: &[Input]| {
        drive(&mut machine, at, inputs);
        (machine, at + Duration::from_millis(100))
    };
    // Before the resignation is repeated, 62.5 ms after the first.
    let early = |(machine, at): (Machine, Instant)| (machine, at - Duration::from_millis(50));
    let failed = [Input::Answer(Answer::Failed(LeaseFailure::Failed))];
    let mut stopped = machine();
    drive(&mut stopped, t0(), &[ready()]);
    let fault = from(acquiring(normal), &failed);
    let mut inspecting = fault;
    let asked = inspecting.0.deadline().unwrap();
    drive(&mut inspecting.0, asked, &[Input::Timeout]);
    let mut unsent = held(normal);
    for _ in 0..2 {
        unsent.1 = unsent.1 + SECOND;
        drive(&mut unsent.0, unsent.1, &[Input::Timeout, Input::SendFailed]);
    }
    let unsent = from(unsent, &[advert(1, "192.0.2.9"), Input::SendFailed]);
    let mut vetting = backup(normal);
    drive(&mut vetting, t0(), &[Input::Answer(Answer::NothingLeft)]);
    let mut unvetted = vetting;
    drive(&mut unvetted, t0() + 1500 * MS, &[advert(0, "192.0.2.1"), Input::Timeout]);
    let drained = from((settled(normal), t0()), &[Input::Drain { force: false }]);
    let named = |name, (machine, at)| (name, machine, at);
    [
        named("stopped", (stopped, after)),
        named("missing", started(Link::Missing)),
        named("link-down", started(Link::Down)),
        named("no-socket", started(Link::NoSocket)),
        named("no-source", started(Link::NoSource)),
        named("fault", fault),
        named("inspecting", (inspecting.0, asked + Duration::from_millis(100))),
        named("send", unsent),
        named("drained", drained),
        named("started", (backup(normal), after)),
        named("vetting", (vetting, after)),
        named("overdue", (unvetted, t0() + 2200 * MS)),
        named("owner", (owner(), after)),
        named("backup", (settled(normal), after)),
        named("acquiring", from(acquiring(normal), &[])),
        named("held", from(held(normal), &[])),
        named("repairing", from(held(normal), &[Input::LeaseLost(Loss::Lapsed)])),
        named("adopted", from(adopted(normal), &[])),
        named("no-link", from(held(normal), &[Input::Link(Link::Down)])),
        named("sourceless", from(held(normal), &[Input::Link(Link::NoSource)])),
        named("withdrawing", early(from(withdrawing(normal), &[]))),
        named("giving-way", early(from(fought_over(normal), &[]))),
        named("alone", early(from(fought_over_alone(normal), &[Input::LeaseLost(Loss::Deleted)]))),
        named("last-words", from(held(normal), &[advert(101, "192.0.2.1")])),
        named("stopping", early(from(held(normal), &[Input::Shutdown]))),
        named("draining", early(from(held(normal), &[Input::Drain { force: false }]))),
        named("ill", from((settled(normal), t0()), &[health(Condition::Ill)])),
        named("unproven", from((settled(normal), t0()), &[health(Condition::Unproven)])),
        named("delayed", (delayed(normal), after)),
        named("out", from((settled(normal), t0()), &[health(Condition::Out)])),
        named("ill-leaving", early(from(held(normal), &[health(Condition::Ill)]))),
        named("ill-alone", early(from(ill_alone(normal), &[]))),
        named("group-waits", from((settled(normal), t0()), &[Input::Group(Group::Wait)])),
        named("following", early(from(held(normal), &[Input::Group(Group::Leave)]))),
        named("joining", early(from(held(normal), &[Input::Group(Group::Held)]))),
        named("out-leaving", early(from(held(normal), &[health(Condition::Out)]))),
        named("others-gone", from((settled(normal), t0()), &[others(false)])),
        named("apart", from(held(normal), &[others(false)])),
        named("apart-leaving", early(from(apart_leaving(normal), &[]))),
        named("looking", from(looking(Look::Warn), &[])),
        named("suspicious", from(looking(Look::Warn), &[sighting(MAC, true)])),
        named("waiting", early(from(waiting(), &[]))),
        named("suspected", from(suspected(), &[])),
        named("claimed", from(held(normal), &[sighting(MAC, false)])),
    ]
}

fn inputs(machine: &Machine, at: Instant) -> [(&'static str, Input); 45] {
    let mut changed = *machine.params();
    changed.role = contender(120, Preempt::Always);
    [
        ("start", Input::Start),
        ("shutdown", Input::Shutdown),
        ("link-missing", Input::Link(Link::Missing)),
        ("link-down", Input::Link(Link::Down)),
        ("link-no-socket", Input::Link(Link::NoSocket)),
        ("link-no-source", Input::Link(Link::NoSource)),
        ("link-ready", ready()),
        ("others-ready", others(true)),
        ("others-gone", others(false)),
        ("hears-0", advert(0, "192.0.2.1")),
        ("hears-99", advert(99, "192.0.2.3")),
        ("hears-100-from-.1", advert(100, "192.0.2.1")),
        ("hears-100-from-.3", advert(100, "192.0.2.3")),
        ("hears-101", advert(101, "192.0.2.1")),
        ("done-on-link", done(machine, Reach::OnLink)),
        ("done-routed", done(machine, Reach::Routed)),
        ("done-failed", Input::Answer(Answer::Failed(LeaseFailure::Failed))),
        ("lease-deleted", Input::LeaseLost(Loss::Deleted)),
        ("lease-lapsed", Input::LeaseLost(Loss::Lapsed)),
        (
            "adopt-fresh",
            Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at: at - 2999 * MS }),
        ),
        (
            "adopt-stale",
            Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at: at - 3000 * MS }),
        ),
        ("answer-unasked", Input::Answer(unasked(machine))),
        ("send-failed", Input::SendFailed),
        ("unreached", Input::Unreached),
        ("moved", Input::Moved),
        ("announce", Input::Announce),
        ("drain", Input::Drain { force: false }),
        ("drain-force", Input::Drain { force: true }),
        ("resume", Input::Resume),
        ("health-good", health(Condition::Good)),
        ("health-weight", Input::Health(lowered(50))),
        ("health-unproven", health(Condition::Unproven)),
        ("health-ill", health(Condition::Ill)),
        ("health-out", health(Condition::Out)),
        ("group-free", Input::Group(Group::Free)),
        ("group-wait", Input::Group(Group::Wait)),
        ("group-leave", Input::Group(Group::Leave)),
        ("group-complete", Input::Group(Group::Complete)),
        ("group-held", Input::Group(Group::Held)),
        ("reconfigure", Input::Reconfigure(changed)),
        ("readdress", Input::Readdress),
        ("sighted", sighting(MAC, false)),
        ("sighted-another", sighting(MacAddr([2, 0, 0, 0, 0, 8]), false)),
        ("sighted-answering", sighting(MAC, true)),
        ("timeout", Input::Timeout),
    ]
}

/// The answer of a backend that could do what it was asked.
fn done(machine: &Machine, reach: Reach) -> Input {
    Input::Answer(match machine.state() {
        State::Initialize => Answer::Ready,
        State::Backup(Backup { vetting: Vetting::Adopt { .. }, .. }) => Answer::NothingLeft,
        State::Backup(_) => Answer::Ready,
        State::Active(_) => Answer::Held(reach),
    })
}

/// The answer to a question that was not asked.
fn unasked(machine: &Machine) -> Answer {
    match machine.state() {
        State::Initialize => Answer::NothingLeft,
        State::Backup(Backup { vetting: Vetting::Inspect { .. }, .. }) => Answer::NothingLeft,
        State::Backup(_) => Answer::Held(Reach::OnLink),
        State::Active(_) => Answer::Ready,
    }
}

/// What a cell does, as a line: state, input, phase afterwards, transition, what is said, what the
/// backend is asked, what else; and the next deadline in milliseconds after the input.
fn line(state: &str, name: &str, mut machine: Machine, mut at: Instant, input: Input) -> String {
    if input == Input::Timeout {
        at = machine.deadline().map_or(at, |deadline| deadline.max(at));
    }
    let before = machine.phase();
    let effects = machine.handle(at, input);
    let phase = match machine.phase() {
        Phase::Initialize(hold) => hold.as_str(),
        phase => phase.as_str(),
    };
    let transition = match effects.transition {
        Some(reason) if machine.phase() != before => reason.as_str(),
        Some(_) | None => "-",
    };
    let say = match effects.transmit {
        None => "-",
        Some(Say::Claim) => "claim",
        Some(Say::Resign) => "resign",
    };
    let lease = match effects.lease {
        None => "-".to_string(),
        Some(Want::Release { reason, successor: None }) => {
            std::format!("release({})", reason.as_str())
        }
        Some(Want::Release { reason, successor: Some(to) }) => {
            std::format!("release({} to {to})", reason.as_str())
        }
        Some(want) => std::format!("{want:?}").to_lowercase(),
    };
    let flags = [
        ("announce", effects.announce),
        ("greet", effects.greet),
        ("probe", effects.probe),
        ("answer", effects.answered),
        ("withheld", effects.withheld),
        ("repaired", effects.repaired),
        ("drain-refused", effects.drain_refused),
        ("unrelieved", effects.unrelieved),
        ("reasserted", effects.reasserted),
    ];
    let flags: Vec<&str> =
        flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
    let flags = if flags.is_empty() { "-".to_string() } else { flags.join("+") };
    let deadline = match machine.deadline() {
        None => "-".to_string(),
        Some(deadline) => {
            // A Backup that waited for somebody who is heard now is due at once.
            let is_ahead = deadline > at || (state == "waiting" && input != Input::Timeout);
            assert!(is_ahead, "{state} x {name}: the next deadline is not in the future");
            std::format!("{}", (deadline - at).as_micros() as f64 / 1000.0)
        }
    };
    [state, name, phase, transition, say, &lease, &flags, &deadline].join("\t")
}

#[test]
fn every_cell_does_what_the_table_says() {
    let mut expected = TABLE.lines().filter(|line| !line.starts_with('#'));
    let mut wrong = 0;
    for (state, machine, at) in states() {
        for (name, input) in inputs(&machine, at) {
            let found = line(state, name, machine, at, input);
            let expected = expected.next().unwrap_or("(no line)");
            if found != expected {
                wrong += 1;
                std::eprintln!("table: {expected}\nfound: {found}");
            }
        }
    }
    assert_eq!(expected.next(), None, "the table has more lines than there are cells");
    assert_eq!(wrong, 0, "{wrong} cells differ from the table");
}
