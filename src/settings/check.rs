//! Turns layers into settings.

use config::{Config, File, FileFormat};

use crate::settings::Settings;
use crate::settings::error::{Error, Problem};
use crate::settings::layers::Layers;

pub(super) fn settings(layers: &Layers) -> Result<Settings, Error> {
    let mut builder = Config::builder();
    for layer in &layers.0 {
        builder = builder.add_source(File::from_str(layer, FileFormat::Toml));
    }
    builder
        .set_override("profile", "development")
        .and_then(|builder| builder.build())
        .and_then(Config::try_deserialize)
        .map_err(|_unfit| Problem::Unfit.into())
}
