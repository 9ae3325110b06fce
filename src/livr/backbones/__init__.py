"""What differs between model families: loading, placeholders, the language model's modules."""
