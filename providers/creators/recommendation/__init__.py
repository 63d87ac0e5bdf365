"""What suits whom: plain arithmetic on places, histories and choices. Knows no database; the board and the evaluation use it."""
