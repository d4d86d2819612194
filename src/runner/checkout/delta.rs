//! An object that a pack stores as its difference to another one.

/// The object, from the one it is a difference to. `None` when the two do not fit each other.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut delta = delta.iter().copied();
    let from = size(&mut delta)?;
    let to = size(&mut delta)?;
    if from != base.len() {
        return None;
    }
    let mut object = Vec::new();
    while let Some(order) = delta.next() {
        match order {
            0 => return None,
            copy if copy & 0x80 != 0 => {
                let offset = number(copy, 4, &mut delta)?;
                let length = match number(copy >> 4, 3, &mut delta)? {
                    0 => 0x1_0000,
                    length => length,
                };
                object.extend(base.get(offset..offset.checked_add(length)?)?);
            }
            length => {
                for _ in 0..length {
                    object.push(delta.next()?);
                }
            }
        }
        if object.len() > to {
            return None;
        }
    }
    (object.len() == to).then_some(object)
}

/// Seven bits a byte, the least first, as long as the highest bit is set.
fn size(bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = bytes.next()?;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// The bytes that `mask` says are there, the least first; the others are zero.
fn number(mask: u8, most: u32, bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut number = 0_usize;
    for position in 0..most {
        if mask & (1 << position) != 0 {
            number |= usize::from(bytes.next()?) << (position * 8);
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn copies_and_inserts_make_the_object() {
        let base = b"parent a\nparent b\n";
        let delta = [18, 15, 0x90, 9, 3, b'x', b'y', b'\n', 0x91, 15, 3];
        assert_eq!(apply(base, &delta).unwrap(), b"parent a\nxy\n b\n");
        assert_eq!(apply(b"another base", &delta), None);
        assert_eq!(apply(base, &[18, 2, 0x91, 17, 2]), None, "beyond the end");
        assert_eq!(apply(base, &[18, 1, 0]), None);
        assert_eq!(apply(base, &[18, 3, 2, b'a', b'b']), None, "too short");
        assert_eq!(apply(base, &[0x80; 20]), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(base in prop::collection::vec(any::<u8>(), 0..40), delta in prop::collection::vec(any::<u8>(), 0..40)) {
            apply(&base, &delta);
        }
    }
}
