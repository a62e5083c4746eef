"""Reports on cards that strangers have sent: read from files, and merged into the page of cards."""
