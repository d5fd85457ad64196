//! What is carried of a past, as bytes: numbers as they are in memory, little endian, lists with their length before them.

/// Something that can be written down and read again, the same to the bit.
pub(crate) trait Carried: Sized {
    /// Appends it.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Takes it from the beginning of `bytes`; `None` when it is not there whole.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Carried for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*number))
            }
        }
    )*};
}

numbers!(u8, i32, u64, i64, i128, f64);

impl Carried for [u8; 32] {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (own, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*own)
    }
}

impl Carried for usize {
    fn put(&self, bytes: &mut Vec<u8>) {
        (*self as u64).put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        usize::try_from(u64::take(bytes)?).ok()
    }
}

impl Carried for bool {
    fn put(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<T: Carried> Carried for Vec<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.len().put(bytes);
        self.iter().for_each(|one| one.put(bytes));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let count = usize::take(bytes)?;
        // Each takes a byte at least: a length that was damaged asks for no memory.
        let mut all = Self::with_capacity(count.min(bytes.len()));
        for _ in 0..count {
            all.push(T::take(bytes)?);
        }
        Some(all)
    }
}

impl<T: Carried> Carried for Option<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_some().put(bytes);
        if let Some(one) = self {
            one.put(bytes);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Some(T::take(bytes)?) } else { None })
    }
}

impl Carried for String {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_bytes().to_vec().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(Vec::take(bytes)?).ok()
    }
}

/// A struct or a tuple is its fields, one after the other.
macro_rules! carried {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::kernel::bytes::Carried for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                $($crate::kernel::bytes::Carried::put(&self.$field, bytes);)*
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                $(let $field = $crate::kernel::bytes::Carried::take(bytes)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}
pub(crate) use carried;

impl<A: Carried, B: Carried> Carried for (A, B) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::take(bytes)?, B::take(bytes)?))
    }
}

impl<A: Carried, B: Carried, C: Carried> Carried for (A, B, C) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
        self.2.put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::take(bytes)?, B::take(bytes)?, C::take(bytes)?))
    }
}

/// Everything of which there is one, shared or not.
impl<T: Carried> Carried for std::sync::Arc<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        T::put(self, bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        T::take(bytes).map(Self::new)
    }
}
