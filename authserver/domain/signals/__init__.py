"""What is unusual in the record, each time with the sentence and the numbers that say why."""
