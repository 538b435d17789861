//! No import circle in any crate.
//!
//! The rule: the modules below one module have an order. If something in or below `a` uses what is
//! defined in or below its sibling `b`, then nothing in or below `b` uses what is defined in or below
//! `a`, in one step or in several. A name counts where it is defined, and not where it is passed on.
//! A parent and what is below it are one family: `fsm.rs` uses `fsm/backup.rs`, which uses the types
//! of `fsm.rs`. The calls of methods have no path, and do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::sources::{Module, Name, modules};

/// The uses of one module's children among each other: who uses whom, with one instance.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// The circles of a crate, each as a sentence.
pub(crate) fn circles(modules: &BTreeMap<Name, Module>) -> Vec<String> {
    let mut families: BTreeMap<Name, Uses> = BTreeMap::new();
    for (user, module) in modules {
        for path in &module.paths {
            let Some(used) = defining(modules, user, path) else { continue };
            let shared = user.iter().zip(&used).take_while(|(one, other)| one == other).count();
            if let (Some(one), Some(other)) = (user.get(shared), used.get(shared)) {
                let family = families.entry(user[..shared].to_vec()).or_default();
                let instance = format!("{} uses {}", user.join("/"), path.join("::"));
                family.entry(one.clone()).or_default().entry(other.clone()).or_insert(instance);
            }
        }
    }
    families.values().filter_map(circle).collect()
}

/// The module in which what a path names is defined, if it is of this crate.
fn defining(modules: &BTreeMap<Name, Module>, user: &Name, path: &[String]) -> Option<Name> {
    resolve(modules, user, path, &mut BTreeSet::new())
}

fn resolve(
    modules: &BTreeMap<Name, Module>,
    from: &Name,
    path: &[String],
    seen: &mut BTreeSet<(Name, Vec<String>)>,
) -> Option<Name> {
    if !seen.insert((from.clone(), path.to_vec())) {
        return None;
    }
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => return descend(modules, Name::new(), rest, seen),
        "self" => return descend(modules, from.clone(), rest, seen),
        "super" => {
            let (_, parent) = from.split_last()?;
            // `super::super` goes on from there.
            if rest.first().is_some_and(|next| next == "super") {
                return resolve(modules, &parent.to_vec(), rest, seen);
            }
            return descend(modules, parent.to_vec(), rest, seen);
        }
        _ => {}
    }
    let module = modules.get(from)?;
    if module.children.contains(first) || module.imports.contains_key(first) {
        return descend(modules, from.clone(), path, seen);
    }
    None
}

/// Follows the rest of a path from a module on.
fn descend(
    modules: &BTreeMap<Name, Module>,
    from: Name,
    path: &[String],
    seen: &mut BTreeSet<(Name, Vec<String>)>,
) -> Option<Name> {
    let Some((first, rest)) = path.split_first() else { return Some(from) };
    let module = modules.get(&from)?;
    if module.children.contains(first) {
        return descend(
            modules,
            [from.as_slice(), std::slice::from_ref(first)].concat(),
            rest,
            seen,
        );
    }
    if let Some(import) = module.imports.get(first) {
        // `use bytes::Bytes` beside `use bytes`: another crate.
        if import.first() == Some(first) {
            return None;
        }
        return resolve(modules, &from, &[import.as_slice(), rest].concat(), seen);
    }
    let through = |glob: &Vec<String>| {
        // What two modules take from each other is looked for once.
        let name = resolve(modules, &from, glob, &mut seen.clone())?;
        let there = modules.get(&name)?;
        let knows = there.children.contains(first) || there.imports.contains_key(first);
        knows.then_some(name)
    };
    match module.globs.iter().find_map(through) {
        Some(name) => descend(modules, name, path, seen),
        None => Some(from),
    }
}

/// The first circle among the children of one module.
fn circle(uses: &Uses) -> Option<String> {
    for start in uses.keys() {
        let mut way = vec![start.clone()];
        if let Some(found) = search(uses, start, &mut way, &mut BTreeSet::new()) {
            let steps: Vec<String> =
                found.windows(2).map(|step| uses[&step[0]][&step[1]].clone()).collect();
            return Some(format!("{}: {}", found.join(" -> "), steps.join("; ")));
        }
    }
    None
}

fn search(
    uses: &Uses,
    goal: &str,
    way: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    let here = way.last()?.clone();
    for next in uses.get(&here).into_iter().flat_map(BTreeMap::keys) {
        way.push(next.clone());
        if next == goal {
            return Some(way.clone());
        }
        if seen.insert(next.clone())
            && let Some(found) = search(uses, goal, way, seen)
        {
            return Some(found);
        }
        way.pop();
    }
    None
}

fn of(root: &str) -> Vec<String> {
    circles(&modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root)))
}

#[test]
fn the_core_has_no_circle() {
    assert_eq!(of("../vrrp-core/src/lib.rs"), [""; 0]);
}

#[test]
fn vrrp_net_has_no_circle() {
    assert_eq!(of("../vrrp-net/src/lib.rs"), [""; 0]);
}

#[test]
fn vrrp_bin_has_no_circle() {
    assert_eq!(of("src/lib.rs"), [""; 0]);
}

/// The circles of a crate that is made up of these files.
fn among(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    circles(&modules(&folder.path().join("lib.rs")))
}

/// `a` and `b/c` use each other by a name that their parent passes on; `d` is used and uses nothing.
#[test]
fn a_circle_is_found() {
    let with = |inner: &str| {
        among(&[
            ("lib.rs", "mod a; mod b; mod d; pub use b::Thing;"),
            ("a.rs", "use crate::Thing; pub struct Other(Thing, crate::d::Value);"),
            ("b.rs", "mod c; pub use c::Thing; pub(crate) struct Own;"),
            ("b/c.rs", inner),
            ("d.rs", "pub struct Value;"),
        ])
    };
    let found = with("use super::Own; pub struct Thing(Own, crate::d::Value);");
    assert_eq!(found, [""; 0], "a uses b, and nothing uses a");
    let found = with("use super::Own; pub struct Thing(Own, crate::a::Other);");
    let expected = "a -> b -> a: a uses crate::Thing; b/c uses crate::a::Other";
    assert_eq!(found, [expected]);
}

/// What their parent passes on is theirs.
#[test]
fn siblings_have_an_order() {
    let with = |inner: &str| {
        among(&[
            ("lib.rs", "mod fsm;"),
            ("fsm.rs", "mod a; mod b; pub use a::A; pub use b::B; pub struct Machine(A, B);"),
            ("fsm/a.rs", "use super::B; pub struct A(Option<B>);"),
            ("fsm/b.rs", inner),
        ])
    };
    assert_eq!(with("use super::Machine; pub struct B; impl Machine {}"), [""; 0]);
    let found = with("use super::{A, Machine}; pub struct B; impl A {}");
    assert_eq!(found, ["a -> b -> a: fsm/a uses super::B; fsm/b uses super::A"]);
}

#[test]
fn a_circle_is_found_in_a_macro_and_in_a_function() {
    let found = among(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub fn a() { print!(\"{}\", x = %(1 + crate::b::b())); }"),
        ("b.rs", "pub fn b() { use super::a::a; a() }"),
    ]);
    assert_eq!(found, ["a -> b -> a: a uses crate::b::b; b uses super::a::a"]);
}
