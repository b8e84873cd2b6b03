//! Figures of merit, as scikit-learn computes them.
