//! The documentation against the code: routes, errors, commands, code samples and links, in both languages.

use std::fs;
use std::path::{Path, PathBuf};

use weapp_login::error::ErrorCode;
use weapp_login::routes;

use crate::sources::repository;

/// Maximum size of a README in bytes.
const README_LIMIT: usize = 10_000;

fn read(name: impl AsRef<Path>) -> String {
    let path = repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// File names in a folder that end with `ending`, sorted.
fn names_in(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

/// Each page in English and in Chinese.
fn pages() -> Vec<[String; 2]> {
    let pages = names_in("docs", ".md");
    let pages = pages
        .iter()
        .map(|name| [format!("docs/{name}"), format!("docs/zh/{name}")]);
    [["README.md", "README.zh-CN.md"].map(str::to_owned)]
        .into_iter()
        .chain(pages)
        .collect()
}

/// The code blocks whose info string begins with `language`, each with the rest of that string as its first line.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let body: Vec<_> = lines
            .by_ref()
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        if let Some(rest) = info.strip_prefix(language) {
            blocks.push(format!("{rest}\n{}", body.join("\n")));
        }
    }
    blocks
}

#[test]
fn every_page_exists_in_both_languages() {
    assert_eq!(names_in("docs", ".md"), names_in("docs/zh", ".md"));
}

#[test]
fn the_readmes_stay_short() {
    for name in ["README.md", "README.zh-CN.md"] {
        let length = read(name).len();
        assert!(length <= README_LIMIT, "{name} has {length} bytes");
    }
}

#[test]
fn every_route_is_documented() {
    for name in ["docs/api.md", "docs/zh/api.md"] {
        let text = read(name);
        for row in routes::table() {
            let route = format!("`{} {}", row.method, row.path);
            let found = [format!("{route}`"), format!("{route} ")]
                .iter()
                .any(|route| text.contains(route));
            assert!(found, "{name} does not document {route}");
        }
    }
}

#[test]
fn every_error_is_documented() {
    for page in ["docs/errors.md", "docs/zh/errors.md"] {
        let text = read(page);
        for name in ErrorCode::ALL.iter().map(|code| code.name()) {
            assert!(
                text.contains(&format!("`{name}`")),
                "{page} does not document `{name}`"
            );
        }
    }
}

#[test]
fn every_error_of_the_document_has_a_type_in_the_npm_package() {
    let (types, document) = (
        read("packages/weapp-login/errors.d.ts"),
        read("tests/openapi.json"),
    );
    for error in ErrorCode::ALL.iter().map(|code| code.definition()) {
        let row = format!("\n  {}: {}\n", error.name, error.status.as_u16());
        let documented = document.contains(&format!("`{}`", error.name));
        assert!(
            types.contains(&row) || !documented,
            "errors.d.ts lacks {row:?}: node packages/weapp-login/scripts/errors.mjs tests/openapi.json"
        );
    }
}

#[test]
fn every_route_and_fault_of_the_simulator_is_documented() {
    let readme = read("crates/wechat-simulator/README.md");
    let (_, control) = readme.split_once("| `GET /simulator` |").unwrap();
    let rows = control.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<_> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert!(rows.len() > 30, "{rows:?}");
    for page in ["docs/simulator.md", "docs/zh/simulator.md"] {
        let text = read(page);
        for row in rows.iter().filter(|row| **row != "kind") {
            let found = text.contains(&format!("\n| `{row}`"));
            assert!(found, "{page} does not document {row}");
        }
    }
}

#[test]
fn both_languages_show_the_same_commands() {
    let mut commands = 0;
    for [english, chinese] in pages() {
        let shown = blocks(&read(&english), "sh ");
        assert_eq!(shown, blocks(&read(&chinese), "sh "), "{english}");
        commands += shown.len();
    }
    assert!(commands > 10, "{commands}");
}

/// `.ci/readme` runs the commands, and the word after `sh` says how.
#[test]
fn every_command_is_marked_as_run_or_skipped() {
    let kinds = ["run", "simulate", "command", "serve", "skip"];
    for page in pages().concat() {
        for block in blocks(&read(&page), "sh") {
            let kind = block.split_whitespace().next().unwrap_or_default();
            let known = kinds.contains(&kind) && block.starts_with(' ');
            assert!(known, "{page}: {block}");
        }
    }
}

