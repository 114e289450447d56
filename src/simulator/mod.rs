//! A local HSS and IAM to rehearse against.
