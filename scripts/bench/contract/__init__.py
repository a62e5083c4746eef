"""What the extension uses of SD.Next, held against the source of any of its versions."""
