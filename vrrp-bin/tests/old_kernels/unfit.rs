//! A kernel that does not keep the metric of an address, either: the program says that it cannot do
//! it.

use std::{path::PathBuf, process::Command};

use libtest_mimic::Trial;
use tempfile::NamedTempFile;
use vrrp_net::lab::wait_until;

use crate::{
    shim::{Environment, Shims},
    stage::{
        SECOND, STRONG, Standing, TENTH, WEAK, active_down, config, entries, wait_for_addresses,
    },
    support::{Outcome, Pair, SOON, adverts, check, now, priority, timed, wait_for},
};

const SENTENCE: &str = "this kernel cannot do it";

pub(crate) fn tests(shims: &Shims) -> Vec<Trial> {
    let (older, older_too, old) = (shims.older(), shims.older(), shims.old());
    vec![
        timed("unfit_node_stays_out", move |_| stays_out(&older)),
        timed("unfit_kernel_is_found_by_check", move |_| is_found(&older_too, &old)),
    ]
}

/// It leaves nothing behind, and the other node stays active.
fn stays_out(older: &Environment) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.environment.clone_from(older);
    pair.b.environment.clear();
    pair.b.start(&config(WEAK, TENTH, ""))?;
    pair.b.wait_for_phase("held")?;
    pair.a.start(&config(STRONG, TENTH, ""))?;
    let says_so = || {
        [0, 1].map(|index| pair.a.router(index)).iter().all(|router| {
            let error = router["backend_error"].as_str().unwrap_or_default();
            router["hold"] == "backend-failed" && error.contains(SENTENCE)
        })
    };
    check(wait_until(SOON, says_so), format!("{:#}\n{}", pair.a.router(0), pair.a.log()))?;
    check(pair.a.log().contains(SENTENCE), format!("its log:\n{}", pair.a.log()))?;
    pair.b.wait_for_phase("held")?;
    wait_for_addresses(&pair.a, false)?;

    // It is asked again and again whether it can by now.
    let (peer, begun) = (Standing::of(&pair.b), now());
    let b = pair.b.mac;
    let later = begun + 3 * SECOND + active_down(STRONG, TENTH);
    wait_for(&pair.capture, "advertisement of b", later, |frame| priority(frame, b) == Some(WEAK))?;
    peer.is_kept_by(&pair.b)?;
    check(says_so(), format!("{:#}", pair.a.router(0)))?;
    let said = adverts(&pair.capture, pair.a.mac, begun).len();
    check(said == 0, format!("a advertised {said} times"))?;
    let left = entries(&pair.a)?;
    check(left.is_empty(), format!("{left:?} is left"))
}

/// `vrrp check` tries it, where it disturbs nobody.
fn is_found(older: &[(&'static str, PathBuf)], old: &[(&'static str, PathBuf)]) -> Outcome {
    let pair = Pair::new()?;
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), config(STRONG, SECOND, ""))?;
    for (shim, more, status) in [
        (older, &[][..], 3),
        (older, &["--strict"][..], 2),
        (old, &[][..], 0),
        (old, &["--strict"][..], 0),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.arg("check").arg("-c").arg(file.path()).args(more).envs(shim.iter().cloned());
        let output = pair.a.host.run(move || command.output())??;
        let said = String::from_utf8_lossy(&output.stderr);
        let is_right =
            output.status.code() == Some(status) && said.contains(SENTENCE) == (status != 0);
        check(
            is_right,
            format!("check {more:?}: {}, {status} was expected:\n{said}", output.status),
        )?;
        check(entries(&pair.a)?.is_empty(), "it left addresses behind")?;
    }
    Ok(())
}
