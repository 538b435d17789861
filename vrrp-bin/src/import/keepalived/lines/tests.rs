//! Files as lines, from memory.

use std::{fs, io};

use super::*;

fn no_file(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

fn environment(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/root".to_owned())
}

fn setting(read_file: ReadFile) -> Setting<'static> {
    Setting { id: "main", read_file, environment, needs_all: false, defined: &[] }
}

/// The lines of `text`, and what was said.
fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let mut report = Report::default();
    let lines = read(Path::new("/etc/F"), text, setting(no_file), &mut report);
    let lines = lines.iter().map(|line| line.text().trim().to_owned()).collect();
    (lines, report.sentences())
}

#[track_caller]
fn becomes(text: &str, expected: &[&str]) {
    let (lines, said) = shown(text);
    assert_eq!(lines, expected, "{text}");
    assert!(said.is_empty(), "{text}: {said:?}");
}

#[test]
fn comments_and_empty_lines_go() {
    becomes("# a\n\n a ! b\nc \"# d\" # e\n", &["a", "c \"# d\""]);
}

#[test]
fn conditions_are_decided() {
    becomes("@main a\n@other b\n@^main c\n@^other d", &["a", "d"]);
    becomes("@main $P=1\n@other $P=2\np $P", &["p 1"]);
}

#[test]
fn variables_have_the_values_of_their_last_definition() {
    for (text, expected) in [
        ("$P=1\np $P\n$P=2\np $P", &["p 1", "p 2"][..]),
        ("$P=1\np ${P}0 $P0 $P, ${Q} $Q", &["p 10 $P0 $P, ${Q} $Q"]),
        ("$P= \np a${P}b", &["p ab"]),
        ("$P=\"a b\"\np $P", &["p a b"]),
        ("$P = 1", &["$P = 1"]),
        ("$A=10.2.${S}\n$S=0\n${A}.1\n$S=9\n${A}.1", &["10.2.0.1", "10.2.9.1"]),
        ("$A= \\\n x ${N} \\\n y\n$N=1\n$A\nz", &["x 1", "y", "z"]),
        ("$B= \\\n b ${N}\n$A= \\\n $N=1 \\\n $B \\\n $N=2 \\\n $B\n$A", &["b 1", "b 2"]),
        (
            "p ${_INSTANCE} ${_PWD} ${_HASH} ${_BANG} ${_ENV HOME} ${_ENV NO}",
            &["p main /etc # ! /root ${_ENV NO}"],
        ),
        ("$P=$P\np $P", &["p $P"]),
    ] {
        becomes(text, expected);
    }
    let (lines, _) = shown("p ${_RANDOM 7 7} ${_RANDOM 9 8}");
    assert_eq!(lines, ["p 7 ${_RANDOM 9 8}"]);
}

#[test]
fn what_repeats_is_repeated() {
    for (text, expected) in [
        ("~SEQ(N, 1, 3) a $N", &["a 1", "a 2", "a 3"][..]),
        ("~SEQ(N, 1, 2) ~LST(M, x, y) ${N}${M}", &["1x", "1y", "2x", "2y"]),
        ("$E=2\n~SEQ(N, 1, ${E}) a $N", &["a 1", "a 2"]),
        ("$A= \\\n a $N \\\n b\n~LST(N, 1, 2) $A", &["a 1", "b", "a 2", "b"]),
        ("~LST({A, B}, {x,1}, {y,2}) @main ${A}${B}", &["x1", "y2"]),
    ] {
        becomes(text, expected);
    }
}

#[test]
fn what_has_no_end_is_refused() {
    for text in [
        "$P=x $P\np $P",
        "$A=${B}${B}\n$B=${A}${A}\n$A",
        "~SEQ(N, 1, 9223372036854775807) a",
        "~SEQ(N, 1, 9223372036854775807)",
        "~SEQ(A, 1, 100000) ~SEQ(B, 1, 100000) @other x",
    ] {
        let (lines, said) = shown(text);
        assert!(lines.len() <= MOST, "{text}");
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(said[0].ends_with(" here; correct it"), "{text}: {said:?}");
    }
}

#[test]
fn a_repetition_that_is_none_is_told() {
    let (lines, said) = shown("a\n ~SEQ(N) b\nc");
    assert_eq!(lines, ["a", "c"]);
    let expected = "/etc/F:2:2: warning: \"~SEQ(N)\" repeats nothing; write for example ~SEQ(N, 1, \
                    4) or ~LST(N, one, two)";
    assert_eq!(said, [expected]);
}

#[test]
fn places_are_those_of_the_file() {
    let mut report = Report::default();
    let text = "\n$P=1\n  a $P b\n @main  c d\n";
    let lines = read(Path::new("F"), text, setting(no_file), &mut report);
    let at = |line: usize, word: &str| {
        let line = &lines[line];
        line.place(line.text().find(word).unwrap()).to_string()
    };
    assert_eq!([at(0, "a"), at(0, "1"), at(0, "b")], ["F:3:3", "F:3:5", "F:3:5"]);
    assert_eq!([at(1, "c"), at(1, "d")], ["F:4:9", "F:4:11"]);
}

#[test]
fn what_a_file_includes_stands_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sub")).unwrap();
    fs::write(path("one.conf"), "one\ninclude sub/*.conf\n").unwrap();
    fs::write(path("sub/b.conf"), "b ${_PWD}\n").unwrap();
    fs::write(path("sub/a.conf"), "a\ninclude ../none*\n").unwrap();
    let read_file: ReadFile = crate::config::read_file;
    let text = "begin {\n include one.conf # c\n}\nincludea no/*\ninclude {one,sub/a}.conf\n";
    let mut report = Report::default();
    let lines = read(&path("main.conf"), text, setting(read_file), &mut report);
    let lines: Vec<&str> = lines.iter().map(|line| line.text().trim()).collect();
    let b = format!("b {}", path("sub").display());
    assert_eq!(lines, ["begin {", "one", "a", &b, "}", "one", "a", &b, "a"]);
    let said = report.sentences();
    let none = format!("{}:2:1: note: no file matches \"../none*\"", path("sub/a.conf").display());
    let missing = format!("{}:4:1: warning: no file matches \"no/*\"", path("main.conf").display());
    assert_eq!(said, [none, missing]);
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.conf");
    fs::write(&path, "a\ninclude main.conf\n").unwrap();
    let mut report = Report::default();
    let text = fs::read_to_string(&path).unwrap();
    read(&path, &text, setting(crate::config::read_file), &mut report);
    let said = report.sentences();
    assert!(said.len() == 1 && said[0].contains("contain each other without end"), "{said:?}");
}
