//! Where variables come from: the process, the environment files of the osixia images, secrets, and
//! `NAME_FILE`.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    reader::Reader,
    style::{self, Style},
    values::{Raw, Variables, yaml},
};
use crate::config::{Place, ReadFile, describe};

/// The files of the osixia images.
const ENVIRONMENT: &str = "container/environment";
/// Where Docker and Podman put secrets.
const SECRETS: &str = "run/secrets";

/// Every variable that may mean something. The process goes before the files, and the first file in
/// the order of their names before the others.
pub(super) fn collect(
    process: impl IntoIterator<Item = (OsString, OsString)>,
    root: &Path,
    read_file: ReadFile,
    reader: &mut Reader,
) -> Variables {
    let mut variables = Variables::new();
    for (name, value) in process {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(variables.insert(name, Raw::Text(value))),
            Err(_) if style::is_known(&name) => {
                reader.error(&name, "the value is not UTF-8 text; set it again as UTF-8")
            }
            Err(_) => {}
        }
    }
    let directory = root.join(ENVIRONMENT);
    for path in walk(&directory) {
        add_file(&path, &directory, read_file, &mut variables, reader);
    }
    let is_ednxzu = style::is_ednxzu(&variables);
    for path in walk(&root.join(SECRETS)) {
        if file_name(&path).is_some_and(|name| counts(name, is_ednxzu)) {
            add_value(&path, read_file, &mut variables, reader);
        }
    }
    follow_files(read_file, &mut variables, reader);
    variables
}

/// Every variable of a YAML file.
pub(super) fn collect_yaml(text: &str, read_file: ReadFile, reader: &mut Reader) -> Variables {
    let mut variables = Variables::new();
    add_yaml(&Place::Environment, text, &mut variables, reader);
    follow_files(read_file, &mut variables, reader);
    variables
}

/// Whether a variable of this name means something.
fn counts(name: &str, is_ednxzu: bool) -> bool {
    style::is_known(name) || is_ednxzu && Style::Ednxzu.knows(name)
}

/// The files below `directory` in the order of their names. A directory that is not there has none,
/// and what starts with two dots is Kubernetes' own.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| file_name(path).is_some_and(|name| !name.starts_with("..")));
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn add_file(
    path: &Path,
    directory: &Path,
    read_file: ReadFile,
    variables: &mut Variables,
    reader: &mut Reader,
) {
    let startup = directory.join("startup");
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "json") => add_map(path, read_file, variables, reader),
        None if path.parent().is_some_and(|parent| parent == directory || parent == startup) => {
            add_value(path, read_file, variables, reader);
        }
        _ => {}
    }
}

/// A file that holds the value of the variable of its name.
fn add_value(path: &Path, read_file: ReadFile, variables: &mut Variables, reader: &mut Reader) {
    let Some(name) = file_name(path) else { return };
    if variables.contains_key(name) {
        return;
    }
    match read_value(path, read_file) {
        Ok(value) => drop(variables.insert(name.to_owned(), Raw::Text(value))),
        Err(why) => reader.error(name, format!("{} {why}", path.display())),
    }
}

/// A file that holds a map of variables. JSON is YAML.
fn add_map(path: &Path, read_file: ReadFile, variables: &mut Variables, reader: &mut Reader) {
    let place = Place::File(path.into(), None);
    match read_text(path, read_file) {
        Ok(text) => add_yaml(&place, &text, variables, reader),
        Err(error) => reader.error_at(
            &place,
            format!("this cannot be read: {}; correct or remove it", describe(&error)),
        ),
    }
}

fn add_yaml(place: &Place, text: &str, variables: &mut Variables, reader: &mut Reader) {
    match yaml::variables(text) {
        Err(message) => reader.error_at(place, message),
        Ok(found) => {
            for (name, value) in found {
                variables.entry(name).or_insert_with(|| value.into());
            }
        }
    }
}

/// Reads the files that `NAME_FILE` names, for every NAME that means something.
fn follow_files(read_file: ReadFile, variables: &mut Variables, reader: &mut Reader) {
    let is_ednxzu = style::is_ednxzu(variables);
    let followed: Vec<(String, String, Raw)> = variables
        .iter()
        .filter_map(|(file, raw)| {
            let name = file.strip_suffix("_FILE").filter(|name| counts(name, is_ednxzu))?;
            Some((file.clone(), name.to_owned(), raw.clone()))
        })
        .collect();
    for (file, name, raw) in followed {
        variables.remove(&file);
        if variables.contains_key(&name) {
            reader.error(&file, format!("{name} is set too; remove one of them"));
            continue;
        }
        let value = match raw {
            Raw::Text(path) => {
                let path = path.trim();
                read_value(Path::new(path), read_file).map_err(|why| format!("{path:?} {why}"))
            }
            Raw::Literal(_) => Err("this is not the path of a file; write one".to_owned()),
        };
        match value {
            Ok(value) => drop(variables.insert(name, Raw::Text(value))),
            Err(why) => {
                reader.error(&file, why);
                // What it stands for is not missing on top of that.
                reader.excuse(&name);
            }
        }
    }
}

/// The content of a file, less one newline at its end.
fn read_value(path: &Path, read_file: ReadFile) -> Result<String, String> {
    let content = read_text(path, read_file).map_err(|error| {
        format!("cannot be read: {}; create the file or correct the path", describe(&error))
    })?;
    let value = content.strip_suffix('\n').unwrap_or(&content);
    Ok(value.strip_suffix('\r').unwrap_or(value).to_owned())
}

fn read_text(path: &Path, read_file: ReadFile) -> io::Result<String> {
    String::from_utf8(read_file(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}
