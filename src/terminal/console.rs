//! Text to the terminal, with control characters neutralised.
