"""Files of other programs, read row by row: the table, its columns mapped to our fields, and a report that adds up."""
