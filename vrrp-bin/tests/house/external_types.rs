//! No type of a foreign 0.x crate stands in a public signature of the libraries: each of its
//! versions may break whoever uses ours. `public-exceptions.txt` has those that still do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Item, Visibility,
    visit::{self, Visit},
};

use crate::sources::{Module, Name, files, paths_of};

/// The crates of `Cargo.lock` whose version is 0.x, by the name that code calls them.
fn unstable() -> BTreeSet<String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let text = fs::read_to_string(lock).unwrap();
    let mut found = BTreeSet::new();
    for package in text.split("[[package]]") {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_start_matches(" = ").trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version)) = (field("name"), field("version"))
            && version.starts_with("0.")
            && !name.starts_with("vrrp-")
        {
            found.insert(name.replace('-', "_"));
        }
    }
    found
}

/// The types of other crates in what is public, as `crate::path::Type`.
struct Signatures<'a> {
    module: &'a Module,
    items: &'a [Item],
    unstable: &'a BTreeSet<String>,
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Signatures<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        match parts.first().and_then(|first| self.module.imports.get(first)) {
            Some(import) => self.name([import.as_slice(), &parts[1..]].concat()),
            None => self.name(parts),
        }
        if let Some(name) = path.get_ident() {
            self.look_at_alias(name);
        }
        visit::visit_path(self, path);
    }

    /// What a function does is nobody's affair.
    fn visit_block(&mut self, _: &'ast syn::Block) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl Signatures<'_> {
    fn look_at(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
            Item::Struct(item) if is_public(&item.vis) => {
                self.visit_generics(&item.generics);
                let fields = item.fields.iter().filter(|field| is_public(&field.vis));
                fields.for_each(|field| self.visit_type(&field.ty));
            }
            Item::Enum(item) if is_public(&item.vis) => self.visit_item_enum(item),
            Item::Trait(item) if is_public(&item.vis) => self.visit_item_trait(item),
            Item::Type(item) if is_public(&item.vis) => self.visit_item_type(item),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Use(item) if is_public(&item.vis) => {
                paths_of(item).into_iter().for_each(|path| self.name(path));
            }
            Item::Impl(item) => self.look_at_impl(item),
            _ => {}
        }
    }

    fn name(&mut self, path: Vec<String>) {
        // A module may have the name of a crate.
        let is_foreign =
            |first: &String| self.unstable.contains(first) && !self.module.children.contains(first);
        if path.first().is_some_and(is_foreign) {
            self.found.insert(path.join("::"));
        }
    }

    /// A private alias hides nothing from the signature that it stands in.
    fn look_at_alias(&mut self, name: &syn::Ident) {
        for item in self.items {
            if let Item::Type(item) = item
                && item.ident == *name
            {
                self.visit_type(&item.ty);
            }
        }
    }

    /// An implementation of a trait is public if the type is, whatever its functions are declared as.
    fn look_at_impl(&mut self, item: &syn::ItemImpl) {
        if let Some((_, implemented, _)) = &item.trait_
            && !self.is_private(&item.self_ty)
        {
            self.visit_path(implemented);
            self.visit_type(&item.self_ty);
            for part in &item.items {
                if let syn::ImplItem::Type(part) = part {
                    self.visit_type(&part.ty);
                }
            }
        }
        for part in &item.items {
            match part {
                syn::ImplItem::Fn(part) if is_public(&part.vis) => self.visit_signature(&part.sig),
                syn::ImplItem::Const(part) if is_public(&part.vis) => self.visit_type(&part.ty),
                _ => {}
            }
        }
    }
}

impl Signatures<'_> {
    /// Whether a type is defined in this file, and not for others.
    fn is_private(&self, named: &syn::Type) -> bool {
        let syn::Type::Path(named) = named else { return false };
        self.items.iter().any(|item| match item {
            Item::Struct(item) => named.path.is_ident(&item.ident) && !is_public(&item.vis),
            Item::Enum(item) => named.path.is_ident(&item.ident) && !is_public(&item.vis),
            _ => false,
        })
    }
}

