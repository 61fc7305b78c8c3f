//! Says where settings came from.

use crate::settings::layers::Layers;

pub(super) fn sources(_: &Layers) -> Vec<String> {
    vec![String::from("built-in defaults")]
}

pub(super) fn effective(_: &Layers) -> String {
    String::new()
}
