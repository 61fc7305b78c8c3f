//! Decodes an uploaded picture, and encodes what can be seen of it.

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Maximum number of pixels: those of a phone's 12-megapixel photo. A progressive JPEG takes 9 bytes for each while it is
/// decoded, so a picture takes 113 MB at most.
const MAX_PIXELS: u64 = 12_600_000;
/// Maximum width and height, in pixels. Our choice: wider pictures are panoramas.
const MAX_SIDE: u32 = 8192;
/// Maximum memory for the pixels of a decoded picture, in bytes: 16-bit pictures with transparency take 8 per pixel.
const MAX_DECODED_BYTES: u64 = 8 * MAX_PIXELS;
/// Maximum width and height of the result, in pixels. Our choice: four times the size of WeChat's own avatars.
const RESULT_SIDE: u32 = 512;
/// Quality of the result, of 100. Our choice: no difference is visible at this size.
const QUALITY: u8 = 85;

/// A file that cannot become an avatar.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The file is not a JPEG, PNG or WebP.
    #[error("the file is not a JPEG, PNG or WebP")]
    Format,
    /// The picture has too many pixels.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// The file is damaged.
    #[error("the picture cannot be decoded")]
    Damaged(#[source] ImageError),
    /// The decoder panicked.
    #[error("the decoder failed")]
    Failed,
}

/// Encodes pictures, one at a time, so that its memory is that of one picture.
#[derive(Debug, Clone)]
pub struct Encoder {
    permit: Arc<Semaphore>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            permit: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Encoder {
    /// Returns the picture as a JPEG of at most 512 by 512 pixels, upright, without metadata.
    ///
    /// # Errors
    /// [`Unusable`] if the file is no picture, too large or damaged.
    pub async fn encode(&self, file: Vec<u8>) -> Result<Vec<u8>, Unusable> {
        // The permit ends with the work, even if the caller stops waiting.
        let permit = Arc::clone(&self.permit).acquire_owned().await;
        let permit = permit.map_err(|_closed| Unusable::Failed)?;
        let encoded = spawn_blocking(move || {
            let encoded = encode(&file);
            drop(permit);
            encoded
        });
        encoded.await.map_err(|_panic| Unusable::Failed)?
    }
}

#[cfg(test)]
impl Encoder {
    /// Takes the permit, as a picture that is being encoded does.
    pub(super) fn occupy(&self) -> tokio::sync::OwnedSemaphorePermit {
        Arc::clone(&self.permit).try_acquire_owned().unwrap()
    }
}

fn encode(file: &[u8]) -> Result<Vec<u8>, Unusable> {
    let shown = on_white(&decode(file)?);
    let mut result = Vec::new();
    JpegEncoder::new_with_quality(&mut result, QUALITY)
        .encode_image(&shown)
        .map_err(Unusable::Damaged)?;
    Ok(result)
}

/// Decodes a picture within the limits, turns it upright, and scales it down.
fn decode(file: &[u8]) -> Result<DynamicImage, Unusable> {
    let format = image::guess_format(file).map_err(|_unknown| Unusable::Format)?;
    if ![ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP].contains(&format) {
        return Err(Unusable::Format);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(unusable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Unusable::TooLarge);
    }
    let orientation = decoder.orientation().map_err(unusable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unusable)?;
    if width.max(height) > RESULT_SIDE {
        picture = picture.thumbnail(RESULT_SIDE, RESULT_SIDE);
    }
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn unusable(error: ImageError) -> Unusable {
    match &error {
        ImageError::Limits(_) => Unusable::TooLarge,
        ImageError::Unsupported(_) => Unusable::Format,
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => Unusable::Damaged(error),
    }
}

/// Lays a picture on a white background, because a JPEG has no transparency.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    let mut shown = RgbImage::new(picture.width(), picture.height());
    for (to, from) in shown.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let mixed = [red, green, blue].map(|part| (part * alpha + 255 * (255 - alpha)) / 255);
        *to = Rgb(mixed.map(|part| u8::try_from(part).unwrap_or(u8::MAX)));
    }
    shown
}
