//! Programs that are told what happens, as a file says them.

use std::{borrow::Cow, collections::BTreeMap, iter};

use serde::Serialize;

use crate::config::{
    duration,
    script::{self, NOTIFY, Scripts},
};

/// Those that are told states, by their keys.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Notify<'a>(BTreeMap<&'static str, Script<'a>>);

/// A program.
#[derive(Serialize)]
pub(super) struct Script<'a> {
    command: Vec<Cow<'a, str>>,
    timeout: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

impl<'a> From<&'a Scripts> for Notify<'a> {
    fn from(scripts: &'a Scripts) -> Self {
        let script = |(key, told): &(&'static str, script::Told)| {
            scripts.get(*told).map(|script| (*key, script.into()))
        };
        Self(NOTIFY.iter().filter_map(script).collect())
    }
}

impl<'a> From<&'a script::Script> for Script<'a> {
    fn from(script: &'a script::Script) -> Self {
        let program = &script.program;
        let words = iter::once(program.program.to_string_lossy());
        Self {
            command: words.chain(program.arguments.iter().map(Into::into)).collect(),
            timeout: duration::format(script.timeout),
            user: program.user.as_deref(),
        }
    }
}
