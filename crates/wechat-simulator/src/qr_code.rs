//! Pictures of mini program codes: a QR code as a greyscale JPEG.

use qrcodegen::{QrCode, QrCodeEcc};

/// The empty modules around a QR code, as its standard requires.
const QUIET_ZONE: i32 = 4;

/// Number of bits of the DC coefficients: a change from black to white and back is ±255.
const CATEGORIES: u8 = 9;

/// Returns the picture of a QR code with this text, or `None` if it is too long. Each module is a block of eight by eight
/// pixels, so that a block has one colour and no coefficient but the first.
pub(crate) fn jpeg(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let blocks = code.size() + 2 * QUIET_ZONE;
    let side = u16::try_from(blocks * 8).ok()?.to_be_bytes();
    let mut picture = head(side);
    let mut bits = Bits::default();
    let mut last = 0;
    for y in 0..blocks {
        for x in 0..blocks {
            let is_dark = code.get_module(x - QUIET_ZONE, y - QUIET_ZONE);
            // With a quantization of 8, the coefficient of a uniform block is its value, from -128 to 127.
            let value = if is_dark { -128 } else { 127 };
            bits.push_coefficient(value - last);
            // No other coefficients: the only code of the second table.
            bits.push(0, 1);
            last = value;
        }
    }
    picture.extend(bits.finish());
    picture.extend([0xff, 0xd9]);
    Some(picture)
}

/// Returns the markers before the data of a baseline JPEG with one component.
fn head(side: [u8; 2]) -> Vec<u8> {
    let mut head = vec![0xff, 0xd8];
    let mut segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap_or_default();
        head.extend([0xff, marker]);
        head.extend(length.to_be_bytes());
        head.extend(content);
    };
    segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    segment(0xdb, &[&[0][..], &[8; 64]].concat());
    let [high, low] = side;
    segment(0xc0, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    // Two tables, each with the numbers of the codes of 1 to 16 bits: those of the categories 0 to 9 all have four bits, and the
    // end of a block has one.
    let categories: Vec<u8> = (0..=CATEGORIES).collect();
    let of_four_bits = [0x00, 0, 0, 0, CATEGORIES + 1];
    segment(0xc4, &[&of_four_bits[..], &[0; 12], &categories].concat());
    segment(0xc4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    segment(0xda, &[1, 1, 0, 0, 63, 0]);
    head
}

/// The entropy-coded data.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    /// Adds the category of a number, and its bits: those of a negative one are inverted.
    fn push_coefficient(&mut self, number: i32) {
        let category = 32 - number.unsigned_abs().leading_zeros();
        self.push(category, 4);
        let mask = (1 << category) - 1;
        let bits = number.unsigned_abs();
        self.push(if number < 0 { !bits & mask } else { bits }, category);
    }

    fn push(&mut self, bits: u32, count: u32) {
        self.pending = self.pending << count | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = u8::try_from(self.pending >> self.count & 0xff).unwrap_or_default();
            self.bytes.push(byte);
            // A zero byte shows that this is no marker.
            if byte == 0xff {
                self.bytes.push(0);
            }
            self.pending &= (1 << self.count) - 1;
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        self.push(0x7f, 7);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes the picture with a JPEG library, and the QR code in it with a QR library.
    #[track_caller]
    fn check(text: &str) {
        let picture = jpeg(text).unwrap();
        let mut decoder = jpeg_decoder::Decoder::new(&*picture);
        let pixels = decoder.decode().unwrap();
        let width = usize::from(decoder.info().unwrap().width);
        let height = pixels.len() / width;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            pixels[y * width + x]
        });
        let (_, found) = image.detect_grids()[0].decode().unwrap();
        assert_eq!(found, text);
    }

    #[test]
    fn the_picture_is_a_jpeg_with_a_qr_code_that_decodes() {
        check("pages/index/index?scene=a%3D1");
        check(&"x".repeat(1_000));
        assert!(jpeg(&"x".repeat(10_000)).is_none());
    }
}
