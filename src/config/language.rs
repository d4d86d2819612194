//! The languages of reports, each with its word in the setting `language`.

macro_rules! languages {
    ($($(#[$attribute:meta])* $name:ident = $code:literal,)*) => {
        /// The language of messages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Language { $($(#[$attribute])* $name,)* }

        impl Language {
            /// The words of the setting.
            pub(super) const CODES: &'static [&'static str] = &[$($code,)*];

            /// The language that a word of the setting means.
            pub(super) fn named(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

languages! {
    #[default]
    English = "en",
    Korean = "ko",
}
