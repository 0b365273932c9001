"""What of one case goes to others: the export that proves itself, and the report for people."""
