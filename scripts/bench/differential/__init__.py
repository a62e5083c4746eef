"""The differential campaign: the same press at the same true step, with the extension off and on."""
