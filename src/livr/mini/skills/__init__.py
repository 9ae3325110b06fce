"""What the embedded model is taught: each module renders pictures and asks about them."""
