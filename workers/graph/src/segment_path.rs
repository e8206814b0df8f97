//! Where the segment of a generation lies: `MARKETPLACE/GENERATION.segment` under the store's root.

use object_store::path::Path;
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::MarketplaceId;

const ENDING: &str = ".segment";

/// The folder of a marketplace; characters that no path may hold are escaped.
pub(crate) fn folder(marketplace: &MarketplaceId) -> Path {
    Path::from_iter([marketplace.as_str()])
}

/// The path of a generation's own segment.
pub(crate) fn of(marketplace: &MarketplaceId, no: GenerationNo) -> String {
    folder(marketplace).join(format!("{no}{ENDING}")).to_string()
}

/// The generation whose segment lies at `path`; `None` for other files.
pub(crate) fn generation(path: &Path) -> Option<GenerationNo> {
    path.filename()?
        .strip_suffix(ENDING)?
        .parse()
        .ok()
        .map(GenerationNo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_marketplace_has_a_folder_of_its_own() {
        let plain = of(&MarketplaceId::new("demo").unwrap(), GenerationNo(7));
        assert_eq!(plain, "demo/7.segment");
        for id in ["..", "a/b", "外套", "a b", "."] {
            let path = of(&MarketplaceId::new(id).unwrap(), GenerationNo(7));
            let parsed = Path::parse(&path).unwrap();
            assert_eq!(parsed.parts().count(), 2, "{path}");
            assert_eq!(generation(&parsed), Some(GenerationNo(7)));
        }
        assert_eq!(generation(&Path::from("demo/7.segment#1")), None);
    }
}
