//! Reads the repository's own files, for the tests of its layout and language.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file.
pub(crate) struct SourceFile {
    /// Path from the root of the repository.
    pub(crate) path: PathBuf,
    /// Path from the source root.
    relative: PathBuf,
    pub(crate) text: String,
}

/// Reads all Rust files below a folder of the repository.
pub(crate) fn sources(root: &str) -> Vec<SourceFile> {
    let source = |path: PathBuf| SourceFile {
        text: fs::read_to_string(repository().join(&path)).unwrap(),
        relative: path.strip_prefix(root).unwrap().to_owned(),
        path,
    };
    let files = files(root, "rs").into_iter().map(source);
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty(), "no Rust files in {root}");
    files
}

/// Lists the files below a folder of the repository that end with `.extension`. A missing folder has none.
pub(crate) fn files(root: &str, extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![repository().join(root)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["target", "node_modules", ".git"].contains(&name) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                files.push(path.strip_prefix(repository()).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl SourceFile {
    /// Returns the name without `.rs`.
    pub(crate) fn stem(&self) -> &str {
        self.path.file_stem().unwrap().to_str().unwrap()
    }

    /// Returns the path of the module within its crate; empty for `lib.rs` and `main.rs`.
    pub(crate) fn module_path(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .relative
            .with_extension("")
            .iter()
            .map(|name| name.to_str().unwrap().to_owned())
            .collect();
        let last = names.last().map_or("", String::as_str);
        if last == "mod" || (names.len() == 1 && ["lib", "main"].contains(&last)) {
            names.pop();
        }
        names
    }

    /// Returns `true` for a file with nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        self.relative.iter().any(|name| {
            let name = name.to_str().unwrap().trim_end_matches(".rs");
            name == "tests" || name == "contract" || name.ends_with("_tests")
        })
    }

    /// Returns the text up to the unit tests at its end.
    pub(crate) fn without_unit_tests(&self) -> &str {
        let end = self.text.find("#[cfg(test)]\nmod tests {");
        self.text.get(..end.unwrap_or(self.text.len())).unwrap()
    }

    /// Returns the code without comments and unit tests.
    pub(crate) fn code(&self) -> String {
        let without_comment = |line: &str| {
            let code = match line.split_once("//") {
                Some((code, _comment)) if !code.ends_with(':') => code,
                _ => line,
            };
            format!("{code}\n")
        };
        self.without_unit_tests()
            .lines()
            .map(without_comment)
            .collect()
    }

    /// Returns the paths that the code names from the crate's root, as the segments after `crate`. Understands `crate::`,
    /// `super::` and `self::`, nested lists, and the file's own child modules.
    pub(crate) fn imports(&self) -> Vec<Vec<String>> {
        // A macro's `$crate::` is expanded elsewhere.
        let code = self.code().replace("$crate::", "");
        let mut uses = Vec::new();
        for statement in code.split("use ").skip(1) {
            expand("", statement.split(';').next().unwrap(), &mut uses);
        }
        // Paths in expressions and types, such as `crate::parts::Parts`.
        for keyword in ["crate::", "super::"] {
            for after in code.split(keyword).skip(1) {
                let of_a_path = |letter: &char| letter.is_alphanumeric() || "_:".contains(*letter);
                let path: String = after.chars().take_while(of_a_path).collect();
                uses.push(format!("{keyword}{}", path.trim_end_matches(':')));
            }
        }
        let children: Vec<_> = code
            .split("mod ")
            .skip(1)
            .filter_map(|after| {
                after
                    .split_once(';')
                    .map(|(name, _)| name.trim().to_owned())
            })
            .collect();
        uses.iter()
            .filter_map(|path| self.resolve(path, &children))
            .collect()
    }

    fn resolve(&self, path: &str, children: &[String]) -> Option<Vec<String>> {
        let mut segments: Vec<_> = path
            .split("::")
            .map(|name| name.trim().to_owned())
            .collect();
        let mut base = self.module_path();
        match segments.first()?.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            child if children.iter().any(|name| name == child) => {
                return Some([base, segments].concat());
            }
            _ => return None,
        }
        segments.remove(0);
        while segments.first().is_some_and(|name| name == "super") {
            segments.remove(0);
            base.pop();
        }
        Some([base, segments].concat()).filter(|path| !path.is_empty())
    }
}

/// Expands a `use` tree into single paths.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((start, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap().trim();
        paths.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", start.trim());
    let list = list.trim_end().strip_suffix('}').unwrap_or(list);
    let (mut depth, mut item) = (0, String::new());
    for letter in list.chars().chain([',']) {
        match letter {
            ',' if depth == 0 => {
                if !item.trim().is_empty() {
                    expand(&prefix, &item, paths);
                }
                item.clear();
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        item.push(letter);
    }
}
