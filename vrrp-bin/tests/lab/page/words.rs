//! The words of the page: its pure functions, as the browser runs them.

use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::{Outcome, check};

/// A virtual router that is fine, as far as these functions look.
const ROUTER: &str = "const router = (more) => ({ name: 'web', state: 'active', phase: 'held', hold: null, \
    fault: false, condition: 'good', interface: 'eth0', group: null, active_peer: null, notices: [], \
    rival: null, addresses: ['10.0.0.100/24'], addresses_held: ['10.0.0.100/24'], transitions: [], ...more });\
    const at = '2026-01-01T12:00:00.000Z'; const now = Date.parse(at);\
    const step = (ago, from, to) => ({ at: new Date(now - 1000 * ago).toISOString(), from, to, hold: null, sentence: 'so' });";

/// What each has to give.
fn rows() -> Vec<(&'static str, Value)> {
    vec![
        (
            "[0, 0.0000004, 0.00012, 0.0012, 0.012, 0.12, 1.26, 12.6, 125, 7300, 180000].map(w.duration)",
            json!([
                "0 s", "0 µs", "120 µs", "1.2 ms", "12 ms", "120 ms", "1.3 s", "12 s", "2 min",
                "2 h", "2 d",
            ]),
        ),
        ("[-3, 0.4, 59.9, 119, 120].map(w.age)", json!(["0 s", "0 s", "59 s", "119 s", "2 min"])),
        (
            "w.clock('2026-01-01T12:03:04.500', Date.parse('2026-01-01T13:00:00'))",
            json!("12:03:04"),
        ),
        (
            "w.clock('2025-12-31T23:59:59', Date.parse('2026-01-01T13:00:00'))",
            json!("2025-12-31 23:59:59"),
        ),
        (
            "[router({}), router({ phase: 'acquiring' }), router({ condition: 'ill' }), router({ state: 'backup', phase: 'backup' }), \
          router({ state: 'initialize', phase: 'initialize', hold: 'link-down' })].map(w.stateWord)",
            json!(["active", "active (acquiring)", "active, ill", "backup", "link-down"]),
        ),
        // Another holder is a split brain for the active node alone.
        (
            "[router({}), router({ rival: { sentence: 's' } }), router({ rival: { sentence: 's' }, state: 'backup' }), \
          router({ notices: [{ notice: 'stronger-refused', reason: 'wrong-version', line: 'l' }] }), \
          router({ notices: [{ notice: 'weaker-active', reason: null, line: 'l' }] }), \
          router({ notices: [{ notice: 'refused', reason: 'wrong-ttl', line: 'l' }] }), \
          router({ notices: [{ notice: 'refused', reason: 'no-common-address', line: 'l' }] }), \
          router({ notices: [{ notice: 'same-priority', reason: null, line: 'l' }] })].map((r) => w.verdict(r).level)",
            json!([null, "certain", null, "certain", "certain", "possible", null, null]),
        ),
        (
            "[router({ rival: { sentence: 's' } }), router({ fault: true, state: 'initialize' }), router({ state: 'initialize' }), router({ state: 'backup' })].map(w.kind)",
            json!(["split", "wrong", "away", "backup"]),
        ),
        (
            "[w.place(router({})), w.place(router({ addresses_held: [], active_peer: '10.0.0.1' })), w.place(router({ addresses_held: ['a', 'b', 'c'] }))]",
            json!(["10.0.0.100/24", "10.0.0.100/24 at 10.0.0.1", "a b (+1)"]),
        ),
        (
            "['', 'WEB', 'active eth0', '0.100', 'backup', 'web backup'].map((filter) => w.matches(router({}), filter))",
            json!([true, true, true, true, false, false]),
        ),
        // A bar of a hundred seconds: backup until forty seconds ago.
        (
            "w.pieces(router({ transitions: [step(40, 'backup', 'held'), step(300, 'initialize', 'backup')] }), now, 100)",
            json!([{"from": 0.6, "to": 1, "state": "active"}, {"from": 0, "to": 0.6, "state": "backup"}]),
        ),
        // Nothing is known of the time before the first one.
        (
            "w.pieces(router({ transitions: [step(25, 'initialize', 'backup')] }), now, 100)",
            json!([{"from": 0.75, "to": 1, "state": "backup"}]),
        ),
    ]
}

/// Runs each in the page that `browser` shows.
pub(super) fn are_right(browser: &mut Browser) -> Outcome {
    for (expression, expected) in rows() {
        let script =
            format!("import('./words.js').then((w) => {{ {ROUTER} return {expression}; }})");
        let found = browser.value(&script)?;
        check(found == expected, format!("{expression}\n    is {found},\n   not {expected}"))?;
    }
    Ok(())
}
