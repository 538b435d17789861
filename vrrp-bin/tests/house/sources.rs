//! The modules of a crate, read from its files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    mem::take,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Item, UseTree,
    visit::{self, Visit},
};

/// The name of a module: `["driver", "leases"]`; the crate's root is empty.
pub(crate) type Name = Vec<String>;

/// One module: what it defines, what it passes on, and what it speaks of.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) children: BTreeSet<String>,
    /// Names that it brings in by `use`, with the path of each.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    /// Paths that it imports everything from.
    pub(crate) globs: Vec<Vec<String>>,
    /// The paths of its imports, and those in its code that have two segments and more.
    pub(crate) paths: BTreeSet<Vec<String>>,
}

/// Every module of the crate whose root is this file, but for those of tests.
pub(crate) fn modules(root: &Path) -> BTreeMap<Name, Module> {
    files(root).into_iter().map(|(name, (module, _))| (name, module)).collect()
}

/// The same, each with what its file holds.
pub(crate) fn files(root: &Path) -> BTreeMap<Name, (Module, syn::File)> {
    let folder = root.parent().unwrap().to_owned();
    let mut found = BTreeMap::new();
    read(root, &folder, Name::new(), &mut found);
    found
}

fn read(file: &Path, folder: &Path, name: Name, found: &mut BTreeMap<Name, (Module, syn::File)>) {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut module = Module::default();
    let mut below = Vec::new();
    for item in &parsed.items {
        match item {
            Item::Mod(item) if is_for_tests(&item.attrs) => {}
            // A module within a file is a part of that file.
            Item::Mod(item) if item.content.is_some() => {}
            Item::Mod(item) => {
                module.children.insert(item.ident.to_string());
                below.push(item.ident.to_string());
            }
            Item::Use(item) if !is_for_tests(&item.attrs) => {
                import(&item.tree, &mut Vec::new(), &mut module);
            }
            item => module.visit_item(item),
        }
    }
    found.insert(name.clone(), (module, parsed));
    for child in below {
        let path: PathBuf = folder.join(format!("{child}.rs"));
        let name = [name.as_slice(), std::slice::from_ref(&child)].concat();
        read(&path, &folder.join(&child), name, found);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn import(tree: &UseTree, path: &mut Vec<String>, module: &mut Module) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            import(&part.tree, path, module);
            path.pop();
        }
        UseTree::Name(name) => add(path, name.ident.to_string(), None, module),
        UseTree::Rename(rename) => {
            add(path, rename.ident.to_string(), Some(rename.rename.to_string()), module);
        }
        UseTree::Glob(_) => {
            module.globs.push(path.clone());
            module.paths.insert(path.clone());
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| import(tree, path, module));
        }
    }
}

/// The paths that a `use` imports.
pub(crate) fn paths_of(item: &syn::ItemUse) -> BTreeSet<Vec<String>> {
    let mut module = Module::default();
    import(&item.tree, &mut Vec::new(), &mut module);
    module.paths
}

/// `use a::b::{self, C}` brings in `b` and `C`.
fn add(path: &[String], last: String, renamed: Option<String>, module: &mut Module) {
    let full = if last == "self" { path.to_vec() } else { [path, &[last]].concat() };
    let Some(known_as) = renamed.or_else(|| full.last().cloned()) else { return };
    module.paths.insert(full.clone());
    module.imports.insert(known_as, full);
}

impl<'ast> Visit<'ast> for Module {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            self.paths.insert(parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    /// A `use` within a function: its names are not those of the module.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.paths.append(&mut paths_of(item));
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        self.look_into(item.tokens.clone());
    }
}

impl Module {
    /// Takes the paths from what a macro is given, which need not be an expression.
    fn look_into(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(part) => {
                    if colons != 2 {
                        self.paths.extend(Some(take(&mut path)).filter(|path| path.len() > 1));
                    }
                    path.push(part.to_string());
                    colons = 0;
                }
                TokenTree::Group(group) => {
                    self.look_into(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => colons = 0,
            }
        }
        self.paths.extend(Some(path).filter(|path| path.len() > 1));
    }
}
