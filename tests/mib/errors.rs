//! Every error with its line and column.
