//! What a run talks to: the service, with credentials from the environment, or the embedded simulator.
