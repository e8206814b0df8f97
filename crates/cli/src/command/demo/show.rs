//! What a person sees.

use std::time::Duration;

use anyhow::Result;
use tandem_proto::v1::{RelatedProduct, Relation};

use super::Talk;
use super::scene::{Scene, Sight};
use crate::command::query::{bundle_text, money_text, why};
use crate::host::Host;

/// The anchor with everything that goes with it.
pub(super) async fn opening(scene: &mut Scene, talk: &Talk) -> Result<()> {
    let product = scene.product().await?;
    let price = product.price.as_ref().map(money_text).unwrap_or_default();
    talk.say(format!(
        "3. What goes with {} · {} · {price}",
        product.product_id, product.title
    ));
    let anchor = scene.anchor.clone();
    for (relation, words) in [
        (
            Relation::Complement,
            "complements: bought along, another category",
        ),
        (
            Relation::Substitute,
            "substitutes: the same need, another product",
        ),
        (Relation::Upsell, "upsells: the same category, better and dearer"),
        (Relation::Series, "same series, else same brand"),
    ] {
        talk.say(format!("   {words}"));
        for item in scene.companions(&anchor, relation).await? {
            talk.say(format!("     {}", line(&item)));
        }
    }
    let sight = scene.look().await?;
    if let Some(set) = &sight.bundle {
        talk.say("   a set that can be bought now");
        talk.say(indented(&bundle_text(set)));
    }
    Ok(())
}

/// The same after a companion sold out.
pub(super) fn sold_out(scene: &Scene, sight: &Sight, gone: Duration, talk: &Talk) {
    talk.say(format!(
        "4. {} sells out (ReportStock, 0 units). Gone {:.1} ms after the acknowledgement; the list is filled up, the set mended:",
        scene.dropped,
        gone.as_secs_f64() * 1e3
    ));
    for item in &sight.list {
        talk.say(format!("     {}", line(item)));
    }
    match &sight.bundle {
        Some(set) => talk.say(indented(&bundle_text(set))),
        None => talk.say("     no set is left that can be bought"),
    }
}

fn line(item: &RelatedProduct) -> String {
    let card = item.card.clone().unwrap_or_default();
    let why = why(item);
    let label = if item.generated {
        " [rests on generated data]"
    } else {
        ""
    };
    let price = card.price.as_ref().map(money_text).unwrap_or_default();
    format!(
        "{:<8} {:<40} {:>10}  {why}{label}",
        item.product_id, card.title, price
    )
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("     {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Ready-made commands to try while it serves.
pub(super) fn commands(host: &Host, anchor: &str, talk: &Talk) {
    let target = host.gateway.trim_start_matches("http://");
    talk.say(format!(
        "
It keeps serving: gateway {gateway}, control {control}. In another terminal:
  export TANDEM_GATEWAY={gateway} TANDEM_CONTROL={control}
  tandem query related {anchor} --relation complement
  tandem query bundles {anchor}
  tandem query basket {anchor} --size 5
  tandem generations list
  grpcurl -plaintext -d '{{\"product_id\":\"{anchor}\"}}' {target} tandem.v1.RelatedProducts/ListRelatedProducts
Ctrl-C ends it.",
        gateway = host.gateway,
        control = host.control,
    ));
}
