//! The scheduler: (state, input) to effects, with waves, limits, quota and failure budgets. No clock of its own.
