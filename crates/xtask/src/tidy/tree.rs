//! The texts of the tree, read once.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Every text file by its path from the root, with `/` between the parts.
pub struct Tree {
    pub files: BTreeMap<String, String>,
    /// Where the tree was read, where that is an absolute path: it may not occur in any file.
    pub root: String,
}

/// Hidden folders that belong to the project; every other one belongs to a tool.
const HIDDEN: &[&str] = &[".cargo", ".ci", ".config", ".github"];

/// Larger files are data, not text that people wrote.
const SIZE_MAX: u64 = 2_000_000;

impl Tree {
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self {
            files: BTreeMap::new(),
            root: root.display().to_string(),
        };
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let foreign = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
                if name != "target" && !foreign {
                    self.read_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() && entry.metadata()?.len() <= SIZE_MAX {
                // What is not UTF-8 is no text: nothing to check in it.
                if let Ok(text) = fs::read_to_string(entry.path()) {
                    self.files.insert(path, text);
                }
            }
        }
        Ok(())
    }

    /// Files whose name ends in `.extension`, in order of their paths.
    pub fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(move |(path, text)| {
            let stem = path.strip_suffix(extension)?;
            stem.ends_with('.').then_some((path.as_str(), text.as_str()))
        })
    }

    /// Whether `path` is a file or a folder of the tree.
    pub fn contains(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }
}
