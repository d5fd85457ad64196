//! A product as the kernel uses it: its rules compiled, its rates tabulated.

use model::registry::{Product, Recorded};

use super::exposure::Exposure;
use super::level::Level;
use super::life::Aging;
use super::rate::Rate;
use super::screen::levels;
use super::watch::{Quantity, Watch, watches};

/// A product, ready to assess units of it. Costly to make and cheap to use: make one per version of a product.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) product: Recorded<Product>,
    pub(super) watches: Vec<Watch>,
    pub(super) aging: Option<Aging>,
    pub(super) mkt: Option<Exposure>,
    pub(super) levels: Vec<(Quantity, Level)>,
}

impl Profile {
    /// The profile of one version of a product.
    #[must_use]
    pub fn new(product: Recorded<Product>) -> Self {
        let watches = watches(&product);
        let aging = Aging::of(&product);
        let mkt = product.mkt.map(|mkt| Exposure::new(Rate::of_mkt(mkt.dh)));
        let mut profile = Self { product, watches, aging, mkt, levels: Vec::new() };
        profile.levels = levels(&profile);
        profile
    }

    /// The product.
    #[must_use]
    pub fn product(&self) -> &Recorded<Product> {
        &self.product
    }

    /// Whether the product limits humidity.
    #[must_use]
    pub fn limits_humidity(&self) -> bool {
        self.watches.iter().any(|watch| watch.quantity == Quantity::Humidity)
    }
}
