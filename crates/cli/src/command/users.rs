//! `tandem users`: users who are to be forgotten.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use tandem_client::Connection;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::user_erasure::State;
use tandem_proto::v1::{EraseUserRequest, GetUserErasureRequest, UserErasure};

use crate::args::Common;
use crate::client::explain;
use crate::usage::Usage;
use crate::{output, progress};

/// What to do with users.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  tandem users erase u17850 --yes --reason 'they asked for it'\n  tandem users erasure 7"
)]
pub enum Users {
    /// Delete every event and order of a user, those without a name in the same sessions and orders among them. This cannot
    /// be undone. The graph counts the user no more from the next full build on.
    #[command(
        after_help = "Examples:\n  tandem users erase u17850 --yes --reason 'they asked for it'\n  tandem users erase u17850 --yes --no-wait --json"
    )]
    Erase(Erase),
    /// How an erasure goes, or went.
    #[command(after_help = "Examples:\n  tandem users erasure 7\n  tandem users erasure 7 --json")]
    Erasure {
        /// Its number.
        id: u64,
    },
}

/// Whom to erase.
#[derive(Debug, Args)]
pub struct Erase {
    /// The pseudonym that events name the user by.
    #[arg(value_name = "USER")]
    user: String,
    /// It is meant: what is deleted cannot be brought back.
    #[arg(long)]
    yes: bool,
    /// Why, for the audit trail.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Return at once instead of waiting for the end.
    #[arg(long)]
    no_wait: bool,
}

/// Carries out the command.
///
/// # Errors
/// When an erasure is not confirmed, nothing answers, or the answer is an error.
pub async fn run(common: &Common, users: Users) -> Result<()> {
    if let Users::Erase(Erase { user, yes: false, .. }) = &users {
        bail!(Usage(format!(
            "what is deleted of {user} cannot be brought back: say --yes"
        )));
    }
    let mut client = OperationsClient::new(common.control().await?);
    let erasure = match users {
        Users::Erase(erase) => {
            let request = EraseUserRequest {
                user_id: erase.user,
                reason: erase.reason,
                request_id: String::new(),
            };
            let answer = client.erase_user(request).await.map_err(|s| explain(&s))?;
            let erasure = answer.into_inner();
            match erase.no_wait {
                true => erasure,
                false => wait(&mut client, erasure).await?,
            }
        }
        Users::Erasure { id } => look(&mut client, id).await?,
    };
    print(common, &erasure)
}

async fn look(client: &mut OperationsClient<Connection>, id: u64) -> Result<UserErasure> {
    let request = GetUserErasureRequest { user_erasure_id: id };
    let answer = client.get_user_erasure(request).await.map_err(|s| explain(&s))?;
    Ok(answer.into_inner())
}

async fn wait(client: &mut OperationsClient<Connection>, mut erasure: UserErasure) -> Result<UserErasure> {
    let spinner = progress::spinner("waiting for the events worker");
    let mut every = tokio::time::interval(Duration::from_millis(200));
    while erasure.state() == State::Waiting {
        every.tick().await;
        erasure = look(client, erasure.user_erasure_id).await?;
    }
    spinner.finish_and_clear();
    Ok(erasure)
}

fn print(common: &Common, erasure: &UserErasure) -> Result<()> {
    if common.json {
        return output::print_message("UserErasure", erasure);
    }
    let UserErasure {
        user_erasure_id: id,
        event_count: events,
        order_count: orders,
        stale_product_count: stale,
        ..
    } = erasure;
    let done = match erasure.state() {
        State::Erased => "done",
        State::Waiting | State::Unspecified => "waits for the events worker",
    };
    println!("erasure {id}: {done}; {events} events and {orders} orders deleted");
    if *stale > 0 {
        println!(
            "the lists of {stale} products count erased users until the next build, which comes by itself"
        );
    }
    Ok(())
}
