//! The families of models behind one trait.
