//! `[billing]`: credit that is not paid for.

use domain::money::Usd;

use super::section::Section;

/// Who gets credit without paying.
#[derive(Debug, Clone, Copy)]
pub struct Billing {
    pub sandbox_top_up: Switch,
    pub sandbox_top_up_max: Usd,
    pub demo: Switch,
}

/// On, off, or on while every provider is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch {
    #[default]
    Auto,
    On,
    Off,
}

impl Switch {
    const CHOICES: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("true", Self::On), ("false", Self::Off)];

    /// What the switch comes to, given whether a real provider costs real money.
    pub const fn is_on(self, any_live: bool) -> bool {
        match self {
            Self::Auto => !any_live,
            Self::On => true,
            Self::Off => false,
        }
    }
}

impl Billing {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let most = section.usd("sandbox_top_up_max");
        if most < Usd::from_dollars(1) || most > Usd::from_dollars(1_000_000) {
            section.reject("sandbox_top_up_max", "must be from 1 to 1000000 dollars");
        }
        Self {
            sandbox_top_up: section.choice("sandbox_top_up", &Switch::CHOICES),
            sandbox_top_up_max: most,
            demo: section.choice("demo", &Switch::CHOICES),
        }
    }
}
