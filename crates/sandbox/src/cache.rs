//! What a provider would still remember of earlier prompts.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::answer::Usage;
use crate::canonical::canonical;
use crate::understood::{CacheMark, Understood};

/// How many prefixes are remembered; the oldest is forgotten first.
const PREFIXES_MAX: usize = 4_096;

type Prefix = [u8; 32];

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    prefixes: HashSet<Prefix>,
    order: VecDeque<Prefix>,
}

/// A place in a prompt.
struct Place<'a> {
    prefix: Prefix,
    /// From the beginning to here.
    tokens: usize,
    mark: Option<&'a CacheMark>,
}

impl Cache {
    /// Fills in what is read and written of a prompt. Without a mark, providers that cache by
    /// themselves (`is_automatic`) are taken to know half of a long prompt, in steps of 128.
    pub(crate) fn count(
        &self,
        provider: &str,
        asked: &Understood,
        is_automatic: bool,
        usage: &mut Usage,
    ) {
        let places = places(provider, asked);
        let Some(last) = places.iter().rposition(|place| place.mark.is_some()) else {
            if is_automatic && usage.prompt >= 1_024 {
                usage.cache_read = usage.prompt / 2 / 128 * 128;
            }
            return;
        };
        let marked = places.get(..=last).unwrap_or_default();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = marked.iter().rposition(|place| known.prefixes.contains(&place.prefix));
        let mut counted = read.and_then(|index| marked.get(index)).map_or(0, |place| place.tokens);
        usage.cache_read = counted;
        for place in marked.iter().skip(read.map_or(0, |index| index + 1)) {
            let Some(mark) = place.mark else { continue };
            let written = place.tokens.saturating_sub(counted);
            counted = place.tokens;
            match mark.ttl.as_deref() {
                Some("1h") => usage.cache_write_hour += written,
                _ => usage.cache_write += written,
            }
            known.remember(place.prefix);
        }
    }
}

impl Known {
    fn remember(&mut self, prefix: Prefix) {
        if !self.prefixes.insert(prefix) {
            return;
        }
        self.order.push_back(prefix);
        if self.order.len() > PREFIXES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.prefixes.remove(&oldest);
        }
    }
}

fn places<'a>(provider: &str, asked: &'a Understood) -> Vec<Place<'a>> {
    let mut hash = Sha256::new();
    let mut tokens = 0;
    hash.update(format!("{provider}\n{}\n", asked.model));
    let mut places: Vec<Place<'a>> = asked
        .walk()
        .map(|(value, length, mark)| {
            hash.update(canonical(&value));
            hash.update("\n");
            tokens += length;
            Place { prefix: hash.clone().finalize().into(), tokens, mark }
        })
        .collect();
    if let (Some(mark), Some(last)) = (&asked.automatic_cache, places.last_mut()) {
        last.mark = last.mark.or(Some(mark));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understood::{Part, Role};

    fn asked(marked: &[&str], rest: &str) -> Understood {
        let mut asked = Understood::default();
        for text in marked {
            let mut part = Part::text(*text);
            part.mark(CacheMark::default());
            asked.system.push(part);
        }
        asked.say(Role::User, vec![Part::text(rest)]);
        asked
    }

    fn check(cache: &Cache, asked: &Understood, read: usize, written: usize) {
        let mut usage = Usage::default();
        cache.count("p", asked, false, &mut usage);
        assert_eq!((usage.cache_read, usage.cache_writes()), (read, written));
    }

    #[test]
    fn marked_prefixes_are_written_once_and_read_after() {
        let cache = Cache::default();
        let long = "x".repeat(400);
        check(&cache, &asked(&[&long], "one"), 0, 100);
        check(&cache, &asked(&[&long], "two"), 100, 0);
        check(&cache, &asked(&[&long, &long], "two"), 100, 100);
        check(&cache, &asked(&["other"], "two"), 0, 2);
        check(&cache, &asked(&[], "two"), 0, 0);
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Cache::default();
        for number in 0..PREFIXES_MAX + 10 {
            check(&cache, &asked(&[&format!("{number:08}")], ""), 0, 2);
        }
        let known = cache.0.lock().unwrap();
        assert_eq!((known.prefixes.len(), known.order.len()), (PREFIXES_MAX, PREFIXES_MAX));
    }
}
