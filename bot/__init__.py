"""The product: who may ask what, where, and when."""
