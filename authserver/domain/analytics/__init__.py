"""What many calls amount to: how many, how they ended, how long they took, what they cost."""
