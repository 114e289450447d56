//! HTTP by reqwest: the one place that opens connections to a service.
