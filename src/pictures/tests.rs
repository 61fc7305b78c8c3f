//! Tests of the encoding, the names and the folder.

use std::fs;
use std::io::Cursor;

use futures_util::FutureExt as _;
use image::{DynamicImage, GenericImageView as _, ImageFormat, Rgba, RgbaImage};

use crate::identity::UserId;
use crate::pictures::picture::{Encoder, Unusable};
use crate::pictures::{PictureName, Storage};
use crate::store::temporary::Folder;

const MEI: UserId = UserId([1; 16]);
const BO: UserId = UserId([2; 16]);

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A picture whose left half has one color and whose right half has another one.
fn halves(width: u32, height: u32, left: [u8; 4], right: [u8; 4]) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| {
        Rgba(if x < width / 2 { left } else { right })
    })
    .into()
}

const RED: [u8; 4] = [255, 0, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];

async fn encode(file: Vec<u8>) -> Result<DynamicImage, Unusable> {
    let encoded = Encoder::default().encode(file).await?;
    Ok(image::load_from_memory_with_format(&encoded, ImageFormat::Jpeg).unwrap())
}

/// Asserts a color, with the tolerance that JPEG needs.
#[track_caller]
fn check_color(picture: &DynamicImage, (x, y): (u32, u32), color: [u8; 4]) {
    let found = picture.get_pixel(x, y).0;
    let near = found.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 12);
    assert!(near, "{found:?} at {x}, {y}");
}

#[actix_rt::test]
async fn each_format_is_scaled_down_and_keeps_its_shape() {
    let picture = halves(1000, 500, RED, BLUE).to_rgb8().into();
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let encoded = encode(file(&picture, format)).await.unwrap();
        assert_eq!(encoded.dimensions(), (512, 256), "{format:?}");
        check_color(&encoded, (10, 10), RED);
        check_color(&encoded, (500, 10), BLUE);
    }
    let small = file(&halves(7, 5, RED, BLUE), ImageFormat::Png);
    assert_eq!(encode(small).await.unwrap().dimensions(), (7, 5));
}

#[actix_rt::test]
async fn transparent_pixels_become_white() {
    let picture = halves(40, 40, [0, 0, 0, 0], RED);
    let encoded = encode(file(&picture, ImageFormat::Png)).await.unwrap();
    check_color(&encoded, (5, 5), [255; 4]);
    check_color(&encoded, (35, 35), RED);
}

/// Inserts an EXIF segment with an orientation and a text after a JPEG's first marker.
fn with_exif(jpeg: &[u8], orientation: u8, text: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend(text);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let (start, rest) = jpeg.split_at(2);
    [start, &[0xff, 0xe1], &length, &exif, rest].concat()
}

#[actix_rt::test]
async fn a_photo_is_turned_upright_and_loses_its_metadata() {
    let photo = halves(80, 40, RED, BLUE).to_rgb8().into();
    let photo = with_exif(&file(&photo, ImageFormat::Jpeg), 6, b"31.2304N 121.4737E");
    let encoded = Encoder::default().encode(photo).await.unwrap();
    let has = |text: &[u8]| encoded.windows(text.len()).any(|window| window == text);
    assert!(!has(b"121.4737E") && !has(b"Exif"));
    // Orientation 6: the left side of the stored picture is the top of the scene.
    let upright = image::load_from_memory(&encoded).unwrap();
    assert_eq!(upright.dimensions(), (40, 80));
    check_color(&upright, (20, 5), RED);
    check_color(&upright, (20, 75), BLUE);
}

/// A PNG with a valid header and no pixels.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = file(&halves(1, 1, RED, RED), ImageFormat::Png);
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    png.splice(16..24, size);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png.splice(29..33, crc.sum().to_be_bytes());
    png
}

#[actix_rt::test]
async fn a_file_that_cannot_be_shown_is_rejected() {
    let is_format = |result| matches!(result, Err(Unusable::Format));
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    for other in [b"GIF89a\x01\0\x01\0".to_vec(), heic, b"<svg/>".to_vec()] {
        assert!(is_format(encode(other).await));
    }
    let whole = file(&halves(300, 300, RED, BLUE), ImageFormat::Png);
    let cut = encode(whole[..whole.len() / 2].to_vec()).await;
    assert!(matches!(cut, Err(Unusable::Damaged(_))), "{cut:?}");
    // More pixels than allowed, and more on one side.
    for (width, height) in [(4100, 4000), (9000, 10), (30_000, 30_000)] {
        let bomb = encode(png_of(width, height)).await;
        assert!(matches!(bomb, Err(Unusable::TooLarge)), "{bomb:?}");
    }
    // A phone's photo is not too large, so only its pixels are missing.
    let photo = encode(png_of(4032, 3024)).await;
    assert!(matches!(photo, Err(Unusable::Damaged(_))), "{photo:?}");
}

#[actix_rt::test]
async fn one_picture_is_decoded_at_a_time() {
    let encoder = Encoder::default();
    let busy = encoder.occupy();
    let picture = file(&halves(2, 2, RED, BLUE), ImageFormat::Png);
    let mut waiting = Box::pin(encoder.encode(picture));
    assert!(waiting.as_mut().now_or_never().is_none());
    actix_rt::task::yield_now().await;
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(busy);
    waiting.await.unwrap();
}

#[test]
fn a_name_is_never_a_path() {
    let name = PictureName::generate(MEI).unwrap();
    assert_ne!(name, PictureName::generate(MEI).unwrap());
    let text = name.to_string();
    assert_eq!(PictureName::parse(&text), Some(name));
    assert!(!text.contains(&MEI.to_string()));
    let (first, rest) = text.split_at(1);
    for broken in [
        &text.to_uppercase(),
        &text.replace(".jpg", ".png"),
        rest,
        &format!("0{text}"),
        &format!("../{}", text.split_at(3).1),
        &text.replacen(first, "é", 1),
        ".jpg",
        "",
    ] {
        assert_eq!(PictureName::parse(broken), None, "{broken}");
    }
    let url = format!("https://cdn.example.com/avatars/{name}");
    assert_eq!(PictureName::of_url(&url, MEI), Some(name));
    assert_eq!(PictureName::of_url(&url, BO), None);
    assert_eq!(PictureName::of_url("https://a/b.jpg", MEI), None);
}

#[actix_rt::test]
async fn a_folder_keeps_the_pictures_of_each_user() {
    let name = PictureName::generate(MEI).unwrap();
    let temporary = Folder::new();
    let folder = temporary.file("the pictures");
    let storage = Storage::folder(&folder).unwrap();
    assert_eq!(storage.get(&name).await.unwrap(), None);
    storage.remove(&name).await.unwrap();
    storage.remove_all(MEI).await.unwrap();
    let (second, other) = (
        PictureName::generate(MEI).unwrap(),
        PictureName::generate(BO).unwrap(),
    );
    for name in [&name, &second, &other] {
        storage.put(name, name.to_string().into()).await.unwrap();
        let kept = storage.get(name).await.unwrap();
        assert_eq!(kept, Some(name.to_string().into()));
    }
    storage.remove(&second).await.unwrap();
    assert_eq!(storage.get(&second).await.unwrap(), None);
    storage.remove_all(MEI).await.unwrap();
    assert_eq!(storage.get(&name).await.unwrap(), None);
    assert!(storage.get(&other).await.unwrap().is_some());
    // A file in the place of the folder.
    let blocked = Storage::folder(&folder.join("file")).unwrap();
    fs::write(folder.join("file"), "").unwrap();
    blocked.put(&name, Vec::new()).await.unwrap_err();
}
