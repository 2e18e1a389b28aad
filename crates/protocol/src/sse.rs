//! Server-sent events without I/O: bytes in, events out, however the bytes are cut.

use bytes::BytesMut;

/// One event. Both parts borrow from the reader and live until the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event:` field; empty when there was none.
    pub name: &'a [u8],
    /// The `data:` lines, joined by line feeds.
    pub data: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("an event is larger than {0} bytes")]
    TooLarge(usize),
}

/// Cuts a byte stream into events.
///
/// Line ends may be `\n`, `\r` or `\r\n`; comments and unknown fields are skipped. Never holds
/// more than the bound that it was made with.
#[derive(Debug)]
pub struct Reader {
    /// The part of the current line that arrived in earlier pieces.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    /// Whether a `data:` line was seen since the last event: its value may be empty.
    has_data: bool,
    /// Whether the last piece ended in `\r`, so that a `\n` now belongs to it.
    after_return: bool,
    /// Whether the first line was not yet seen, which may begin with a byte order mark.
    at_start: bool,
    event_bytes_max: usize,
}

impl Reader {
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_return: false,
            at_start: true,
            event_bytes_max,
        }
    }

    /// Takes a piece of the stream and passes on the events that it completes.
    pub fn push<E: From<SseError>>(
        &mut self,
        bytes: &[u8],
        mut on_event: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end);
            rest = match tail {
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
                [] => &[],
            };
            self.check_room(self.line.len().saturating_add(line.len()))?;
            if self.line.is_empty() {
                self.take_line(line, &mut on_event)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                let taken = self.take_line(&whole, &mut on_event);
                // The buffer is kept for the next line that arrives in pieces.
                whole.clear();
                self.line = whole;
                taken?;
            }
        }
        self.check_room(self.line.len().saturating_add(rest.len()))?;
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// The stream has ended. An event that lacks only its blank line is still passed on, because
    /// servers forget it.
    pub fn finish<E: From<SseError>>(
        &mut self,
        mut on_event: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, &mut on_event)?;
        }
        self.take_line(b"", &mut on_event)
    }

    fn take_line<E: From<SseError>>(
        &mut self,
        line: &[u8],
        on_event: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let line = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let (field, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                self.check_room(self.data.len().saturating_add(value.len()))?;
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.check_room(value.len())?;
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Comments have an empty field name; `id` and `retry` mean nothing here.
            _ => {}
        }
        Ok(())
    }

    fn dispatch<E>(
        &mut self,
        on_event: &mut impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let result = if std::mem::take(&mut self.has_data) {
            on_event(Event { name: &self.name, data: &self.data })
        } else {
            Ok(())
        };
        self.name.clear();
        self.data.clear();
        result
    }

    const fn check_room(&self, bytes: usize) -> Result<(), SseError> {
        if bytes > self.event_bytes_max {
            Err(SseError::TooLarge(self.event_bytes_max))
        } else {
            Ok(())
        }
    }
}

/// Writes one event that has only data.
pub fn write_data(out: &mut BytesMut, data: &str) {
    for line in data.split('\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"\n");
}

/// Writes one named event.
pub fn write_event(out: &mut BytesMut, name: &str, data: &str) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\n");
    write_data(out, data);
}

/// Writes a comment, which readers skip: it keeps a connection from looking dead.
pub fn write_comment(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(b": ");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<(String, String)>, SseError> {
        let mut reader = Reader::new(64);
        let mut events = Vec::new();
        let mut keep = |event: Event<'_>| {
            events.push((
                String::from_utf8_lossy(event.name).into_owned(),
                String::from_utf8_lossy(event.data).into_owned(),
            ));
            Ok::<(), SseError>(())
        };
        for piece in pieces {
            reader.push(piece, &mut keep)?;
        }
        reader.finish(&mut keep)?;
        Ok(events)
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let bytes = text.as_bytes();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, data)| ((*name).into(), (*data).into())).collect();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(read(&[left, right]).as_ref(), Ok(&expected), "{text:?} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), Ok(expected), "{text:?} byte by byte");
    }

    #[test]
    fn every_line_end_and_field_is_understood() {
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
        check("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
        check(": hello\n\nid: 7\nretry: 10\nevent: ping\ndata:x\n\n", &[("ping", "x")]);
        check("data: a\ndata:  b\ndata\n\n", &[("", "a\n b\n")]);
        check("data:\n\n\n\n", &[("", "")]);
        check("\u{feff}data: a\n\n", &[("", "a")]);
        check("event: lost\n\ndata: a\n\n", &[("", "a")]);
        check("", &[]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_still_read() {
        check("data: a\n\ndata: [DONE]", &[("", "a"), ("", "[DONE]")]);
        check("data: [DONE]\n", &[("", "[DONE]")]);
    }

    #[test]
    fn an_endless_line_or_event_is_refused() {
        let line = [b'x'; 65];
        assert_eq!(read(&[&line]), Err(SseError::TooLarge(64)));
        let halves = [&line[..40], &line[..40]];
        assert_eq!(read(&halves), Err(SseError::TooLarge(64)));
        let lines = "data: 123456789012345678901234567890\n".repeat(3);
        assert_eq!(read(&[lines.as_bytes()]), Err(SseError::TooLarge(64)));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = BytesMut::new();
        write_comment(&mut out, "ENTREPOT PROCESSING");
        write_data(&mut out, "one\ntwo");
        write_event(&mut out, "done", "{}");
        let expected = vec![(String::new(), "one\ntwo".into()), ("done".into(), "{}".into())];
        assert_eq!(read(&[&out]), Ok(expected));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_cuts_change_nothing(bytes: Vec<u8>, cut: prop::sample::Index) {
            let cut = cut.index(bytes.len() + 1);
            let (left, right) = bytes.split_at(cut);
            prop_assert_eq!(read(&[&bytes]), read(&[left, right]));
        }
    }
}
