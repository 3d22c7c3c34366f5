"""What a person sees: plain HTML forms that work without a script."""
