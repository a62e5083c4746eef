"""Which names of SD.Next are replaced, and by what."""
