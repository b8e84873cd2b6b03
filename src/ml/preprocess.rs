//! From raw columns to matrices; learnt on the training part only, kept in the model.
