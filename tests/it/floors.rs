//! The shape of the house: imports point down, files introduce themselves and stay short.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A module may import from the floors below its own, and from itself.
const FLOORS: [&[&str]; 17] = [
    &["identity", "rfc3339"],
    &["session", "settings"],
    &["store", "telemetry"],
    &["platforms"],
    &["apps", "readiness", "metrics"],
    &["sessions"],
    &["login"],
    &["account"],
    &["error"],
    &["middleware"],
    &["handlers"],
    &["routes"],
    &["openapi"],
    &["parts"],
    &["app"],
    &["testing"],
    &["lib", "main", "commands"],
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path
                    .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                    .unwrap()
                    .to_owned();
                sources.push((path, text));
            }
        }
    }
    assert!(
        sources.len() > 40,
        "only {} files were found",
        sources.len()
    );
    sources
}

/// The module that a file belongs to: the first name below `src`.
fn module_of(path: &Path) -> String {
    let name = path
        .components()
        .nth(1)
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    name.strip_suffix(".rs").unwrap_or(name).to_owned()
}

fn floor_of(module: &str) -> usize {
    let floor = FLOORS.iter().position(|modules| modules.contains(&module));
    floor.unwrap_or_else(|| {
        panic!("`{module}` has no floor: give it one, and a row in ARCHITECTURE.md")
    })
}

fn is_test(path: &Path) -> bool {
    let path = path.to_str().unwrap();
    path.contains("tests") || path.contains("contract")
}

/// The modules of this crate that a text names, as `crate::name` or within `crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut modules = Vec::new();
    for after in code.split("crate::").skip(1) {
        let names = match after.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap()
                .split(',')
                .map(str::trim)
                .collect(),
            None => vec![after],
        };
        for name in names {
            let of_a_name = |letter: &char| letter.is_alphanumeric() || *letter == '_';
            modules.push(name.chars().take_while(of_a_name).collect::<String>());
        }
    }
    modules.retain(|module| module.chars().next().is_some_and(char::is_lowercase));
    modules
}

#[test]
fn imports_point_down() {
    for (path, text) in sources() {
        let module = module_of(&path);
        for dependency in imports(&text)
            .into_iter()
            .filter(|dependency| *dependency != module)
        {
            if module == "main" || module == "commands" {
                assert_eq!(dependency, "commands", "{}", path.display());
                continue;
            }
            let (from, to) = (floor_of(&module), floor_of(&dependency));
            assert!(
                to < from,
                "{}: `{module}` (floor {from}) must not import `{dependency}` (floor {to})",
                path.display()
            );
        }
    }
}

#[test]
fn handlers_know_the_extractors_of_the_middleware_and_nothing_else_of_it() {
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| module_of(path) == "handlers")
    {
        for after in text.split("crate::middleware::").skip(1) {
            let extractor = ["json::", "session::", "client::", "clock::"]
                .iter()
                .any(|module| after.starts_with(module));
            assert!(
                extractor,
                "{}: crate::middleware::{}",
                path.display(),
                after.lines().next().unwrap()
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources() {
        let opens = text.starts_with("//! ") || text.starts_with("#![doc = include_str!");
        assert!(opens, "{} does not open with `//!`", path.display());
    }
}

#[test]
fn files_stay_short() {
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        assert!(
            code.lines().count() <= 300,
            "{} is too long",
            path.display()
        );
    }
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    for (path, _) in sources() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let vague = [
            "utils", "util", "common", "helpers", "models", "types", "services", "prelude",
        ];
        assert!(!vague.contains(&name), "{}", path.display());
    }
}
