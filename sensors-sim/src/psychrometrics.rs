//! Moist air: how much water it can hold, and what share of that it holds.

/// Saturation vapour pressure over water in hPa at `air_c`.
///
/// The Magnus form with the coefficients of Alduchov and Eskridge (1996), within 0.4 % from −40 to 50 °C; used
/// below freezing too, because humidity probes are calibrated against water.
pub(crate) fn saturation_hpa(air_c: f64) -> f64 {
    6.1094 * (17.625 * air_c / (243.04 + air_c)).exp()
}

/// Relative humidity in % of air at `air_c` with a vapour pressure of `vapour_hpa`.
pub(crate) fn relative_pct(vapour_hpa: f64, air_c: f64) -> f64 {
    (100.0 * vapour_hpa / saturation_hpa(air_c)).clamp(0.0, 100.0)
}

/// Air around or inside something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Air {
    /// Temperature, °C.
    pub(crate) celsius: f64,
    /// Vapour pressure, hPa.
    pub(crate) vapour_hpa: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_steam_tables() {
        assert!((saturation_hpa(20.0) - 23.39).abs() < 0.1);
        assert!((saturation_hpa(0.0) - 6.11).abs() < 0.01);
        assert!((relative_pct(saturation_hpa(5.0), 20.0) - 37.3).abs() < 0.5);
    }
}