/// The lines of a sample without comments, which are in the language of the page.
fn code(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_rust_samples_are_code_of_the_examples() {
    let folders = fs::read_dir(repository().join("examples")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|folder| {
        let folder = folder
            .strip_prefix(repository())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let names = names_in(&folder, ".rs");
        names
            .into_iter()
            .map(move |name| code(&read(Path::new(&folder).join(name))))
    });
    let files: Vec<_> = files.collect();
    let mut found_samples = 0;
    for page in pages().concat() {
        // A sample with a path is a file of the lesson, which `.ci/generate` applies and tests.
        let samples = blocks(&read(&page), "rust,ignore");
        for sample in samples
            .iter()
            .filter_map(|sample| sample.strip_prefix('\n'))
        {
            let sample = code(sample);
            let found = files.iter().any(|file| file.contains(&sample));
            assert!(found, "{page} shows code that is in no example:\n{sample}");
            found_samples += 1;
        }
    }
    assert!(found_samples > 4, "{found_samples}");
}

/// The keys of `config/default.toml`, as `section.key`.
fn settings() -> Vec<String> {
    let text = read("config/default.toml");
    let (mut section, mut keys) = ("", Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            keys.push(format!("{section}.{key}"));
        }
    }
    keys
}

/// The names of events, which look like settings.
const EVENTS: [&str; 6] = [
    "user.created",
    "user.deleted",
    "user.blocked",
    "user.merged",
    "user.separated",
    "session.revoked",
];

#[test]
fn every_setting_that_is_mentioned_exists() {
    let settings = settings();
    let sections = |name: &str| {
        let section = name.split('.').next().unwrap_or_default();
        name.contains('.')
            && settings
                .iter()
                .any(|key| key.split('.').next() == Some(section))
    };
    let mut mentioned = 0;
    for page in pages().concat() {
        let text = read(&page);
        let quoted = text.split('`').skip(1).step_by(2);
        let names = quoted.map(|text| text.split(' ').next().unwrap_or_default());
        let is_key = |name: &&str| {
            let lower = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.';
            name.bytes().all(lower) && sections(name) && !EVENTS.contains(name)
        };
        for name in names.filter(is_key) {
            assert!(settings.iter().any(|key| key == name), "{page}: {name}");
            mentioned += 1;
        }
    }
    assert!(mentioned > 20, "{mentioned}");
}

#[test]
fn the_lesson_is_the_same_in_both_languages() {
    let lessons = ["docs/extending.md", "docs/zh/extending.md"].map(|page| {
        let text = read(page);
        let files = blocks(&text, "rust,ignore ")
            .into_iter()
            .map(|file| code(&file));
        files.chain(blocks(&text, "diff ")).collect::<Vec<_>>()
    });
    assert!(lessons[0].len() > 5, "{:?}", lessons[0]);
    assert_eq!(lessons[0], lessons[1]);
}

#[test]
fn the_lesson_matches_the_code() {
    for block in blocks(&read("docs/extending.md"), "diff ") {
        let (path, lines) = block.split_once('\n').unwrap();
        let context = lines.lines().filter_map(|line| line.strip_prefix(' '));
        let context = context.collect::<Vec<_>>().join("\n");
        let places = read(path).matches(&format!("\n{context}\n")).count();
        assert_eq!(places, 1, "docs/extending.md, {path}: {context}");
    }
}

/// The anchor that a heading gets on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ => character.is_alphanumeric().then_some(character),
    });
    kept.collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages().concat() {
        let text = read(&page);
        let folder = Path::new(&page).parent().unwrap().to_owned();
        let targets = text.split("](").skip(1);
        let targets = targets.map(|rest| rest.split(')').next().unwrap());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                PathBuf::from(&page)
            } else {
                folder.join(file)
            };
            assert!(repository().join(&path).exists(), "{page}: {target}");
            if !heading.is_empty() {
                let text = read(&path);
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let found = headings.any(|line| anchor(line) == heading);
                assert!(found, "{page}: {target}");
            }
        }
    }
}

#[test]
fn chinese_pages_use_chinese_punctuation() {
    for [_, page] in pages() {
        for line in read(&page).lines() {
            let wrong = ["， ", "。 ", "； ", "「", "」"];
            assert!(
                !wrong.iter().any(|text| line.contains(text)),
                "{page}: {line}"
            );
        }
    }
}
