//! What may be the name of something, and which name a misspelt one was meant to be.

use vrrp_core::Family;

use super::{
    found::{Found, Wrong},
    place::{Located, Place},
    problem::Problems,
    sentence::Notation,
};

/// The interface that is chosen when the configuration is loaded.
pub(crate) const AUTO: &str = "auto";

/// Whether the kernel could have an interface of this name.
pub(crate) fn is_interface_name(name: &str) -> bool {
    let wrong = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    !name.is_empty() && name.len() <= 15 && !name.contains(wrong) && ![".", ".."].contains(&name)
}

/// Why no interface is called `name`, as the end of a sentence that quotes it.
pub(crate) fn interface_fault(name: &str, notation: Notation) -> Option<String> {
    // `ip link` shows what an interface is on, or the other end of it, after an @.
    if let Some((own, _)) = name.split_once('@')
        && is_interface_name(own)
    {
        return Some(format!(
            "which is how `ip link` shows the interface {own}; write {}",
            notation.text(own)
        ));
    }
    let wrong = "which cannot be the name of an interface; write it as `ip link` shows it";
    (!is_interface_name(name)).then(|| wrong.to_owned())
}

/// Whether `name` may be that of a network namespace, which is the name of a file.
pub(crate) fn is_namespace_name(name: &str) -> bool {
    let wrong = |c: char| c == '/' || c.is_control();
    !name.is_empty() && name.len() <= 255 && !name.contains(wrong) && ![".", ".."].contains(&name)
}

/// Whether `name` fits into a line of a log and into the path of a URL.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

/// Whether `name` may be that of a virtual router with addresses of `family` alone. One of IPv6 may
/// end in /v6, as it does when the two families of one are written apart.
pub(crate) fn is_router_name(name: &str, family: Family) -> bool {
    let stem = name.strip_suffix("/v6").filter(|_| family == Family::Ipv6);
    is_name(stem.unwrap_or(name))
}

/// Holds the name of a user of this host to what such names can be.
///
/// # Errors
/// What is wrong with it, as a sentence about the key `user`.
pub(super) fn user_name(name: &str) -> Result<(), String> {
    let odd = |c: char| c == ':' || c == '/' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.contains(odd) {
        return Err(format!(
            "`user` is {name:?}, which is no name of a user; write for example \"nobody\""
        ));
    }
    Ok(())
}

/// The name of a check or of a group, which has to have one; `example` is one.
pub(super) fn settle_name(
    name: &Found<Located<String>>,
    place: &Place,
    what: &str,
    example: &str,
    problems: &mut Problems,
) -> Result<Located<String>, Wrong> {
    let Some(name) = name.clone().optional()? else {
        let missing = format!("this {what} has no `name`; add for example name = \"{example}\"");
        return problems.wrong(place, missing);
    };
    if !is_name(&name.value) {
        let message = format!(
            "`name` is {:?}; write 1 to 64 letters, digits and any of . _ - : @, such as \
             \"{example}\"",
            name.value
        );
        return problems.wrong(&name.place, message);
    }
    Ok(name)
}

/// The one of `names` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = word.chars().count().div_ceil(3);
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The names that there are, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Known {
    names: Vec<String>,
    /// There is something whose name is not known.
    unnamed: bool,
}

impl Known {
    /// Adds the name of something; `None` if it has one and it is not known.
    pub(crate) fn add(&mut self, name: Option<String>) {
        self.unnamed |= name.is_none();
        self.names.extend(name);
    }

    /// What to do about `name`, if certainly nothing has it; `add` if nothing is there at all.
    pub(crate) fn missing(&self, name: &str, add: &str) -> Option<String> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        if self.unnamed || names.contains(&name) {
            return None;
        }
        Some(match nearest(name, &names) {
            Some(near) => format!("did you mean {near:?}?"),
            None if names.is_empty() => add.to_owned(),
            None => format!("there are {}", names.join(", ")),
        })
    }
}
