//! Profiles of products, made once per version.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::gs1::Gtin;
use model::registry::{Product, Recorded};

use crate::kernel::Profile;

/// Profiles by product and version.
#[derive(Debug, Default)]
pub struct Profiles(RwLock<HashMap<(Gtin, u32), Arc<Profile>>>);

impl Profiles {
    /// The profile of this version of a product.
    #[must_use]
    pub fn get(&self, product: &Recorded<Product>) -> Arc<Profile> {
        let key = (product.gtin, product.version);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone);
        if let Some(profile) = known.filter(|profile| profile.product() == product) {
            return profile;
        }
        let made = Arc::new(Profile::new(product.clone()));
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        made
    }
}
