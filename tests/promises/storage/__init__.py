"""What the machines under the server promise, on both databases."""
