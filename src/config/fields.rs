//! Reads one setting at a time and notes what is wrong with it.

use std::fmt::Display;
use std::str::FromStr;

use super::problems::Problems;
use super::raw::Raw;
use super::schema::{self, SettingKind};
use crate::protocol::span::Span;

/// The texts and the problems found in them.
pub(super) struct Fields<'a> {
    pub(super) raw: &'a Raw,
    pub(super) problems: Problems,
}

impl<'a> Fields<'a> {
    pub(super) fn new(raw: &'a Raw, problems: Problems) -> Self {
        Self { raw, problems }
    }

    /// The text of a setting that may be left out.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.raw.text(key)
    }

    /// The text of a setting that must be there.
    pub(super) fn required(&mut self, key: &str, cure: &str) -> Option<&'a str> {
        let text = self.raw.text(key);
        if text.is_none() {
            self.problems.add(format!("`{key}` is missing"), cure);
        }
        text
    }

    /// Notes that the text of `key` is wrong; `what` reads on from the key's name.
    pub(super) fn wrong(&mut self, key: &str, what: impl Display, cure: impl Into<String>) {
        self.problems.add(format!("`{key}`: {what}"), cure);
    }

    /// The text as a type whose error says what was expected.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, key: &str, cure: &str) -> Option<T> {
        let text = self.raw.text(key)?;
        self.parse(key, text, cure)
    }

    /// A part of the text of `key` as a type whose error says what was expected.
    pub(super) fn parse<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
        text: &str,
        cure: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(key, error, cure);
                None
            }
        }
    }

    /// A duration of at least `least`.
    pub(super) fn span(&mut self, key: &str, least: Span) -> Option<Span> {
        let span: Span = self.parsed(key, "write a number and its unit, such as `30s`")?;
        if span < least {
            self.wrong(
                key,
                format!("`{span}` is too short"),
                format!("write at least `{least}`"),
            );
            return None;
        }
        Some(span)
    }

    /// A whole number of at least `least`.
    pub(super) fn int(&mut self, key: &str, least: u16, cure: &str) -> Option<u16> {
        let text = self.raw.text(key)?;
        match text.parse() {
            Ok(number) if number >= least => Some(number),
            Ok(_) | Err(_) => {
                let what = format!(
                    "`{text}` is not a whole number from {least} to {}",
                    u16::MAX
                );
                self.wrong(key, what, cure);
                None
            }
        }
    }

    /// One of two values for a setting that says yes or no.
    pub(super) fn flag<T>(&mut self, key: &str, yes: T, no: T) -> Option<T> {
        let text = self.raw.text(key)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(yes),
            "false" | "no" | "off" | "0" => Some(no),
            _ => {
                let what = format!("`{text}` is neither yes nor no");
                self.wrong(key, what, "write `true` or `false`");
                None
            }
        }
    }

    /// One of the words that the schema allows.
    pub(super) fn choice(&mut self, key: &str) -> Option<&'static str> {
        let text = self.raw.text(key)?;
        let Some(SettingKind::Choice(words)) = schema::find(key).map(|setting| setting.kind) else {
            return None;
        };
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let cure = format!("write {}", quoted.join(" or "));
            self.wrong(key, format!("`{text}` is not one of its words"), cure);
        }
        found
    }

    /// The entries of a list, without blank ones.
    pub(super) fn list(&self, key: &str) -> Vec<&'a str> {
        let lines = schema::find(key).is_some_and(|setting| setting.kind == SettingKind::Lines);
        let entries = self.raw.text(key).unwrap_or_default();
        entries
            .split(|c| c == '\n' || (c == ',' && !lines))
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect()
    }

    /// Each entry of a list as a type; `None` when one of them is wrong.
    pub(super) fn parsed_list<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
        cure: &str,
    ) -> Option<Vec<T>> {
        let entries = self.list(key);
        let values: Vec<Option<T>> = entries
            .into_iter()
            .map(|entry| self.parse(key, entry, cure))
            .collect();
        values.into_iter().collect()
    }
}
