//! `tandem deadletter`: changes that no worker could project, and rows of the inbox that were refused.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use tandem_client::Connection;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::{
    DeadLetter, DropDeadLettersRequest, GetDeadLetterRequest, ListDeadLettersRequest,
    ReplayDeadLettersRequest,
};

use crate::args::Common;
use crate::client::explain;
use crate::output;

/// Most letters that one call settles.
const BATCH: usize = 500;

/// What to do with changes that were set aside.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem deadletter list\n  tandem deadletter show 7\n  tandem deadletter replay 7 --reason 'the key is mended'\n  tandem deadletter drop --all --reason 'a full pass put them'"
)]
pub enum Deadletter {
    /// Newest first.
    #[command(
        after_help = "Examples:\n  tandem deadletter list\n  tandem deadletter list --size 10 --json\n  tandem deadletter list --page-token TOKEN"
    )]
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        size: i32,
        /// Go on where an earlier page ended.
        #[arg(long, default_value = "", hide_default_value = true)]
        page_token: String,
    },
    /// One of them with its change.
    #[command(after_help = "Examples:\n  tandem deadletter show 7\n  tandem deadletter show 7 --json")]
    Show {
        /// Its number.
        id: u64,
    },
    /// Send changes once more. Harmless: an older one than what was projected since changes nothing.
    #[command(
        after_help = "Examples:\n  tandem deadletter replay 7 8\n  tandem deadletter replay --all --reason 'Redis was full'"
    )]
    Replay(Which),
    /// Forget letters. What a change said stands in SQL; what a row of the inbox said is lost.
    #[command(
        after_help = "Examples:\n  tandem deadletter drop 7 --reason 'garbage'\n  tandem deadletter drop --all"
    )]
    Drop(Which),
}

/// Which ones, and why.
#[derive(Debug, Args)]
pub struct Which {
    /// Their numbers.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ID")]
    ids: Vec<u64>,
    /// All that wait now.
    #[arg(long)]
    all: bool,
    /// Why, for the audit trail.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Carries out the command.
///
/// # Errors
/// When nothing answers, or the answer is an error.
pub async fn run(common: &Common, deadletter: Deadletter) -> Result<()> {
    let mut client = OperationsClient::new(common.control().await?);
    match deadletter {
        Deadletter::List { size, page_token } => {
            let request = ListDeadLettersRequest {
                page_size: size,
                page_token,
            };
            let answer = client.list_dead_letters(request).await;
            let answer = answer.map_err(|s| explain(&s))?.into_inner();
            if common.json {
                return output::print_message("ListDeadLettersResponse", &answer);
            }
            print_table(&answer.dead_letters);
            output::more(&answer.next_page_token);
            Ok(())
        }
        Deadletter::Show { id } => {
            let request = GetDeadLetterRequest { dead_letter_id: id };
            let answer = client.get_dead_letter(request).await;
            let answer = answer.map_err(|s| explain(&s))?.into_inner();
            if common.json {
                return output::print_message("DeadLetter", &answer);
            }
            print_table(std::slice::from_ref(&answer));
            println!("{}", answer.change_json);
            Ok(())
        }
        Deadletter::Replay(which) => {
            let (ids, reason) = chosen(&mut client, which).await?;
            let mut replayed = 0;
            for ids in ids.chunks(BATCH) {
                let request = ReplayDeadLettersRequest {
                    dead_letter_ids: ids.to_vec(),
                    reason: reason.clone(),
                    request_id: String::new(),
                };
                let answer = client.replay_dead_letters(request).await;
                replayed += answer.map_err(|s| explain(&s))?.into_inner().replayed_count;
            }
            tell(common, "replayed", replayed)
        }
        Deadletter::Drop(which) => {
            let (ids, reason) = chosen(&mut client, which).await?;
            let mut dropped = 0;
            for ids in ids.chunks(BATCH) {
                let request = DropDeadLettersRequest {
                    dead_letter_ids: ids.to_vec(),
                    reason: reason.clone(),
                    request_id: String::new(),
                };
                let answer = client.drop_dead_letters(request).await;
                dropped += answer.map_err(|s| explain(&s))?.into_inner().dropped_count;
            }
            tell(common, "dropped", dropped)
        }
    }
}

/// The letters that are named, or all that wait, the oldest first.
async fn chosen(client: &mut OperationsClient<Connection>, which: Which) -> Result<(Vec<u64>, String)> {
    if !which.all {
        return Ok((which.ids, which.reason));
    }
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDeadLettersRequest {
            page_size: i32::try_from(BATCH)?,
            page_token,
        };
        let answer = client.list_dead_letters(request).await;
        let answer = answer.map_err(|s| explain(&s))?.into_inner();
        ids.extend(answer.dead_letters.iter().map(|letter| letter.dead_letter_id));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if ids.is_empty() {
        bail!("no dead letter waits");
    }
    ids.reverse();
    Ok((ids, which.reason))
}

fn tell(common: &Common, done: &str, count: u64) -> Result<()> {
    if common.json {
        return output::print_json(&serde_json::json!({ done: count }));
    }
    println!("{done} {count}");
    Ok(())
}

fn print_table(letters: &[DeadLetter]) {
    let mut table = output::table(&["id", "about", "tries", "since", "why"]);
    for letter in letters {
        let subject = match letter.subject.as_str() {
            "" => "unreadable",
            subject => subject,
        };
        let since = letter
            .create_time
            .map(|time| time.to_string())
            .unwrap_or_default();
        table.add_row([
            letter.dead_letter_id.to_string(),
            subject.to_owned(),
            letter.attempts.to_string(),
            since,
            letter.reason.clone(),
        ]);
    }
    println!("{table}");
}