/// The foreign types in what is public of a file.
fn signatures(module: &Module, file: &syn::File, unstable: &BTreeSet<String>) -> BTreeSet<String> {
    let mut signatures =
        Signatures { module, items: &file.items, unstable, found: BTreeSet::new() };
    file.items.iter().for_each(|item| signatures.look_at(item));
    signatures.found
}

/// The modules below the root that users see: public ones, and those of which something is passed
/// on. What a feature makes public is for tests, and promises nothing.
fn promised(root: &syn::File) -> BTreeSet<String> {
    let is_always = |attributes: &[syn::Attribute]| {
        !attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
    };
    let mut found = BTreeSet::new();
    for item in &root.items {
        match item {
            Item::Mod(item) if is_public(&item.vis) && is_always(&item.attrs) => {
                found.insert(item.ident.to_string());
            }
            Item::Use(item) if is_public(&item.vis) && is_always(&item.attrs) => {
                if let syn::UseTree::Path(path) = &item.tree {
                    found.insert(path.ident.to_string());
                }
            }
            _ => {}
        }
    }
    found
}

/// `file: type`, a line for each.
fn found() -> BTreeSet<String> {
    let unstable = unstable();
    let mut lines = BTreeSet::new();
    for package in ["vrrp-core", "vrrp-net"] {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src/lib.rs");
        let files: BTreeMap<Name, (Module, syn::File)> = files(&root);
        let promised = promised(&files[&Name::new()].1);
        for (name, (module, file)) in &files {
            if name.first().is_some_and(|first| !promised.contains(first)) {
                continue;
            }
            let file_name = if name.is_empty() { "lib".to_owned() } else { name.join("/") };
            let place = format!("{package}/src/{file_name}.rs");
            let found = signatures(module, file, &unstable).into_iter();
            lines.extend(found.map(|found| format!("{place}: {found}")));
        }
    }
    lines
}

#[test]
fn no_type_of_a_0_x_crate_stands_in_a_public_signature_but_for_the_exceptions() {
    let exceptions = include_str!("public-exceptions.txt");
    let expected: BTreeSet<String> =
        exceptions.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let found = found();
    let new: Vec<&String> = found.difference(&expected).collect();
    let gone: Vec<&String> = expected.difference(&found).collect();
    assert!(new.is_empty(), "new in public signatures: {new:#?}");
    assert!(gone.is_empty(), "no exceptions any more, remove them: {gone:#?}");
}

#[test]
fn the_crates_that_are_looked_for_are_those_that_are_used() {
    let unstable = unstable();
    for name in ["netlink_packet_route", "etherparse", "socket2", "nix"] {
        assert!(unstable.contains(name), "{name} of {unstable:?}");
    }
    assert!(!unstable.contains("tokio"));
}

#[test]
fn a_foreign_type_is_found_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lib.rs");
    let text = r#"
        use young::Thing;
        pub use young::{Again as Ours, inner::Deep};
        type Alias = young::Aliased;
        pub struct Shown { pub thing: Thing, kept: young::Private }
        pub(crate) struct Hidden(pub young::Private);
        pub fn make(_: Option<Alias>) -> old::Fine { young::Private::new() }
        impl Shown { pub fn get(&self) -> &young::Got {} fn own(&self) -> young::Private {} }
        impl From<young::Error> for Shown { fn from(_: young::Error) -> Self {} }
        impl From<young::Private> for Hidden { fn from(_: young::Private) -> Self {} }
        impl Iterator for Shown { type Item = young::Yielded; fn next(&mut self) {} }
        pub trait Door { fn open(&self, _: impl Into<young::Key>); }
    "#;
    fs::write(&root, text).unwrap();
    let (module, file) = &files(&root)[&Name::new()];
    let found = signatures(module, file, &BTreeSet::from(["young".to_owned()]));
    let expected = ["Again", "Aliased", "Error", "Got", "Key", "Thing", "Yielded", "inner::Deep"];
    assert_eq!(found, expected.map(|name| format!("young::{name}")).into());
}
