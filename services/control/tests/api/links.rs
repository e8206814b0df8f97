use tandem_proto::v1 as pb;

use crate::house::{NOW, on_both};
use crate::samples::{creation, deletion, pin, second, stock_up};

async fn link(
    links: &mut pb::links_client::LinksClient<tonic::transport::Channel>,
    link: pb::Link,
) -> pb::Link {
    links
        .create_link(creation(link))
        .await
        .expect("the link is made")
        .into_inner()
}

fn ids(links: &[pb::Link]) -> Vec<&str> {
    links.iter().map(|link| link.link_id.as_str()).collect()
}

on_both! {
    async fn a_link_comes_back_as_it_was_made(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b"]).await;
        let mut links = control.links;
        let asked = pb::Link {
            effect: pb::LinkEffect::Boost.into(),
            position: 0,
            factor: 1.5,
            relation: pb::Relation::Complement.into(),
            surface_id: "cart".to_owned(),
            valid_from_time: second(1_700_000_000),
            valid_until_time: second(1_800_000_000),
            reason: "they sell together".to_owned(),
            ..pin("a", "b", 1)
        };
        let made = link(&mut links, asked.clone()).await;
        let expected = pb::Link {
            link_id: made.link_id.clone(),
            shop_id: "default".to_owned(),
            author: "insecure".to_owned(),
            create_time: second(NOW.as_ms() / 1_000),
            etag: made.etag.clone(),
            ..asked
        };
        assert_eq!(made, expected);
        let listed = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner();
        assert_eq!(listed.links, [made]);
        assert_eq!(listed.next_page_token, "");
    }

    async fn pages_meet_without_gap_or_overlap(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b", "c", "d"]).await;
        let mut links = control.links;
        for (anchor, companion) in [("a", "b"), ("a", "c"), ("b", "a"), ("c", "a"), ("c", "d")] {
            link(&mut links, pin(anchor, companion, 1)).await;
        }
        let all = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner().links;
        assert_eq!(all.len(), 5);
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListLinksRequest { page_size: 2, page_token: token, ..Default::default() };
            let page = links.list_links(request).await.unwrap().into_inner();
            seen.extend(page.links);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(ids(&seen), ids(&all));
        let request = pb::ListLinksRequest { anchor_product_id: "c".to_owned(), ..Default::default() };
        let of_c = links.list_links(request).await.unwrap().into_inner().links;
        assert_eq!(of_c.len(), 2);
    }

    async fn a_deleted_link_stays_as_a_tombstone(house: House) {
        let control = house.control().await;
        stock_up(&control, &["a", "b"]).await;
        let mut links = control.links;
        let made = link(&mut links, pin("a", "b", 1)).await;
        let request = deletion(&[(&made.link_id, &made.etag)]);
        assert_eq!(links.delete_links(request).await.unwrap().into_inner().deleted_count, 1);
        let again = deletion(&[(&made.link_id, "")]);
        assert_eq!(links.delete_links(again).await.unwrap().into_inner().deleted_count, 0);

        let living = links.list_links(pb::ListLinksRequest::default()).await.unwrap().into_inner().links;
        assert!(living.is_empty());
        let request = pb::ListLinksRequest { show_deleted: true, ..Default::default() };
        let all = links.list_links(request).await.unwrap().into_inner().links;
        assert_eq!(ids(&all), [made.link_id.as_str()]);
        assert!(all[0].delete_time.is_some());
        // The place is free again.
        link(&mut links, pin("a", "b", 2)).await;
    }
}
