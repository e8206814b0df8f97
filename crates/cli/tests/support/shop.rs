//! A small shop: four designs of cups, saucers and spoons, and the orders of eight months.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::serving::Dev;
use crate::tandem;

const ORDERS: u64 = 400;

/// A folder with the data of a `tandem dev` and the files to import.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    /// Writes the files.
    pub(crate) fn new() -> Self {
        let shop = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (events, _) = events();
        std::fs::write(shop.path().join("products.csv"), products()).unwrap();
        std::fs::write(shop.path().join("events.jsonl"), events).unwrap();
        std::fs::write(shop.path().join("stock.csv"), stock()).unwrap();
        shop
    }

    /// The folder that commands run in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the database and the segments.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The database of `tandem dev` on [`data`](Self::data).
    pub(crate) fn database(&self) -> String {
        format!("sqlite:{}?mode=rwc", self.data().join("tandem.db").display())
    }

    /// Imports all files; the reports of products, events and stock.
    pub(crate) fn import(&self) -> [serde_json::Value; 3] {
        let database = self.database();
        let import = |args: &[&str]| {
            tandem::json(
                self.path(),
                &[&["import"], args, &["--database", &database]].concat(),
            )
        };
        [
            import(&["products", "products.csv", "--default-skus"]),
            import(&["events", "events.jsonl"]),
            import(&["stock", "stock.csv"]),
        ]
    }

    /// Asks the parts of `dev` and reads the answer.
    pub(crate) fn ask(&self, dev: &Dev, args: &[&str]) -> serde_json::Value {
        tandem::json(
            self.path(),
            &[args, &["--gateway", &dev.gateway, "--control", &dev.control]].concat(),
        )
    }
}

const DESIGNS: [&str; 4] = ["roses", "stripes", "dots", "stars"];

fn products() -> String {
    let mut file = "id,title,category,brand,price,quality\n".to_owned();
    for (kind, price) in [("cup", 4), ("saucer", 3), ("spoon", 2)] {
        for (place, design) in DESIGNS.iter().enumerate() {
            writeln!(
                file,
                "{kind}-{design},{kind} with {design},{kind}s,Tableware,{price}.{place}5,0.7"
            )
            .unwrap();
        }
    }
    file
}

fn stock() -> String {
    let mut file = "sku_id,source,available,source_version\n".to_owned();
    for kind in ["cup", "saucer", "spoon"] {
        for design in DESIGNS {
            writeln!(file, "{kind}-{design},wms,40,1").unwrap();
        }
    }
    file
}

/// A cup in every order, its saucer in four of five, its spoon in three of five, another design's spoon in one of ten;
/// and how many events that makes.
pub(crate) fn events() -> (String, u64) {
    let mut file = String::new();
    let mut count = 0;
    for order in 0..ORDERS {
        let design = DESIGNS[(order % 4) as usize];
        let other = DESIGNS[((order + 1) % 4) as usize];
        let draw = order / 4 % 10;
        let lines = [
            (true, format!("cup-{design}")),
            (draw % 5 != 0, format!("saucer-{design}")),
            (draw % 5 > 1, format!("spoon-{design}")),
            (draw == 7, format!("spoon-{other}")),
        ];
        for (_, product) in lines.iter().filter(|(bought, _)| *bought) {
            let (month, day) = (order / 50 + 1, order % 28 + 1);
            let line = serde_json::json!({
                "event_id": format!("{order}/{product}"),
                "user_id": format!("u{}", order % 150),
                "session_or_order_id": format!("o{order}"),
                "product_id": product,
                "event_type": "purchase",
                "ts": format!("2025-{month:02}-{day:02}T10:00:00Z"),
            });
            writeln!(file, "{line}").unwrap();
            count += 1;
        }
    }
    (file, count)
}
