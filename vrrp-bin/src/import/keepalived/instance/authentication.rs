//! `authentication`: the password of VRRPv2.

use vrrp_core::Password;

use super::super::{blocks::Statement, report::Report, values::first, words::Word};
use crate::config::{Found, Located, nearest};

/// How long a password of VRRPv2 is (RFC 2338 5.3.10).
const LENGTH: usize = 8;

/// What a block says of the password.
pub(super) fn read(block: &Statement, report: &mut Report) -> Found<Located<Password>> {
    let (mut kind, mut password) = (None, None);
    for statement in block.inner() {
        match statement.keyword() {
            "auth_type" => kind = first(statement, report).ok(),
            "auth_pass" => {
                password = first(statement, report).ok();
                // What follows may be a part of it, and is not repeated.
                if let Some(word) = statement.arguments().get(1) {
                    let message = "what stands here is left out: a password is one word; put it \
                        between double quotes";
                    report.warn(&word.place, message);
                }
            }
            other => {
                let advice = nearest(other, &["auth_type", "auth_pass"])
                    .map_or(String::new(), |known| format!("; did you mean `{known}`?"));
                let message = format!("there is no keyword `{other}` here, it is left out{advice}");
                report.warn(&statement.place(), message);
            }
        }
    }
    match kind {
        Some(kind) if kind.text == "AH" => refuse(kind, report),
        Some(kind) if kind.text != "PASS" => {
            let message = format!("{:?} is no kind of password, PASS is meant", kind.text);
            report.warn(&kind.place, message);
            settle(block, password, report)
        }
        Some(_) => settle(block, password, report),
        None => {
            let message =
                "without `auth_type PASS` there is no password; add it, or remove the block";
            report.warn(&block.place(), message);
            Found::Absent
        }
    }
}

fn refuse(kind: &Word, report: &mut Report) -> Found<Located<Password>> {
    let message = "signed advertisements (AH) are not supported, and without them two nodes would \
        hold the addresses; write `auth_type PASS` on all nodes, or use VRRPv3";
    report.refuse(&kind.place, message);
    Found::Wrong
}

/// A password is cut to what fits into an advertisement.
fn settle(
    block: &Statement,
    password: Option<&Word>,
    report: &mut Report,
) -> Found<Located<Password>> {
    let Some(word) = password.filter(|word| !word.text.is_empty()) else {
        report.warn(&block.place(), "there is no password in `auth_pass`; none is used");
        return Found::Absent;
    };
    if word.text.contains(char::REPLACEMENT_CHARACTER) {
        let message = "this password is not UTF-8 text and is another one here: other nodes refuse \
            it; choose one of ASCII on all nodes";
        report.warn(&word.place, message);
    }
    let octets = word.text.as_bytes();
    if octets.len() > LENGTH {
        let message = "only the first 8 octets of the password are used, as keepalived does";
        report.info(&word.place, message);
    }
    match Password::try_from(octets.get(..LENGTH).unwrap_or(octets)) {
        Ok(password) => Found::Value(Located::new(word.place.clone(), password)),
        Err(error) => {
            report.warn(&word.place, format!("this password is left out: {error}"));
            Found::Absent
        }
    }
}
