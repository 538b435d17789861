//! `vrrp scan`: who speaks on the networks of a host, and what is in conflict there.

mod screen;

use std::{net::Ipv4Addr, process::Command, thread, time::Duration};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_core::{Centiseconds, Interval, Seconds};
use vrrp_net::lab::{Host, Injector};

use crate::{
    checking::{
        heard::{Said, said, sending},
        site::{Site, run},
    },
    interfaces::ip,
    schema,
    support::{Outcome, Pair, check, timed},
};

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let mut tests = vec![
        timed("scan_names_every_speaker_and_conflict", |_| conflicts()),
        timed("scan_measures_what_speakers_say", |_| measures()),
        timed("scan_finds_the_interfaces_and_nothing_wrong_in_a_pair", |_| pair()),
        timed("scan_says_which_right_it_needs", |_| rights()),
        timed("scan_keeps_256_speakers_in_a_flood", |_| flood()),
    ];
    if everything {
        tests.push(timed("scan_screens_of_a_network_with_conflicts", |_| screen::screens()));
    }
    tests
}

/// What a scan of `host` finds, and its exit status.
fn scan(host: &Host, arguments: &[&str]) -> Result<(Option<i32>, Value), Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["scan", "--json"]).args(arguments);
    let output = run(host, command)?;
    let json =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {output:?}"))?;
    let schema = serde_json::from_str(include_str!("../../schema/scan.json"))?;
    schema::check(&schema, &json).map_err(|error| format!("{error}: {json:#}"))?;
    Ok((output.status.code(), json))
}

/// An advertisement that is sent as often as it says.
fn often(from: u8) -> Result<Said, Failed> {
    Ok(Said { interval: Interval::V3(Centiseconds::try_from(10)?), ..said(from) })
}

fn conflicts() -> Outcome {
    let site = Site::new()?;
    let second = Interval::V2(Seconds::ONE);
    let spoilt: fn(&mut Vec<u8>) = |message| message[7] ^= 1;
    let speakers = [
        // One that goes with nobody else.
        Said { vrid: 50, ..often(2)? },
        // Each beside the first one of its VRID.
        Said { vrid: 51, ..often(2)? },
        Said { vrid: 51, addresses: &[200], ..often(3)? },
        Said { vrid: 52, ..often(2)? },
        Said { vrid: 52, interval: second, ..often(3)? },
        Said { vrid: 53, ..often(2)? },
        Said { vrid: 53, addresses: &[100, 102], priority: 60, ..often(3)? },
        Said { vrid: 54, ..often(2)? },
        Said {
            vrid: 54,
            interval: Interval::V3(Centiseconds::try_from(12)?),
            priority: 60,
            ..often(3)?
        },
        Said { vrid: 55, ..often(2)? },
        Said { vrid: 55, to: Ipv4Addr::new(10, 0, 0, 1), ..often(3)? },
        Said { vrid: 56, spoil: spoilt, ..often(2)? },
    ];
    let frames: Vec<Vec<u8>> = speakers.iter().map(Said::frame).collect::<Result<_, _>>()?;
    let (status, found) =
        sending(&site.b, &frames, || scan(&site.a, &["-i", "eth0", "--for", "1500ms"]))?;
    check(status == Some(3), format!("{status:?}"))?;
    let conflicts = found["conflicts"].as_array().map_or(&[][..], Vec::as_slice);
    let expected = [
        (51, "vrid-shared", "10.0.0.3 uses the VRID for 10.0.0.200 and 10.0.0.2 for 10.0.0.100"),
        (52, "two-active", "10.0.0.2 and 10.0.0.3 are both active: each advertised while"),
        (52, "version-differs", "10.0.0.3 speaks VRRPv2 and 10.0.0.2 VRRPv3, so that neither"),
        (53, "two-active", "10.0.0.2 and 10.0.0.3"),
        (53, "addresses-differ", "10.0.0.3 has 10.0.0.102 in place of 10.0.0.101 of 10.0.0.2"),
        (54, "two-active", "10.0.0.2 and 10.0.0.3"),
        (54, "interval-differs", "10.0.0.3 advertises every 120ms and 10.0.0.2 every 100ms"),
        (55, "two-active", "10.0.0.2 and 10.0.0.3"),
        (55, "same-priority", "10.0.0.3 has the priority 50 of 10.0.0.2, so that"),
        (55, "transport-differs", "10.0.0.3 sends to single nodes and 10.0.0.2 to all by"),
        (56, "unreadable", "no node accepts what 10.0.0.2 sends, because its checksum is wrong"),
    ];
    // VRRPv2 knows whole seconds alone, and this one does not keep to them.
    let conflicts: Vec<&Value> =
        conflicts.iter().filter(|it| it["code"] != "interval-not-kept").collect();
    let is_it = |(found, (vrid, code, words)): (&&Value, &(u8, &str, &str))| {
        let sentence = found["sentence"].as_str().unwrap_or_default();
        found["vrid"] == *vrid && found["code"] == *code && sentence.starts_with(words)
    };
    let are_all = conflicts.len() == expected.len() && conflicts.iter().zip(&expected).all(is_it);
    check(are_all, format!("{expected:#?} were expected:\n{conflicts:#?}"))
}

