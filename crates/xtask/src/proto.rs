//! The style of the proto files: a comment on everything, names that say what they name, and zero values.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, ServiceDescriptorProto};

use crate::command::root;

/// Checks every file under `proto/`.
///
/// # Errors
/// Names every element that breaks a rule.
pub(crate) fn run() -> Result<()> {
    let folder = root().join("proto");
    let mut files = Vec::new();
    collect(&folder.join("tandem"), &mut files)?;
    files.sort();
    let set = protox::compile(&files, [&folder]).context("the proto files do not compile")?;
    let ours: Vec<_> = set
        .file
        .iter()
        .filter(|file| file.package().starts_with("tandem."))
        .collect();
    let broken: Vec<String> = ours.iter().flat_map(|file| Lint::of(file).run()).collect();
    if broken.is_empty() {
        eprintln!("▸ proto: {} files keep the style", ours.len());
        return Ok(());
    }
    bail!("proto:\n  {}", broken.join("\n  "))
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// Field numbers of `FileDescriptorProto` and its parts, which make up the paths of source locations.
mod path {
    pub(super) const MESSAGES: i32 = 4;
    pub(super) const ENUMS: i32 = 5;
    pub(super) const SERVICES: i32 = 6;
    pub(super) const FIELDS: i32 = 2;
    pub(super) const NESTED: i32 = 3;
    pub(super) const NESTED_ENUMS: i32 = 4;
    pub(super) const VALUES: i32 = 2;
    pub(super) const METHODS: i32 = 2;
}

struct Lint<'a> {
    file: &'a FileDescriptorProto,
    comments: BTreeMap<&'a [i32], &'a str>,
    broken: Vec<String>,
}

impl<'a> Lint<'a> {
    fn of(file: &'a FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations
            .map(|at| (at.path.as_slice(), at.leading_comments()))
            .collect();
        Self {
            file,
            comments,
            broken: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<String> {
        let file = self.file;
        (0..)
            .zip(&file.message_type)
            .for_each(|(i, message)| self.message(&[path::MESSAGES, i], message));
        (0..)
            .zip(&file.enum_type)
            .for_each(|(i, item)| self.enumeration(&[path::ENUMS, i], item));
        (0..)
            .zip(&file.service)
            .for_each(|(i, service)| self.service(&[path::SERVICES, i], service));
        self.broken
    }

    fn require(&mut self, holds: bool, name: &str, rule: &str) {
        if !holds {
            self.broken.push(format!("{}: {name} {rule}", self.file.name()));
        }
    }

    fn commented(&mut self, at: &[i32], name: &str) {
        let comment = self.comments.get(at).copied().unwrap_or_default();
        self.require(!comment.trim().is_empty(), name, "has no comment");
    }

    fn message(&mut self, at: &[i32], message: &DescriptorProto) {
        if message
            .options
            .as_ref()
            .is_some_and(prost_types::MessageOptions::map_entry)
        {
            return;
        }
        self.commented(at, message.name());
        self.require(is_pascal(message.name()), message.name(), "is not PascalCase");
        for (i, field) in (0..).zip(&message.field) {
            let name = format!("{}.{}", message.name(), field.name());
            self.commented(&[at, &[path::FIELDS, i]].concat(), &name);
            self.require(is_snake(field.name()), &name, "is not snake_case");
        }
        for (i, nested) in (0..).zip(&message.nested_type) {
            self.message(&[at, &[path::NESTED, i]].concat(), nested);
        }
        for (i, nested) in (0..).zip(&message.enum_type) {
            self.enumeration(&[at, &[path::NESTED_ENUMS, i]].concat(), nested);
        }
    }

    fn enumeration(&mut self, at: &[i32], item: &EnumDescriptorProto) {
        self.commented(at, item.name());
        let prefix = screaming(item.name());
        let zero = format!("{prefix}_UNSPECIFIED");
        let first = item.value.first().map_or("", |value| value.name());
        self.require(first == zero, item.name(), &format!("does not begin with {zero}"));
        for (i, value) in (0..).zip(&item.value) {
            self.commented(&[at, &[path::VALUES, i]].concat(), value.name());
            let prefixed = value.name().starts_with(&format!("{prefix}_"));
            self.require(prefixed, value.name(), &format!("does not begin with {prefix}_"));
        }
    }

    fn service(&mut self, at: &[i32], service: &ServiceDescriptorProto) {
        self.commented(at, service.name());
        for (i, method) in (0..).zip(&service.method) {
            let name = format!("{}.{}", service.name(), method.name());
            self.commented(&[at, &[path::METHODS, i]].concat(), &name);
            let request = format!(".{}.{}Request", self.file.package(), method.name());
            self.require(
                method.input_type() == request,
                &name,
                &format!("does not take {request}"),
            );
        }
    }
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn screaming(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
