//! What both READMEs must speak of: every route, every error, and the same commands.

use std::fs;
use std::path::Path;

use weapp_login::routes;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn readmes() -> [(&'static str, String); 2] {
    ["README.md", "README.zh-CN.md"].map(|name| (name, read(name)))
}

#[test]
fn every_route_is_documented() {
    for (name, text) in readmes() {
        for row in routes::table() {
            let route = format!("`{} {}", row.method, row.path);
            let found = [format!("{route}`"), format!("{route} ")]
                .iter()
                .any(|route| text.contains(route));
            assert!(found, "{name} says nothing of {route}");
        }
    }
}

#[test]
fn every_error_is_documented() {
    // The names are the only quoted texts of the table that are one word.
    let table = read("src/error/table.rs");
    let is_name = |text: &&str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let names: Vec<_> = table
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_name)
        .collect();
    assert!(names.len() > 25, "{names:?}");
    for (readme, text) in readmes() {
        for name in &names {
            assert!(
                text.contains(&format!("`{name}`")),
                "{readme} says nothing of `{name}`"
            );
        }
    }
}

#[test]
fn both_readmes_show_the_same_commands() {
    let blocks = readmes().map(|(_, text)| {
        let commands = text
            .split("```sh")
            .skip(1)
            .map(|block| block.split("```").next().unwrap().to_owned());
        commands.collect::<Vec<_>>()
    });
    assert!(blocks[0].len() > 5, "{:?}", blocks[0]);
    assert_eq!(blocks[0], blocks[1]);
}

#[test]
fn the_lesson_is_the_code_of_the_example() {
    let files =
        ["notes.rs", "main.rs", "tests.rs"].map(|name| read(&format!("examples/notes/{name}")));
    for (readme, text) in readmes() {
        let blocks = text.split("```rust,ignore\n").skip(1);
        let blocks: Vec<_> = blocks
            .map(|block| block.split("```").next().unwrap())
            .collect();
        assert_eq!(blocks.len(), files.len(), "{readme}");
        for (block, file) in blocks.iter().zip(&files) {
            assert!(
                file.contains(block),
                "{readme} shows other code than examples/notes:\n{block}"
            );
        }
    }
}
