"""Knowledge of the field as data: servers, limits, lifecycles. No logic here."""
