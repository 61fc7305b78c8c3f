//! Tests.
use std::path::Path;

use crate::settings::Settings;

#[test]
fn the_shipped_file_names_every_key() {
    let loaded = Settings::load([("A", "b")], Path::new("none")).unwrap();
    assert!(loaded.settings.simulated());
    assert_eq!(loaded.settings.store.file(), Path::new("data/weapp.db"));
}
