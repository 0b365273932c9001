"""What a mail says, as values: the text and the HTML form are two layouts of one Sheet."""
