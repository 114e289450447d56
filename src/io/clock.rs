//! Clocks: the only place that reads the machine's time.
