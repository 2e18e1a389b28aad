//! `[data]`: what this process keeps on disk.

use std::path::PathBuf;

use super::section::Section;

/// Where files of ours live.
#[derive(Debug, Clone)]
pub struct Data {
    pub dir: PathBuf,
}

impl Data {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            dir: section.parsed("dir", |text| {
                if text.is_empty() {
                    Err("must name a directory".to_owned())
                } else {
                    Ok(PathBuf::from(text))
                }
            }),
        }
    }
}
