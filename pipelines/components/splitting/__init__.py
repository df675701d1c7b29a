"""What a text is made of: definitions of code by its grammar, cells of notebooks, keys of data."""
