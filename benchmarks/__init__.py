"""What is measured, side by side with other libraries: one command a question."""
