//! SIGTERM under load.

use std::time::Duration;

use tests::site::{HURRIED, Site};

use crate::gateways::{self, Gateways};
use crate::rows;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_stops_in_ten_seconds_with_everything_acknowledged_in_the_lake() {
    let Some(python) = tests::python() else { return };
    for config in ["", HURRIED] {
        let mut site = Site::start(config).await.unwrap();
        let gateways = Gateways::start(python, &site, 12);
        gateways::until_acknowledged(&site, 3_000).await;
        let (status, took) = site.sigterm().await.unwrap();
        assert!(status.success(), "{status}: {}", site.log_end());
        assert!(took < Duration::from_secs(10), "the contract is 10 s, it took {took:?}");
        let (acknowledged, sent) = (gateways::acknowledged(&site), gateways::sent(&site));
        rows::check(&rows::of_lake(python, site.data()).await, &acknowledged, &sent);
        site.verify(site.data()).await.unwrap();

        site.restart().await.unwrap();
        gateways::tell_port(&site);
        gateways.finish(&site).await;
        rows::check(&rows::of_sql(&site).await, &gateways::acknowledged(&site), &gateways::sent(&site));
    }
}
