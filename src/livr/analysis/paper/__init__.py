"""Numbers published by others, and our runs beside them."""
