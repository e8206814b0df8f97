//! What every command says of itself.

use clap::CommandFactory;
use tandem_cli::args::Arguments;

/// Every command with all its words, the whole first.
fn commands() -> Vec<clap::Command> {
    let mut whole = Arguments::command().term_width(100).disable_help_subcommand(true);
    whole.build();
    let mut found = vec![whole];
    let mut next = 0;
    while let Some(command) = found.get(next) {
        let below: Vec<_> = command.get_subcommands().cloned().collect();
        found.extend(below);
        next += 1;
    }
    found
}

fn name(command: &clap::Command) -> String {
    command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned()
}

/// Without the values that variables of this machine give to options.
fn help(command: &mut clap::Command) -> String {
    let named = command
        .clone()
        .mut_args(|argument| argument.hide_env_values(true));
    *command = named;
    command.render_long_help().to_string()
}

#[test]
fn the_definition_holds_together() {
    Arguments::command().debug_assert();
}

#[test]
fn every_command_has_examples_that_name_it() {
    for mut command in commands() {
        let (name, help) = (name(&command), help(&mut command));
        let examples = help.split_once("Examples:\n").map(|(_, examples)| examples);
        let examples = examples.unwrap_or_else(|| panic!("{name} --help has no examples"));
        assert!(
            examples.contains(&format!("  {name}")),
            "the examples of {name} show something else:\n{examples}"
        );
    }
}

#[test]
fn examples_can_be_parsed() {
    for mut command in commands() {
        for example in examples(&help(&mut command)) {
            if let Err(error) = Arguments::command().try_get_matches_from(words(&example)) {
                panic!("{example}: {error}");
            }
        }
    }
}

/// As a shell would split them, up to where it redirects.
fn words(example: &str) -> Vec<String> {
    let command = example.split(" > ").next().unwrap_or_default();
    let quoted = command.split('\'').enumerate();
    quoted
        .flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

fn examples(help: &str) -> Vec<String> {
    let after = help
        .split_once("Examples:\n")
        .map(|(_, after)| after)
        .unwrap_or_default();
    after
        .lines()
        .take_while(|line| line.starts_with("  "))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn help_reads_as_before() {
    for mut command in commands() {
        let (name, help) = (name(&command), help(&mut command));
        insta::assert_snapshot!(name.replace(' ', "_"), help);
    }
}

#[test]
fn help_goes_to_stdout_and_what_cannot_be_parsed_ends_with_2() {
    let tandem = |args: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_tandem"))
            .args(args)
            .output()
            .unwrap()
    };
    let help = tandem(&["stock", "set", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: tandem stock set"));
    for wrong in [
        &["--frobnicate"][..],
        &["build", "--frobnicate"],
        &["import", "products"],
        &["demo", "--flips", "0"],
    ] {
        let refused = tandem(wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(
            refused.stdout.is_empty() && !refused.stderr.is_empty(),
            "{wrong:?}"
        );
    }
}
