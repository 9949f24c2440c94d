//! Connects the event buses of many processes over NATS.
