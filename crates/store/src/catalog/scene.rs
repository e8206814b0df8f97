//! Livestreams and videos with what they showed.

use tandem_domain::catalog::{Provenance, Scene};
use tandem_domain::id::MarketplaceId;

use crate::entity::{self, scene, scene_product, to_name};
use crate::error::Result;
use crate::write::Tx;

/// Writes a scene; what it showed takes the place of what was said before.
pub(super) async fn replace(tx: &Tx, marketplace: &MarketplaceId, scene: &Scene) -> Result<()> {
    let row = scene::Model {
        marketplace_id: marketplace.as_str().to_owned(),
        scene_id: scene.id.as_str().to_owned(),
        kind: to_name(&scene.kind),
        title: scene.title.clone(),
        generated: scene.provenance == Provenance::Generated,
    };
    entity::save::<scene::Entity>(tx, &[row]).await?;
    tx.execute(
        "DELETE FROM scene_products WHERE marketplace_id = $1 AND scene_id = $2",
        [marketplace.as_str().into(), scene.id.as_str().into()],
    )
    .await?;
    let shown = (0..)
        .zip(&scene.shown)
        .map(|(position, showing)| scene_product::Model {
            marketplace_id: marketplace.as_str().to_owned(),
            scene_id: scene.id.as_str().to_owned(),
            position,
            product_id: showing.product.as_str().to_owned(),
            shown_ms: showing.time.as_ms(),
        })
        .collect::<Vec<_>>();
    entity::save::<scene_product::Entity>(tx, &shown).await?;
    Ok(())
}
