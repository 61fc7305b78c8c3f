//! The layout of the sources: imports point down between modules, and never in a circle between files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::sources::{SourceFile, sources};

/// The modules of `src` by floor, from the ground up. A module imports only from lower floors and from itself.
const FLOORS: [&[&str]; 18] = [
    &["identity", "language", "time", "masking", "current_request"],
    &["session", "settings"],
    &["store", "telemetry", "limits"],
    &["platforms"],
    &["apps", "readiness", "metrics", "pictures", "console"],
    &["sessions", "events"],
    &["login"],
    &["account"],
    &["administration"],
    &["error"],
    &["middleware"],
    &["handlers"],
    &["routes"],
    &["openapi", "checked", "console_parts"],
    &["parts"],
    &["app"],
    &["testing"],
    &["lib", "main", "commands"],
];

/// The modules of `middleware` that handlers may import: its extractors.
const EXTRACTORS: [&str; 7] = [
    "json",
    "session",
    "client",
    "clock",
    "language",
    "admin_key",
    "upload",
];

/// The sources of the server, without tests.
fn server() -> Vec<SourceFile> {
    let mut files = sources("src");
    files.retain(|file| !file.is_test());
    files
}

fn floor_of(module: &str) -> usize {
    let floor = FLOORS.iter().position(|modules| modules.contains(&module));
    floor.unwrap_or_else(|| {
        panic!("`{module}` has no floor: give it one, and a row in ARCHITECTURE.md")
    })
}

#[test]
fn imports_point_down() {
    for file in server() {
        let module = file.module_path().first().cloned();
        let module = module.unwrap_or_else(|| file.stem().to_owned());
        for import in file.imports() {
            // An import of `crate::name` from `lib.rs` itself is a re-export of that crate root.
            let Some(target) = import.first().filter(|name| is_module(name)) else {
                continue;
            };
            if *target == module {
                continue;
            }
            if module == "main" || module == "commands" {
                assert_eq!(target, "commands", "{}", file.path.display());
                continue;
            }
            let (from, to) = (floor_of(&module), floor_of(target));
            assert!(
                to < from,
                "{}: `{module}` (floor {from}) must not import `{target}` (floor {to})",
                file.path.display()
            );
        }
    }
}

fn is_module(name: &str) -> bool {
    name.chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && FLOORS
            .iter()
            .flat_map(|modules| modules.iter())
            .any(|module| *module == name)
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for root in source_roots() {
        let mut files = sources(&root);
        files.retain(|file| !file.is_test());
        let imports = file_imports(&files);
        assert!(
            imports.values().map(BTreeSet::len).sum::<usize>() > 5,
            "{root}"
        );
        let circles = circles(&imports);
        assert!(circles.is_empty(), "{root}: {circles:#?}");
    }
}

/// `src` and the `src` of each crate.
fn source_roots() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut roots = vec!["src".to_owned()];
    // A generated project may have removed them.
    for entry in crates.read_dir().into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        roots.push(format!("crates/{name}/src"));
    }
    roots
}

/// The files that each file imports. A path leads to the file of its longest known prefix; `mod.rs` and `lib.rs` count as the
/// file of their folder.
fn file_imports(files: &[SourceFile]) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let known: BTreeSet<_> = files.iter().map(SourceFile::module_path).collect();
    let resolve = |import: &[String]| {
        let prefixes = (0..=import.len())
            .rev()
            .filter_map(|length| import.get(..length));
        prefixes
            .map(<[String]>::to_vec)
            .find(|prefix| known.contains(prefix))
    };
    let mut imports = BTreeMap::<_, BTreeSet<_>>::new();
    for file in files {
        let own = file.module_path();
        let targets = file
            .imports()
            .into_iter()
            .filter_map(|import| resolve(&import));
        let targets = targets.filter(|target| *target != own && !target.is_empty());
        imports.entry(own.clone()).or_default().extend(targets);
    }
    imports
}

/// The groups of files in which each file imports all others, directly or indirectly.
fn circles(imports: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> BTreeSet<Vec<String>> {
    let reachable = |from: &Vec<String>| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<_> = imports[from].iter().collect();
        while let Some(file) = next.pop() {
            if seen.insert(file) {
                next.extend(imports.get(file).into_iter().flatten());
            }
        }
        seen
    };
    let reachable: BTreeMap<_, _> = imports.keys().map(|file| (file, reachable(file))).collect();
    let circle_of = |file: &Vec<String>| {
        let others = reachable[file].iter().filter(|other| {
            reachable
                .get(**other)
                .is_some_and(|back| back.contains(file))
        });
        others.map(|path| path.join("/")).collect::<Vec<_>>()
    };
    let circles = imports.keys().map(circle_of);
    circles.filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn a_circle_is_found() {
    let path = |name: &str| vec![name.to_owned()];
    let set = |names: &[&str]| names.iter().map(|name| path(name)).collect::<BTreeSet<_>>();
    let imports = BTreeMap::from([
        (path("a"), set(&["b"])),
        (path("b"), set(&["c", "d"])),
        (path("c"), set(&["a"])),
        (path("d"), set(&[])),
    ]);
    let circle = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(circles(&imports), BTreeSet::from([circle]));
}

#[test]
fn handlers_import_only_extractors_from_the_middleware() {
    for file in server() {
        let imports = file.imports();
        let from_middleware = imports.iter().filter(|import| import[0] == "middleware");
        if file
            .module_path()
            .first()
            .is_some_and(|module| module == "handlers")
        {
            for import in from_middleware {
                let allowed = EXTRACTORS.contains(&import[1].as_str());
                assert!(allowed, "{}: {}", file.path.display(), import.join("::"));
            }
        }
    }
}

#[test]
fn the_use_cases_and_the_store_name_no_platform() {
    for file in server() {
        let module = file.module_path().first().cloned().unwrap_or_default();
        if [
            "login",
            "sessions",
            "session",
            "account",
            "administration",
            "store",
            "apps",
        ]
        .contains(&module.as_str())
        {
            let code = file.code();
            assert!(
                !code.to_lowercase().contains("wechat"),
                "{}",
                file.path.display()
            );
        }
    }
}

#[test]
fn every_file_opens_with_its_purpose() {
    for file in source_roots().iter().flat_map(|root| sources(root)) {
        let opens = file.text.starts_with("//! ") || file.text.starts_with("#![doc = include_str!");
        assert!(opens, "{} does not open with `//!`", file.path.display());
    }
}

#[test]
fn files_are_short() {
    for file in source_roots().iter().flat_map(|root| sources(root)) {
        if !file.is_test() {
            let lines = file.without_unit_tests().lines().count();
            assert!(lines <= 300, "{}: {lines} lines", file.path.display());
        }
    }
}

#[test]
fn no_file_has_a_vague_name() {
    let vague = [
        "utils", "util", "common", "helpers", "models", "types", "services", "prelude",
    ];
    for file in source_roots().iter().flat_map(|root| sources(root)) {
        assert!(!vague.contains(&file.stem()), "{}", file.path.display());
    }
}
