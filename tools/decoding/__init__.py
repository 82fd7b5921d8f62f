"""Files of many kinds, with the pictures that they show."""