/// One that keeps its interval, and one that says another than it has.
fn measures() -> Outcome {
    let site = Site::new()?;
    let frames = [often(2)?.frame()?, Said { vrid: 60, ..said(3) }.frame()?];
    let (_, found) =
        sending(&site.b, &frames, || scan(&site.a, &["-i", "eth0", "--for", "900ms"]))?;
    let [good, bad] = found["speakers"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err(format!("two: {found:#}").into());
    };
    let near = |value: &Value| value.as_f64().is_some_and(|it| (90.0..200.0).contains(&it));
    check(
        good["interval_ms"] == 100 && near(&good["measured_ms"]) && good["jitter_ms"].is_number(),
        format!("{good:#}"),
    )?;
    check(bad["interval_ms"] == 1000 && near(&bad["measured_ms"]), format!("{bad:#}"))?;
    let codes: Vec<&Value> = found["conflicts"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .map(|conflict| &conflict["code"])
        .collect();
    check(codes == ["interval-not-kept"], format!("{found:#}"))
}

/// Two daemons, of which one is active, in both families.
fn pair() -> Outcome {
    let mut pair = Pair::new()?;
    let config = |priority: u8| {
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"10.0.0.100/24\", \"fe80::100/64\"]\ninterval = \"100ms\"\npriority = {priority}\n"
        )
    };
    pair.a.start(&config(200))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100))?;
    pair.b.wait_for_phase("backup")?;
    // Without -i, on what is up.
    ip(&pair.b.host, "link add away0 type veth peer name far0")?;
    let (status, found) = scan(&pair.b.host, &["--for", "700ms"])?;
    let speakers = found["speakers"].as_array().map_or(&[][..], Vec::as_slice);
    let families: Vec<bool> = speakers
        .iter()
        .map(|it| it["source"].as_str().is_some_and(|source| source.contains(':')))
        .collect();
    check(
        status == Some(0)
            && families == [false, true]
            && found["interfaces"] == serde_json::json!(["eth0"]),
        format!("{status:?} {found:#}"),
    )?;
    check(
        speakers.iter().all(|it| it["this_host"] == false && it["priority"] == 200),
        format!("{found:#}"),
    )?;
    // On the active node itself.
    let (status, found) = scan(&pair.a.host, &["--for", "700ms", "-i", "eth0"])?;
    check(
        status == Some(0) && found["speakers"][0]["this_host"] == true,
        format!("{status:?} {found:#}"),
    )
}

fn rights() -> Outcome {
    let site = Site::new()?;
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_vrrp"), "scan"]);
    let output = run(&site.a, command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(
        output.status.code() == Some(1)
            && said.contains("eth0 cannot be listened to: ")
            && said.contains("run it as root or grant CAP_NET_RAW"),
        format!("{output:?}"),
    )?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["scan", "-i", "eth7", "--for", "100ms"]);
    let output = run(&site.a, command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(
        output.status.code() == Some(1) && said.contains("eth7 cannot be listened to: "),
        format!("{output:?}"),
    )
}

fn flood() -> Outcome {
    let site = Site::new()?;
    let injector = Injector::new(&site.b, "eth0")?;
    let other = said(3);
    let frames: Vec<Vec<u8>> = (0..2_000_u32)
        .map(|number| other.frame_of(Ipv4Addr::from_bits(0x0a01_0000 + number)))
        .collect::<Result<_, _>>()?;
    let (_, found) = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            injector.inject(10_000, Duration::from_millis(900), |number| {
                let number = usize::try_from(number).unwrap_or_default();
                frames[number % frames.len()].clone()
            })
        });
        let found = scan(&site.a, &["-i", "eth0", "--for", "600ms"]);
        sender.join().map_err(|_| "the flood panicked")??;
        found
    })?;
    let speakers = found["speakers"].as_array().map_or(0, Vec::len);
    check(speakers == 256, format!("{speakers} speakers"))?;
    check(found["left_out"].as_u64() > Some(1000), format!("{} left out", found["left_out"]))
}
