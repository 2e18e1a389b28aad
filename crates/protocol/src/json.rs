//! JSON text, written straight into a buffer.

use bytes::BytesMut;
use domain::money::Usd;

/// What must be written for a byte inside a string: nothing special, a short escape, or `\u00XX`.
const PLAIN: u8 = 0;
const UNICODE: u8 = b'u';

const ESCAPES: [u8; 256] = {
    let mut table = [PLAIN; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = UNICODE;
        control += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0A] = b'n';
    table[0x0C] = b'f';
    table[0x0D] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes a quoted string.
pub fn write_string(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(b"\"");
    write_escaped(out, text);
    out.extend_from_slice(b"\"");
}

/// Writes a string or `null`.
pub fn write_optional_string(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Writes the inside of a string. Runs without anything to escape are copied at once.
pub fn write_escaped(out: &mut BytesMut, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    while let Some(length) = rest.iter().position(|byte| ESCAPES[usize::from(*byte)] != PLAIN) {
        let (plain, tail) = rest.split_at(length);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { return };
        match ESCAPES[usize::from(byte)] {
            UNICODE => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            short => out.extend_from_slice(&[b'\\', short]),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

pub fn write_u64(out: &mut BytesMut, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub fn write_i64(out: &mut BytesMut, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes an amount as a JSON number with every digit that it has.
pub fn write_usd(out: &mut BytesMut, amount: Usd) {
    use std::fmt::Write as _;
    // A buffer that grows refuses nothing.
    let _ = write!(out, "{amount}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = BytesMut::new();
        write_string(&mut out, text);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_json_demands() {
        assert_eq!(written("plain"), r#""plain""#);
        assert_eq!(written("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
    }

    proptest! {
        #[test]
        fn every_string_survives_its_json(text: String) {
            let back: String = serde_json::from_str(&written(&text)).unwrap();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn amounts_are_valid_numbers(nanos: i64) {
            let mut out = BytesMut::new();
            write_usd(&mut out, Usd::from_nanos(nanos));
            let number: Box<serde_json::value::RawValue> = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(number.get().parse::<Usd>(), Ok(Usd::from_nanos(nanos)));
        }
    }
}
