//! One attempt of one operation: sign, send, classify.
