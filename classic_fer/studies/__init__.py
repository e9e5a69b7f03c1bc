"""Studies: each turns a recognizer and data into a result that shows what breaks or moves it."""
